import fc from 'fast-check';
import { ENTERPRISE, GROUP, isAnswered, numRuns, print, refusal, titled } from '../scim.harness.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import { readListQuery, readSearchRequest, readSelection } from './list-query.ts';
import { listResponse } from './list-response.ts';

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const read = (query: Record<string, unknown>) => readListQuery(query, userType);
const refused = (query: Record<string, unknown>) => refusal(() => read(query));
const search = (body: object) => readSearchRequest({ schemas: [SEARCH], ...body }, userType);

const nothing = {
  filter: null,
  sortBy: null,
  sortOrder: 'ascending',
  startIndex: 1,
  count: null,
  cursor: null,
  selection: { attributes: null, excluded: new Map() },
};

describe('RFC 7644, section 3.4.2: the query of a list', () => {
  it('has no filter and no sort order when it is empty', () => {
    expect(read({})).toEqual(nothing);
    expect(read({ attributes: '', excludedAttributes: '' })).toEqual(nothing);
  });

  it('is rejected when it has an unknown parameter, which may be a misspelt filter', () => {
    for (const query of [{ fliter: 'userName pr' }, { unknown: ['a', 'b'] }, { '': '' }])
      expect(refusal(() => read(query))).toBe('400 invalidValue');
    expect(read({ COUNT: '5', sortby: 'userName' })).toMatchObject({
      count: 5,
      sortBy: { steps: [{ key: 'userName' }] },
    });
  });

  it('is parsed as Okta sends it: look-up, import, connection test', () => {
    const lookup = read({ filter: 'userName eq "jane@example.com"', startIndex: '1', count: '100' });
    expect(lookup).toMatchObject({ startIndex: 1, count: 100 });
    expect(print(lookup.filter!)).toBe('userName eq "jane@example.com"');
    expect(read({ startIndex: '101', count: '100' })).toMatchObject({ startIndex: 101, count: 100 });
    const group = readListQuery({ filter: 'displayName eq "A"' }, groupType);
    expect(print(group.filter!)).toBe('displayName eq "A"');
  });

  it.each([
    [{ startIndex: '0' }, { startIndex: 1 }],
    [{ startIndex: '-5' }, { startIndex: 1 }],
    [{ count: '0' }, { count: 0 }],
    [{ count: '-1' }, { count: 0 }],
    [{ count: '9'.repeat(400) }, { count: 2_147_483_647 }],
    [{ startIndex: '99999999999999999999' }, { startIndex: 2_147_483_647 }],
    [{ sortBy: 'userName', sortOrder: 'Descending' }, { sortOrder: 'descending' }],
    [{ cursor: '' }, { cursor: '', count: null }],
    [
      { cursor: 'abc', count: '7' },
      { cursor: 'abc', count: 7 },
    ],
  ])('%j is parsed as %j', (query, expected) => {
    expect(read(query)).toMatchObject(expected);
  });

  it('sorts by the values of a multi-valued attribute', () => {
    const { sortBy } = read({ sortBy: 'EMAILS' });
    expect(sortBy?.steps.map(({ key }) => key)).toEqual(['emails', 'value']);
  });

  it('has the requested attributes as a tree', () => {
    expect(read({ attributes: `userName, name.givenName,shoeSize,${ENTERPRISE}:manager` }).selection).toEqual(
      {
        attributes: new Map<string, unknown>([
          ['userName', null],
          ['name', new Map([['givenName', null]])],
          [ENTERPRISE, new Map([['manager', null]])],
        ]),
        excluded: new Map(),
      },
    );
    expect(readSelection({ excludedAttributes: 'members', count: 'x' }, groupType)).toEqual({
      attributes: null,
      excluded: new Map([['members', null]]),
    });
  });

  it.each(
    titled(
      [{ count: 'ten' }, '400 invalidValue'],
      [{ count: '1.5' }, '400 invalidValue'],
      [{ count: '' }, '400 invalidValue'],
      [{ count: '1e3' }, '400 invalidValue'],
      [{ count: ['1', '2'] }, '400 invalidValue'],
      [{ cursor: '', count: 'ten' }, '400 invalidCount'],
      [{ cursor: 'a', startIndex: '1' }, '400 invalidCursor'],
      [{ cursor: 'x'.repeat(10_000) }, '400 invalidCursor'],
      [{ cursor: 'a b' }, '400 invalidCursor'],
      [{ cursor: 'a\0' }, '400 invalidCursor'],
      [{ startIndex: 'one' }, '400 invalidValue'],
      [{ startIndex: { gt: '1' } }, '400 invalidValue'],
      [{ filter: ['title pr', 'title pr'] }, '400 invalidValue'],
      [{ filter: { a: 'b' } }, '400 invalidValue'],
      [{ filter: '' }, '400 invalidFilter'],
      [{ filter: 'password pr' }, '403 sensitive'],
      [{ sortBy: 'shoeSize' }, '400 invalidValue'],
      [{ sortBy: 'name' }, '400 invalidValue'],
      [{ sortBy: '__proto__' }, '400 invalidValue'],
      [{ sortBy: 'password' }, '403 sensitive'],
      [{ sortBy: 'userName', sortOrder: 'up' }, '400 invalidValue'],
      [{ attributes: 'userName', excludedAttributes: 'name' }, '400 invalidValue'],
      [{ attributes: ['userName', 'name'] }, '400 invalidValue'],
      [{ attributes: 'userName,'.repeat(2_000) }, '400 invalidValue'],
    ),
  )('%s is rejected', (_, query, expected) => {
    expect(refused(query)).toBe(expected);
  });

  it('stays within its limits, whatever it contains', () => {
    const names = fc.constantFrom(
      'filter',
      'sortBy',
      'sortOrder',
      'startIndex',
      'count',
      'cursor',
      'attributes',
    );
    const values = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.jsonValue(),
      fc.constantFrom('1', 'userName', 'emails'),
    );
    fc.assert(
      fc.property(fc.dictionary(names, values), (query) =>
        [() => read(query), () => search(query)].every((deed) =>
          isAnswered(deed, 'invalidValue', 'invalidFilter', 'invalidCount', 'invalidCursor', 'sensitive'),
        ),
      ),
      { numRuns },
    );
  });
});

