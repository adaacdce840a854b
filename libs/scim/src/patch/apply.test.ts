import { ENTERPRISE, refusal, titled, USER } from '../scim.harness.ts';
import { MAX_OPERATIONS, readPatch } from './operations.ts';
import { work, home, jane, patch, refused } from './patch.harness.ts';

describe('RFC 7644, section 3.5.2: the body of a PATCH', () => {
  const manyNames = Object.fromEntries(Array.from({ length: MAX_OPERATIONS }, (_, at) => [`name${at}`, 1]));

  it('may use any case for names and operations, and may omit its schemas', () => {
    const operation = { op: 'replace', path: null, value: { active: false } };
    expect(readPatch({ Operations: [{ op: 'Replace', value: operation.value }] })).toEqual([operation]);
    expect(readPatch({ operations: [{ OP: 'REPLACE', Value: operation.value }] })).toEqual([operation]);
  });

  it.each(
    titled(
      ...[
        null,
        [],
        'text',
        {},
        { Operations: [] },
        { Operations: {} },
        { Operations: [null] },
        { Operations: [{}] },
        { Operations: [{ op: 'move', value: 1 }] },
        { Operations: [{ op: 'constructor', value: 1 }] },
        { Operations: [{ op: 5, value: 1 }] },
        { Operations: [{ op: 'add', path: 'title' }] },
        { Operations: [{ op: 'add', path: 7, value: 'a' }] },
        { Operations: [{ op: 'add', OP: 'remove', path: 'title', value: 'a' }] },
        { schemas: [USER], Operations: [{ op: 'add', path: 'title', value: 'a' }] },
        { schemas: 'x', Operations: [{ op: 'add', path: 'title', value: 'a' }] },
        {
          Operations: [
            { op: 'add', value: manyNames },
            { op: 'remove', path: 'title' },
          ],
        },
        { Operations: Array.from({ length: MAX_OPERATIONS + 1 }, () => ({ op: 'remove', path: 'title' })) },
      ].map((body) => [body]),
    ),
  )('is rejected: %s', (_, body) => {
    expect(refusal(() => readPatch(body))).toBe('400 invalidSyntax');
  });
});

describe('RFC 7644, section 3.5.2.1: add', () => {
  it.each([
    ['a value where there is none', 'title', 'Engineer', { title: 'Engineer' }],
    ['a value in place of another', 'userName', 'j@example.com', { userName: 'j@example.com' }],
    ['a sub-attribute', 'name.middleName', 'Q', { name: { ...jane.name, middleName: 'Q' } }],
    [
      'sub-attributes beside others',
      'name',
      { middleName: 'Q' },
      { name: { ...jane.name, middleName: 'Q' } },
    ],
    [
      'an element',
      'emails',
      [{ value: 'j@example.com' }],
      { emails: [work, home, { value: 'j@example.com' }] },
    ],
    [
      'an element without a list',
      'emails',
      { value: 'j@example.com' },
      { emails: [work, home, { value: 'j@example.com' }] },
    ],
    ['an element that is there', 'emails', [home], { emails: [work, home] }],
    [
      'to an element',
      'emails[type eq "home"].display',
      'Home',
      { emails: [work, { ...home, display: 'Home' }] },
    ],
    [
      'to every element',
      'emails.display',
      'x',
      { emails: [work, home].map((each) => ({ ...each, display: 'x' })) },
    ],
    [
      'several to an element',
      'emails[type eq "home"]',
      { display: 'Home' },
      { emails: [work, { ...home, display: 'Home' }] },
    ],
    [
      'an element that the path describes',
      'emails[type eq "other"].value',
      'o@example.com',
      { emails: [work, home, { type: 'other', value: 'o@example.com' }] },
    ],
    [
      'the first element that the path describes',
      'phoneNumbers[type eq "work"].value',
      '555',
      { phoneNumbers: [{ type: 'work', value: '555' }] },
    ],
    [
      'a sub-attribute of an element yet to be',
      'phoneNumbers.value',
      '555',
      { phoneNumbers: [{ value: '555' }] },
    ],
    ['nothing', 'title', null, {}],
    ['no elements', 'emails', [], {}],
    ['nothing to an element yet to be', 'photos.value', null, {}],
    ['nothing to an element that the path describes', 'photos[type eq "photo"].value', null, {}],
    ['nothing to an element', 'emails[type eq "home"].display', null, {}],
  ])('%s: %s', (_, path, value, expected) => {
    expect(patch({ op: 'add', path, value })).toEqual({ ...jane, ...expected });
  });

  it('makes the new primary value the only one', () => {
    const other = { value: 'new@example.com', primary: true };
    expect(patch({ op: 'add', path: 'emails', value: [other] }).emails).toEqual([
      { ...work, primary: false },
      home,
      other,
    ]);
    expect(patch({ op: 'add', path: 'emails[type eq "home"].primary', value: true }).emails).toEqual([
      { ...work, primary: false },
      { ...home, primary: true },
    ]);
    expect(
      patch({ op: 'replace', path: 'emails[type eq "home"]', value: { ...home, primary: true } }).emails,
    ).toEqual([
      { ...work, primary: false },
      { ...home, primary: true },
    ]);
  });

  it('rejects two new primary values', () => {
    expect(refused({ op: 'add', path: 'emails.primary', value: true })).toBe('400 invalidValue');
  });

  it('adds to an extension and lists its schema', () => {
    const expected = { ...jane, schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'R&D' } };
    expect(patch({ op: 'add', path: `${ENTERPRISE}:department`, value: 'R&D' })).toEqual(expected);
    expect(patch({ op: 'add', path: ENTERPRISE.toLowerCase(), value: { Department: 'R&D' } })).toEqual(
      expected,
    );
    expect(patch({ op: 'add', value: { [ENTERPRISE]: { department: 'R&D' } } })).toEqual(expected);
    expect(patch({ op: 'add', value: { [`${ENTERPRISE}:department`]: 'R&D' } })).toEqual(expected);
  });

  it('accepts the schema of an extension before its attributes', () => {
    expect(patch({ op: 'add', path: 'schemas', value: [ENTERPRISE] })).toEqual(jane);
    expect(refused({ op: 'add', path: 'schemas', value: ['urn:example:other'] })).toBe('400 invalidSyntax');
  });
});

