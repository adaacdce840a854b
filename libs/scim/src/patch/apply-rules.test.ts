import fc from 'fast-check';
import { ENTERPRISE, filters, isAnswered, numRuns, print, refusal, users } from '../scim.harness.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import { readResource } from '../resource/read.ts';
import { applyPatch } from './apply.ts';
import { MAX_OPERATIONS, readPatch } from './operations.ts';
import { work, home, jane, read, patch, refused } from './patch.harness.ts';

describe('every PATCH', () => {
  it.each([
    ['objects that cannot be text', JSON.parse('[{ "toString": 1 }]') as object],
    ['lists in lists', JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as object],
  ])('is rejected when it contains %s', (_, hostile) => {
    expect(refusal(() => readPatch({ schemas: hostile, Operations: [] }))).toBe('400 invalidSyntax');
    expect(refusal(() => readPatch({ Operations: hostile }))).toBe('400 invalidSyntax');
    const paths = [
      'schemas',
      'userName',
      'name',
      'emails',
      'emails[type eq "work"]',
      'emails.value',
      'active',
    ];
    for (const path of paths) {
      expect(refused({ op: 'replace', path, value: hostile })).toMatch(/^400 invalid(Value|Syntax)$/);
    }
  });

  it('keeps the order of attributes that it does not change', () => {
    expect(Object.keys(patch({ op: 'replace', path: 'userName', value: 'j@example.com' }))).toEqual(
      Object.keys(jane),
    );
  });

  it('ignores the password', () => {
    const operations = [
      { op: 'replace', path: 'password', value: { not: 'text' } },
      { op: 'remove', path: 'password' },
      { op: 'add', value: { Password: 7 } },
    ];
    expect(patch(...operations)).toEqual(jane);
  });

  it('is applied completely or not at all', () => {
    const before = structuredClone(jane);
    const operations = [
      { op: 'remove', path: 'emails' },
      { op: 'replace', path: 'active', value: 'maybe' },
    ];
    expect(refused(...operations)).toBe('400 invalidValue');
    expect(jane).toEqual(before);
  });

  it('applies each operation to the result of the previous ones', () => {
    const operations = [
      { op: 'replace', path: 'emails[type eq "home"].type', value: 'other' },
      { op: 'remove', path: 'emails[type eq "other"]' },
    ];
    expect(patch(...operations).emails).toEqual([work]);
  });

  it('may leave at most the maximum number of values in an attribute', () => {
    const value = Array.from({ length: 99 }, (_, at) => ({ value: `${at}@example.com` }));
    expect(refused({ op: 'add', path: 'emails', value })).toBe('400 invalidValue');
  });

  it.each([
    { op: 'replace', path: 'members[value eq "1"].value', value: '2' },
    { op: 'replace', path: 'members.type', value: 'Group' },
    { op: 'remove', path: 'members[value eq "1"].type' },
    { op: 'remove', path: 'members.value' },
  ])('does not change the id or type of a member: %j', (operation) => {
    const group = { displayName: 'A', members: [{ value: '1', type: 'User' }] };
    expect(refusal(() => applyPatch(group, read(operation), groupType))).toBe('400 mutability');
  });

  it('removes an element whose last sub-attribute is removed', () => {
    const bare = { ...jane, emails: [{ value: 'j@example.com' }] };
    const { emails: _, ...rest } = bare;
    for (const operation of [{ op: 'replace', value: null }, { op: 'remove' }]) {
      const operations = read({ ...operation, path: 'emails[value pr].value' });
      expect(applyPatch(bare, operations, userType)).toEqual(rest);
      const others = { ...bare, emails: [...bare.emails, home] };
      expect(applyPatch(others, operations, userType)).toEqual(rest);
    }
  });

  it('takes time linear in its size: the maximum number of operations on a hundred values', () => {
    const emails = Array.from({ length: 100 }, (_, at) => ({ value: `${at}@example.com` }));
    const operations = Array.from({ length: MAX_OPERATIONS }, (_, at) => ({
      op: 'replace',
      path: `emails[value eq "${at % 100}@example.com"].display`,
      value: `${at}`,
    }));
    const patched = applyPatch({ ...jane, emails }, read(...operations), userType);
    expect(patched.emails).toContainEqual({ value: '99@example.com', display: String(MAX_OPERATIONS - 1) });
  });
});

describe('a PATCH with any content', () => {
  const attributes = fc.constantFrom(
    'emails',
    'emails.value',
    'name',
    'name.givenName',
    'active',
    'title',
    ENTERPRISE,
  );
  const paths = fc.oneof(
    attributes,
    filters.map((filter) => print(filter)),
    filters.map((filter) => `emails[${print(filter)}].value`),
    fc.constantFrom('emails[type eq "work"]', 'emails[type eq "work"].value', 'emails[primary eq true].type'),
    fc.string(),
  );
  const values = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(true, 'text', { value: 'x', primary: true }, [
      { value: 'x' },
      { value: 'y', type: 'work' },
    ]),
    fc.record({ givenName: fc.string(), emails: fc.constant([{ value: 'z' }]) }, { requiredKeys: [] }),
  );
  const operations = fc.array(
    fc.record(
      { op: fc.constantFrom('add', 'remove', 'replace'), path: paths, value: values },
      { requiredKeys: ['op', 'value'] },
    ),
    { minLength: 1, maxLength: 4 },
  );

  it('is rejected with a reason, or produces a user that could have been created in that form', () => {
    const reasons = [
      'invalidSyntax',
      'invalidPath',
      'invalidFilter',
      'noTarget',
      'mutability',
      'invalidValue',
    ] as const;
    fc.assert(
      fc.property(users, operations, ({ meta: _, ...user }, given) => {
        let after: object = user;
        const deed = () => (after = applyPatch(user, read(...given), userType));
        expect(isAnswered(deed, ...reasons, 'sensitive')).toBe(true);
        expect(readResource(after, userType)).toEqual(after);
      }),
      { numRuns },
    );
  });

  it('that replaces changes nothing when it is applied again', () => {
    fc.assert(
      fc.property(users, users, (user, { meta: _, ...other }) => {
        const operation = read({ op: 'replace', value: other });
        const once = applyPatch(user, operation, userType);
        expect(applyPatch(once, operation, userType)).toEqual(once);
      }),
      { numRuns },
    );
  });

  it('that adds existing values changes nothing', () => {
    fc.assert(
      fc.property(users, (user) => {
        expect(applyPatch(user, read({ op: 'add', value: user }), userType)).toEqual(user);
      }),
      { numRuns },
    );
  });
});
