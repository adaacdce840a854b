import { ENTERPRISE, USER } from '../scim.harness.ts';
import { PROVISIONING_URN } from '../schema/provisioning.ts';
import { userType } from '../schema/resource-types.ts';
import { applyPatch } from './apply.ts';
import { work, home, jane, read, patch, refused } from './patch.harness.ts';

describe('RFC 7644, section 3.5.2.3: replace', () => {
  it.each([
    ['an attribute', 'active', false, { active: false }],
    ['an attribute that is not there', 'title', 'Engineer', { title: 'Engineer' }],
    [
      'sub-attributes, the others stay',
      'name',
      { givenName: 'J' },
      { name: { givenName: 'J', familyName: 'Doe' } },
    ],
    ['all elements', 'emails', [home], { emails: [home] }],
    [
      'an element',
      'emails[type eq "home"]',
      { value: 'h@example.com' },
      { emails: [work, { value: 'h@example.com' }] },
    ],
    [
      'a sub-attribute of an element',
      'emails[type eq "work"].value',
      'w@example.com',
      { emails: [{ ...work, value: 'w@example.com' }, home] },
    ],
    ['an attribute by nothing', 'name.givenName', null, { name: { familyName: 'Doe' } }],
    ['elements by none', 'emails', [], { emails: undefined }],
    ['a boolean given as text', 'active', 'False', { active: false }],
  ])('%s: %s', (_, path, value, expected) => {
    expect(patch({ op: 'replace', path, value })).toEqual({ ...jane, ...expected });
  });

  it.each([
    ['emails[type eq "other"]', { value: 'o@example.com' }, '400 noTarget'],
    ['emails[type eq "other"].value', 'o@example.com', '400 noTarget'],
    ['phoneNumbers.value', '555', '400 noTarget'],
    ['userName', null, '400 invalidValue'],
    ['userName', ' ', '400 invalidValue'],
    ['userName', ['a'], '400 invalidValue'],
    ['active', 'maybe', '400 invalidValue'],
    ['name', 'Jane Doe', '400 invalidValue'],
    ['name', { shoeSize: 4 }, '400 invalidSyntax'],
    ['emails', 'j@example.com', '400 invalidValue'],
    ['emails[type eq "work"].value', { a: 1 }, '400 invalidValue'],
    ['id', '2', '400 mutability'],
    ['meta.created', '2020-01-01T00:00:00Z', '400 mutability'],
    ['groups', [], '400 mutability'],
    ['groups[value eq "1"].display', 'x', '400 mutability'],
    [`${PROVISIONING_URN}:inStep`, true, '400 mutability'],
    [`${ENTERPRISE}:manager.displayName`, 'Boss', '400 mutability'],
    ['shoeSize', 4, '400 invalidPath'],
    ['', 'x', '400 invalidPath'],
    ['userName eq "a"', 'x', '400 invalidPath'],
    ['emails[type eq "work"', 'x', '400 invalidFilter'],
    ['emails[type eq "work"]value', 'x', '400 invalidPath'],
    ['emails[type eq "work"].shoeSize', 'x', '400 invalidPath'],
    ['emails[shoeSize eq "work"]', 'x', '400 invalidFilter'],
    ['name[givenName eq "Jane"]', { givenName: 'J' }, '400 invalidPath'],
    ['__proto__.polluted', true, '400 invalidPath'],
    ['name.__proto__.polluted', true, '400 invalidPath'],
    ['constructor.prototype', {}, '400 invalidPath'],
  ])('rejects %s %j', (path, value, expected) => {
    expect(refused({ op: 'replace', path, value })).toBe(expected);
  });

  it('rejects a path that is too long', () => {
    expect(refused({ op: 'replace', path: 'x'.repeat(100_000), value: 'x' })).toBe('400 invalidPath');
  });

  it('accepts USERNAME for userName', () => {
    expect(patch({ op: 'replace', path: 'USERNAME', value: 'j@example.com' })).toEqual({
      ...jane,
      userName: 'j@example.com',
    });
  });
});

describe('operations without a path', () => {
  it('deactivate a user as Okta does', () => {
    expect(patch({ op: 'replace', value: { active: false } })).toEqual({ ...jane, active: false });
  });

  it('may use sub-attributes and value paths as keys', () => {
    expect(
      patch({
        op: 'Replace',
        value: {
          'name.givenName': 'J',
          'emails[type eq "home"].value': 'h@example.com',
          [`${USER}:title`]: 'Dr',
        },
      }),
    ).toEqual({
      ...jane,
      title: 'Dr',
      name: { givenName: 'J', familyName: 'Doe' },
      emails: [work, { ...home, value: 'h@example.com' }],
    });
  });

  it('may include read-only attributes with unchanged values', () => {
    const value = {
      id: '2',
      schemas: ['urn:example:any'],
      meta: { created: 7 },
      groups: 'none',
      [PROVISIONING_URN]: 7,
      [ENTERPRISE]: { manager: { displayName: 7 } },
      displayName: 'Jane Doe',
    };
    expect(patch({ op: 'replace', value })).toEqual({ ...jane, displayName: 'Jane Doe' });
  });

  it('do not change read-only attributes', () => {
    const manager = { value: '7', displayName: 'John Smith' };
    const operations = read({
      op: 'replace',
      value: { [ENTERPRISE]: { manager: { value: '8', displayName: 'x' } } },
    });
    expect(applyPatch({ ...jane, [ENTERPRISE]: { manager } }, operations, userType)[ENTERPRISE]).toEqual({
      manager: { value: '8', displayName: 'John Smith' },
    });
  });

  it.each([
    [{ shoeSize: 4 }, '400 invalidSyntax'],
    [JSON.parse('{ "__proto__": { "polluted": true } }') as object, '400 invalidSyntax'],
    [{ userName: null }, '400 invalidValue'],
    [['active'], '400 invalidValue'],
    ['active', '400 invalidValue'],
    [null, '400 invalidValue'],
  ])('are rejected: %j', (value, expected) => {
    expect(refused({ op: 'replace', value })).toBe(expected);
    expect({}).not.toHaveProperty('polluted');
  });
});