describe('RFC 7644, section 3.5.2.2: remove', () => {
  it.each([
    ['an attribute', 'name', { ...jane, name: undefined }],
    ['a sub-attribute', 'NAME.givenName', { ...jane, name: { familyName: 'Doe' } }],
    ['elements', 'emails[type eq "work"]', { ...jane, emails: [home] }],
    [
      'elements by several conditions',
      'emails[type eq "home" and value ew "@home.example.com"]',
      { ...jane, emails: [work] },
    ],
    ['every element', 'emails[value pr]', { ...jane, emails: undefined }],
    ['a multi-valued attribute', 'emails', { ...jane, emails: undefined }],
    [
      'a sub-attribute of an element',
      'emails[type eq "work"].primary',
      { ...jane, emails: [{ value: work.value, type: 'work' }, home] },
    ],
    [
      'a sub-attribute of all',
      'emails.type',
      { ...jane, emails: [{ value: work.value, primary: true }, { value: home.value }] },
    ],
    ['what is not there', 'title', jane],
    ['what is not in an extension', `${ENTERPRISE}:department`, jane],
    ['a sub-attribute of no elements', 'photos.display', jane],
  ])('%s: %s', (_, path, expected) => {
    expect(patch({ op: 'remove', path })).toEqual(expected);
  });

  it('removes only the values that are given beside the path', () => {
    const value = { value: home.value };
    expect(patch({ op: 'remove', path: 'emails', value: [value] }).emails).toEqual([work]);
    expect(patch({ op: 'remove', path: 'emails', value }).emails).toEqual([work]);
    expect(patch({ op: 'remove', path: 'emails', value: [] }).emails).toEqual([work, home]);
    expect(refused({ op: 'remove', path: 'emails', value: home.value })).toBe('400 invalidValue');
  });

  it('removes the schema together with the last attribute of its extension', () => {
    const path = `${ENTERPRISE}:department`;
    expect(patch({ op: 'add', path, value: 'R&D' }, { op: 'remove', path })).toEqual(jane);
  });

  it.each([
    ['no path', {}, '400 noTarget'],
    ['no such element', { path: 'emails[type eq "other"]' }, '400 noTarget'],
    ['a required attribute', { path: 'userName' }, '400 mutability'],
    ['the schemas', { path: 'schemas' }, '400 mutability'],
    ['the id', { path: 'id' }, '400 mutability'],
  ])('is rejected for %s', (_, operation, expected) => {
    expect(refused({ op: 'remove', ...operation })).toBe(expected);
  });
});
