import fc from 'fast-check';
import { GROUP, isAnswered, numRuns, refusal, USER, titled } from '../scim.harness.ts';
import { readBulk } from './read.ts';
import { planBulk, resolveBulkIds } from './references.ts';

const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const limits = { maxOperations: 100 };
const read = (...operations: unknown[]) => readBulk({ schemas: [BULK], Operations: operations }, limits);
const answered = (operation: unknown) => {
  const { refusal: refusedWith } = read(operation).entries[0]!;
  return `${refusedWith?.status} ${refusedWith?.scimType}`;
};

const user = (bulkId: string, more: object = {}) => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: { schemas: [USER], userName: `${bulkId}@example.com`, ...more },
});
const group = (bulkId: string, ...members: string[]) => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: {
    schemas: [GROUP],
    displayName: bulkId,
    members: members.map((each) => ({ value: `bulkId:${each}` })),
  },
});
const planned = (...operations: unknown[]) =>
  planBulk(read(...operations)).map(({ index, refusal: refusedWith }) =>
    refusedWith === null ? index : `${index}: ${refusedWith.status} ${refusedWith.scimType}`,
  );

describe('RFC 7644, section 3.7: a bulk request', () => {
  it('is parsed with the resource type and id of each path', () => {
    const { failOnErrors, entries } = readBulk(
      {
        schemas: [BULK],
        failOnErrors: 1,
        Operations: [
          user('jane'),
          { method: 'put', path: '/Users/1', version: 'W/"4"', data: { userName: 'x' } },
          { method: 'PATCH', path: '/Groups/2', data: { Operations: [] } },
          { method: 'DELETE', path: '/Users/3' },
        ],
      },
      limits,
    );
    expect(failOnErrors).toBe(1);
    expect(entries.map(({ operation }) => operation)).toMatchObject([
      { method: 'POST', type: { name: 'User' }, id: null, bulkId: 'jane', version: null },
      { method: 'PUT', type: { name: 'User' }, id: '1', version: 'W/"4"' },
      { method: 'PATCH', type: { name: 'Group' }, id: '2' },
      { method: 'DELETE', type: { name: 'User' }, id: '3', data: null },
    ]);
  });

  it.each(
    titled(
      [{ schemas: [BULK] }, '400 invalidSyntax'],
      [{ schemas: [BULK], Operations: [] }, '400 invalidSyntax'],
      [{ schemas: [USER], Operations: [user('a')] }, '400 invalidSyntax'],
      [{ schemas: [BULK], Operations: [user('a')], failOnErrors: 0 }, '400 invalidValue'],
      [{ schemas: [BULK], Operations: [user('a')], failOnErrors: '1' }, '400 invalidValue'],
      [{ schemas: [BULK], Operations: Array.from({ length: 101 }, (_, at) => user(`${at}`)) }, '413 null'],
      [{ schemas: [BULK], Operations: [null] }, '400 invalidSyntax'],
      [
        { schemas: JSON.parse('[{ "toString": 1 }]') as object, Operations: [user('a')] },
        '400 invalidSyntax',
      ],
      [[], '400 invalidSyntax'],
      [null, '400 invalidSyntax'],
    ),
  )('is rejected: %s', (_, body, expected) => {
    expect(refusal(() => readBulk(body, limits))).toBe(expected);
  });

  it.each(
    titled(
      [{ ...user('a'), method: 'GET' }, '400 invalidSyntax'],
      [{ ...user('a'), method: undefined }, '400 invalidSyntax'],
      [{ ...user('a'), bulkId: undefined }, '400 invalidSyntax'],
      [{ ...user('a'), bulkId: '' }, '400 invalidSyntax'],
      [{ ...user('a'), bulkId: 7 }, '400 invalidSyntax'],
      [{ ...user('a'), data: undefined }, '400 invalidSyntax'],
      [{ ...user('a'), data: 'text' }, '400 invalidSyntax'],
      [{ ...user('a'), path: undefined }, '400 invalidValue'],
      [{ ...user('a'), path: '/Users/1' }, '400 invalidValue'],
      [{ ...user('a'), path: '/Bulk' }, '400 invalidValue'],
      [{ ...user('a'), path: 'https://foyer.example.com/scim/v2/Users' }, '400 invalidValue'],
      [{ method: 'DELETE', path: '/Users' }, '400 invalidValue'],
      [{ method: 'DELETE', path: '/Users/' }, '400 invalidValue'],
      [{ method: 'DELETE', path: '/Users/1/2' }, '400 invalidValue'],
    ),
  )('rejects a single operation and keeps the others: %s', (_, operation, expected) => {
    expect(answered(operation)).toBe(expected);
    expect(planned(operation, user('b'))).toEqual([`0: ${expected}`, 1]);
  });

  it('rejects an operation with deeply nested objects', () => {
    const data = JSON.parse(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`) as object;
    expect(answered({ ...user('a'), data })).toBe('400 invalidSyntax');
    expect(answered({ method: 'DELETE', path: '/Users/1', data })).toBe('400 invalidSyntax');
  });

  it('rejects a bulkId that is used twice', () => {
    expect(refusal(() => read(user('a'), user('a')))).toBe('400 invalidValue');
  });

  it('reports the method, path and bulkId of a rejected operation as far as they are known', () => {
    const [entry] = read({ ...user('a'), path: '/Bulk' }).entries;
    expect(entry).toMatchObject({ method: 'POST', bulkId: 'a', operation: null });
  });
});

describe('RFC 7644, section 3.7.2: bulkIds', () => {
  it('are resolved before they are used, and the other operations keep their order', () => {
    expect(planned(user('a'), user('b'), group('g', 'a'))).toEqual([0, 1, 2]);
    expect(planned(group('g', 'a', 'b'), user('a'), user('x'), user('b'), user('y'))).toEqual([
      1, 2, 3, 0, 4,
    ]);
    expect(planned(group('g', 'h'), group('h', 'a'), user('a'))).toEqual([2, 1, 0]);
  });

  it('are rejected when no operation defines them or when they form a cycle (section 3.7.1)', () => {
    expect(planned(group('g', 'nobody'), user('a'))).toEqual(['0: 400 invalidValue', 1]);
    expect(planned(group('g', 'h'), group('h', 'g'), user('a'), group('k', 'k'))).toEqual([
      2,
      '0: 409 null',
      '1: 409 null',
      '3: 409 null',
    ]);
  });

  it('are replaced in values and in paths, and nowhere else', () => {
    const [entry] = read({
      method: 'PATCH',
      path: '/Groups/bulkId:g',
      data: {
        Operations: [
          {
            op: 'add',
            path: 'members',
            value: [{ value: 'bulkId:a', $ref: 'bulkId:a', display: 'bulkId:a' }],
          },
          { op: 'remove', path: 'members[value eq "bulkId:a" or value eq "bulkId:g"]' },
          { op: 'replace', path: 'displayName', value: 'not bulkId:a' },
        ],
      },
    }).entries;
    const ids = new Map([
      ['a', '11'],
      ['g', '22'],
    ]);
    expect(resolveBulkIds(entry!.operation!, ids)).toMatchObject({
      path: '/Groups/22',
      id: '22',
      data: {
        Operations: [
          { value: [{ value: '11', $ref: '11', display: 'bulkId:a' }] },
          { path: 'members[value eq "11" or value eq "22"]' },
          { value: 'not bulkId:a' },
        ],
      },
    });
  });

  it('fail the operations that refer to a failed operation', () => {
    const { entries } = read(user('a'), group('g', 'a'));
    expect(refusal(() => resolveBulkIds(entries[1]!.operation!, new Map()))).toBe('400 invalidValue');
  });

  it('do not change Object.prototype', () => {
    const data = JSON.parse('{ "__proto__": { "value": "bulkId:a" }, "polluted": 1 }') as object;
    const { entries } = read(user('a'), { method: 'PUT', path: '/Users/1', data });
    const resolved = resolveBulkIds(entries[1]!.operation!, new Map([['a', '1']]));
    expect(Object.keys(resolved.data as object)).toEqual(['__proto__', 'polluted']);
    expect({}).not.toHaveProperty('value');
  });

  it('are defined before they are used, for any graph of references', () => {
    const edges = fc.array(fc.array(fc.nat(9), { maxLength: 3 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(edges, (all) => {
        const plan = planBulk(read(...all.map((needs, at) => group(`${at}`, ...needs.map(String)))));
        expect(plan.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...all.keys()]);
        const made = new Set<string>();
        for (const { bulkId, needs, refusal: refusedWith } of plan) {
          if (refusedWith === null) expect(needs.filter((each) => !made.has(each))).toEqual([]);
          made.add(bulkId!);
        }
      }),
      { numRuns },
    );
  });
});

describe('a bulk request with any content', () => {
  it('is parsed or rejected with a reason', () => {
    const operation = fc.record(
      {
        method: fc.oneof(fc.constantFrom('POST', 'PUT', 'DELETE'), fc.jsonValue()),
        path: fc.oneof(fc.constantFrom('/Users', '/Groups/1', '/Users/bulkId:a'), fc.jsonValue()),
        bulkId: fc.oneof(fc.constantFrom('a', 'b'), fc.jsonValue()),
        data: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(operation), (operations) =>
        isAnswered(() => planBulk(read(...operations)), 'invalidSyntax', 'invalidValue'),
      ),
      { numRuns },
    );
  });
});
