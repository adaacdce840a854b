import fc from 'fast-check';
import { ENTERPRISE, GROUP, isAnswered, numRuns, refusal, USER, users } from '../scim.harness.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import { readResource } from './read.ts';
import { MAX_LONG_TEXT_LENGTH, MAX_TEXT_LENGTH, MAX_VALUES } from './value.ts';

const userBody = (more: object = {}) => ({ schemas: [USER], userName: 'jane@example.com', ...more });
const read = (more: object = {}) => readResource(userBody(more), userType);
const refused = (more: object) => refusal(() => read(more));

describe('RFC 7644, section 3.12: an invalid resource', () => {
  it.each([
    ['shoeSize', { shoeSize: 40 }],
    ['__proto__', JSON.parse('{ "__proto__": { "active": true } }')],
    ['constructor', { constructor: { prototype: {} } }],
    ['a sub-attribute', { name: { nickName: 'J' } }],
    ['a sub-attribute of an element', { emails: [{ value: 'a@example.com', verified: true }] }],
    ['an extension', { 'urn:example:params:scim:schemas:extension:2.0:Other': {} }],
    ['an attribute of an extension', { [ENTERPRISE]: { shoeSize: 40 } }],
    ['a schema', { schemas: [USER, 'urn:example:other'] }],
    ['another type', { schemas: [GROUP] }],
  ])('is reported with its unknown attributes: %s', (_, more) => {
    expect(refused(more as object)).toBe('400 invalidSyntax');
  });

  it('is reported with the attribute that is unknown', () => {
    expect(() => read({ name: { shoeSize: 40 } })).toThrow('There is no attribute "name.shoeSize".');
    expect(() => read({ [ENTERPRISE]: { shoeSize: 4 } })).toThrow(`"${ENTERPRISE}:shoeSize"`);
  });

  it.each([
    ['given twice', { USERNAME: 'other@example.com' }],
    ['without its schema', { schemas: [ENTERPRISE] }],
  ])('is invalidSyntax when %s', (_, more) => {
    expect(refused(more)).toBe('400 invalidSyntax');
  });

  it.each([null, undefined, 7, 'text', true, [], [userBody()]])(
    'is rejected when it is no object: %j',
    (body) => {
      expect(refusal(() => readResource(body, userType))).toBe('400 invalidSyntax');
    },
  );

  it.each([
    ['schemas', { schemas: undefined }],
    ['schemas', { schemas: USER }],
    ['schemas', { schemas: [] }],
    ['schemas', { schemas: [USER, 7] }],
    ['schemas', { schemas: null }],
    ['userName', { userName: undefined }],
    ['userName', { userName: null }],
    ['userName', { userName: ' \t ' }],
    ['userName', { userName: 7 }],
    ['userName', { userName: 'a\0b' }],
    ['userName', { userName: '\ud800' }],
    ['userName', { userName: 'x'.repeat(MAX_TEXT_LENGTH + 1) }],
    ['active', { active: 'yes' }],
    ['active', { active: 1 }],
    ['name', { name: 'Jane' }],
    ['name', { name: [{ givenName: 'Jane' }] }],
    ['name.givenName', { name: { givenName: ['Jane'] } }],
    ['emails', { emails: 'jane@example.com' }],
    ['emails', { emails: { value: 'jane@example.com' } }],
    ['emails', { emails: ['jane@example.com'] }],
    ['emails', { emails: [null] }],
    [
      'emails',
      { emails: Array.from({ length: MAX_VALUES + 1 }, (_, at) => ({ value: `${at}@example.com` })) },
    ],
    ['emails', { emails: ['a', 'b'].map((value) => ({ value, primary: true })) }],
    ['emails.value', { emails: [{ value: {} }] }],
    ['profileUrl', { profileUrl: 'https://' }],
    ['profileUrl', { profileUrl: 'not an address' }],
    ['photos.value', { photos: [{ value: 'x'.repeat(MAX_LONG_TEXT_LENGTH + 1) }] }],
    ['x509Certificates.value', { x509Certificates: [{ value: 'no base64!' }] }],
    [`${ENTERPRISE}:manager.value`, { [ENTERPRISE]: { manager: { value: 7 } } }],
  ])('is invalidValue, with the attribute and the reason: %s', (path, more) => {
    expect(refused(more)).toBe('400 invalidValue');
    expect(() => read(more)).toThrow(`${path}: `);
  });

  it.each([
    ['title', { title: 'x'.repeat(MAX_TEXT_LENGTH) }],
    ['photos', { photos: [{ value: `https://example.com/${'x'.repeat(MAX_LONG_TEXT_LENGTH - 20)}` }] }],
    ['x509Certificates', { x509Certificates: [{ value: 'TUlJ'.repeat(MAX_LONG_TEXT_LENGTH / 4) }] }],
    ['profileUrl', { profileUrl: '../people/jane' }],
    ['addresses', { addresses: [{ formatted: 'Main Street 1\nSpringfield', primary: true }] }],
  ])('does not include one that has the maximum length or is merely unusual: %s', (_, more) => {
    expect(read(more)).toMatchObject(more);
  });

  it.each([
    ['objects that cannot be text', JSON.parse('[{ "toString": 1, "valueOf": 1 }]') as object],
    ['lists in lists', JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as object],
  ])('is rejected when it contains %s', (_, hostile) => {
    for (const name of ['schemas', 'userName', 'name', 'emails', 'active', 'profileUrl', ENTERPRISE]) {
      expect(refused({ [name]: hostile })).toMatch(/^400 invalid(Value|Syntax)$/);
      expect(refused({ [name]: [hostile] })).toBe('400 invalidValue');
    }
  });

  it('does not change Object.prototype', () => {
    expect(refused(JSON.parse('{ "name": { "__proto__": { "polluted": true } } }') as object)).toBe(
      '400 invalidSyntax',
    );
    expect({}).not.toHaveProperty('polluted');
  });

  it('includes a group without a name', () => {
    for (const displayName of [undefined, null, '', '  ', 5]) {
      expect(refusal(() => readResource({ schemas: [GROUP], displayName }, groupType))).toBe(
        '400 invalidValue',
      );
    }
  });
});

describe('a body with any content', () => {
  it('is parsed to the same resource when its parsed form is sent again', () => {
    fc.assert(
      fc.property(users, ({ meta: _, ...user }) => {
        expect(readResource(user, userType)).toEqual(user);
      }),
      { numRuns },
    );
  });

  const names = fc.constantFrom(
    ...['userName', 'name', 'emails', 'schemas', 'active', 'photos', 'addresses', ENTERPRISE, 'members'],
    ...[
      'displayName',
      'value',
      'primary',
      'type',
      'givenName',
      '__proto__',
      'toString',
      'toJSON',
      'externalId',
      'x509Certificates',
    ],
  );
  const bodies = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        fc.constant(null),
        fc.double(),
        fc.constant(USER),
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .array(fc.tuple(names, tie('value')), { maxLength: 5 })
        .map((entries) => Object.fromEntries(entries) as object),
    ),
  })).value;

  it('is parsed or rejected with a reason', () => {
    const answers = ['invalidSyntax', 'invalidValue'] as const;
    fc.assert(
      fc.property(bodies, (body) => {
        const sound = { schemas: [USER], userName: 'jane@example.com', ...(body as object) };
        return [body, sound].every((each) => isAnswered(() => readResource(each, userType), ...answers));
      }),
      { numRuns },
    );
  });
});