describe('RFC 7644, section 3.4.3: a search', () => {
  it('is parsed like a query, with JSON lists and numbers', () => {
    const found = search({
      attributes: ['displayName', 'userName'],
      filter: 'displayName sw "smith"',
      startIndex: 1,
      COUNT: 10,
      sortBy: null,
    });
    expect(print(found.filter!)).toBe('displayName sw "smith"');
    expect(found).toMatchObject({ count: 10, sortBy: null });
    expect(found.selection.attributes).toEqual(
      new Map([
        ['displayName', null],
        ['userName', null],
      ]),
    );
  });

  it.each([
    [null, '400 invalidSyntax'],
    [[], '400 invalidSyntax'],
    [{ schemas: [GROUP] }, '400 invalidSyntax'],
    [{ schemas: [SEARCH], count: 1.5 }, '400 invalidValue'],
    [{ schemas: [SEARCH], count: true }, '400 invalidValue'],
    [{ schemas: [SEARCH], filter: 5 }, '400 invalidValue'],
    [{ schemas: [SEARCH], attributes: 'userName' }, '400 invalidValue'],
    [{ schemas: [SEARCH], attributes: [7] }, '400 invalidValue'],
    [{ schemas: [SEARCH], count: 1, Count: 2 }, '400 invalidSyntax'],
  ])('%j is rejected: %s', (body, expected) => {
    expect(refusal(() => readSearchRequest(body, userType))).toBe(expected);
  });
});

describe('the response with a list', () => {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:ListResponse'];

  it('has its position by index (RFC 7644, section 3.4.2)', () => {
    expect(listResponse({ resources: [{ id: '1' }], totalResults: 12, startIndex: 11 })).toEqual({
      schemas,
      totalResults: 12,
      itemsPerPage: 1,
      startIndex: 11,
      Resources: [{ id: '1' }],
    });
    expect(listResponse({ resources: [], totalResults: 0, startIndex: 1 })).toMatchObject({
      totalResults: 0,
      Resources: [],
    });
  });

  it('has the cursor of the next page (RFC 9865, section 2)', () => {
    const page = { resources: [], totalResults: null, nextCursor: 'n', previousCursor: null };
    expect(listResponse(page)).toEqual({ schemas, itemsPerPage: 0, nextCursor: 'n', Resources: [] });
  });
});
