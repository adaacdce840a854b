import fc from 'fast-check';
import { ENTERPRISE, GROUP, isAnswered, numRuns, refusal, USER, users } from '../scim.harness.ts';
import { PROVISIONING_URN } from '../schema/provisioning.ts';
import { groupType, userType } from '../schema/resource-types.ts';
import { readResource } from './read.ts';
import { MAX_LONG_TEXT_LENGTH, MAX_TEXT_LENGTH, MAX_VALUES } from './value.ts';

const userBody = (more: object = {}) => ({ schemas: [USER], userName: 'jane@example.com', ...more });
const read = (more: object = {}) => readResource(userBody(more), userType);
const refused = (more: object) => refusal(() => read(more));

describe('RFC 7644, section 3.3: a user who is created', () => {
  it('is parsed as Okta documents it, without read-only attributes and without the password', () => {
    const body = {
      schemas: [USER],
      userName: 'test.user@example.com',
      name: { givenName: 'Test', familyName: 'User' },
      emails: [{ primary: true, value: 'test.user@example.com', type: 'work' }],
      displayName: 'Test User',
      locale: 'en-US',
      externalId: '00u0000000000000test',
      groups: [],
      password: 'anything',
      active: true,
    };
    const { groups: _, password: __, ...kept } = body;
    expect(readResource(body, userType)).toEqual(kept);
  });

  it('has attribute names as the schema spells them, in whatever case they were sent', () => {
    const document = readResource(
      {
        SCHEMAS: [USER.toUpperCase(), ENTERPRISE.toLowerCase()],
        USERNAME: 'jane@example.com',
        Name: { GIVENNAME: 'Jane' },
        [ENTERPRISE.toUpperCase()]: { Department: 'R&D', MANAGER: { VALUE: '7' } },
      },
      userType,
    );
    expect(document).toEqual({
      schemas: [USER, ENTERPRISE],
      userName: 'jane@example.com',
      name: { givenName: 'Jane' },
      [ENTERPRISE]: { department: 'R&D', manager: { value: '7' } },
    });
  });

  it('lists the extensions that are in use, and no others', () => {
    expect(read({ [ENTERPRISE]: { department: 'R&D' } }).schemas).toEqual([USER, ENTERPRISE]);
    expect(read({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: {} })).toEqual(userBody());
  });

  it.each([
    ['id', 7],
    ['meta', 'yesterday'],
    ['meta', { created: '04-12-2018 00:00:00', shoeSize: 4 }],
    ['groups', [{ value: 1 }, null]],
    ['password', { not: ['a', 'password'] }],
    ['password', null],
    [PROVISIONING_URN, { inStep: 'yes', unknown: true }],
  ])('may contain anything in read-only attributes: %s %j', (name, value) => {
    expect(read({ [name]: value })).toEqual(userBody());
  });

  it('ignores the display name of the manager, which is read-only', () => {
    expect(read({ [ENTERPRISE]: { manager: { value: '7', displayName: 5 } } })[ENTERPRISE]).toEqual({
      manager: { value: '7' },
    });
  });

  it.each([
    ['null', { title: null, name: null, emails: null }],
    ['empty', { emails: [], name: {}, addresses: [{}], [ENTERPRISE]: { manager: {} } }],
    ['empty inside', { name: { givenName: null }, emails: [{ value: null }] }],
  ])('has no attribute whose value is %s (RFC 7643, section 2.5)', (_, more) => {
    expect(read(more)).toEqual(userBody());
  });

  it('accepts booleans that clients send as text', () => {
    expect(read({ active: 'False' })).toMatchObject({ active: false });
    expect(read({ emails: [{ value: 'a@example.com', primary: 'true' }] })).toMatchObject({
      emails: [{ primary: true }],
    });
  });

  it('has values of the same type and value once', () => {
    const emails = [
      { value: 'a@example.com', type: 'work' },
      { value: 'A@example.com', type: 'Work', primary: true },
      { value: 'a@example.com', type: 'home' },
    ];
    expect(read({ emails }).emails).toEqual([emails[1], emails[2]]);
  });
});

describe('RFC 7643, section 8.3: a user with every attribute', () => {
  const plural = (value: string, type: string) => [{ value, type, display: type, primary: true }];
  const whole = {
    schemas: [USER, ENTERPRISE],
    externalId: '701',
    userName: 'jane@example.com',
    name: {
      formatted: 'Dr Jane Q Doe III',
      familyName: 'Doe',
      givenName: 'Jane',
      middleName: 'Q',
      honorificPrefix: 'Dr',
      honorificSuffix: 'III',
    },
    displayName: 'Jane Doe',
    nickName: 'Jay',
    profileUrl: 'https://people.example.com/jane',
    emails: plural('jane@example.com', 'work'),
    addresses: [
      {
        type: 'work',
        streetAddress: '1 Main Street',
        locality: 'Springfield',
        region: 'OR',
        postalCode: '97477',
        country: 'US',
        formatted: '1 Main Street\nSpringfield, OR 97477 US',
        primary: true,
      },
    ],
    phoneNumbers: plural('tel:+1-555-0100', 'mobile'),
    ims: plural('jane', 'xmpp'),
    photos: plural('https://photos.example.com/jane/F', 'photo'),
    userType: 'Employee',
    title: 'Engineer',
    preferredLanguage: 'en-US',
    locale: 'en-US',
    timezone: 'America/Los_Angeles',
    active: true,
    entitlements: plural('vault', 'access'),
    roles: plural('lead', 'team'),
    x509Certificates: plural('MIIDQzCCAqygAwIBAgI=', 'sign'),
    [ENTERPRISE]: {
      employeeNumber: '701',
      costCenter: '4130',
      organization: 'Example',
      division: 'Product',
      department: 'R&D',
      manager: { value: '26', $ref: '../Users/26' },
    },
  };

  it('is kept completely', () => {
    expect(readResource(whole, userType)).toEqual(whole);
  });

  it('is parsed to the same user from its own response', () => {
    const given = {
      ...whole,
      schemas: [...whole.schemas, PROVISIONING_URN],
      id: '1',
      meta: { resourceType: 'User', created: '2020-01-01T00:00:00Z', version: 'W/"1"' },
      groups: [{ value: '9', display: 'A', type: 'direct' }],
      [PROVISIONING_URN]: { inStep: false, request: 'https://foyer.example.com/v1/x', boxId: '5' },
    };
    expect(readResource(given, userType)).toEqual(whole);
  });
});

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
