import { ENTERPRISE, USER } from '../scim.harness.ts';
import { PROVISIONING_URN } from '../schema/provisioning.ts';
import { userType } from '../schema/resource-types.ts';
import { readResource } from './read.ts';

const userBody = (more: object = {}) => ({ schemas: [USER], userName: 'jane@example.com', ...more });
const read = (more: object = {}) => readResource(userBody(more), userType);

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
