import { PROVISIONING_URN } from '@foyer/scim';
import { ENTERPRISE, GROUP, USER } from '../scim.harness.ts';
import { client, expectError, fresh, hired } from './conformance.harness.ts';

const house = client();

describe('RFC 7644, section 3.3: creating', () => {
  it('accepts every attribute that can be written, and returns it', async () => {
    const userName = fresh();
    const plural = { value: 'v', display: 'd', type: 'work', primary: true };
    const body = {
      schemas: [USER, ENTERPRISE],
      userName,
      externalId: `00u${userName}`,
      name: {
        ...{ formatted: 'Dr A B C III', familyName: 'C', givenName: 'A', middleName: 'B' },
        ...{ honorificPrefix: 'Dr', honorificSuffix: 'III' },
      },
      ...{ displayName: 'A C', nickName: 'Ace', profileUrl: 'https://example.com/a', title: 'Keeper' },
      ...{ userType: 'Employee', preferredLanguage: 'en-US', locale: 'en-US', timezone: 'Europe/Vienna' },
      active: true,
      emails: [
        { ...plural, value: 'a@example.com' },
        { value: 'b@example.com', type: 'home' },
      ],
      phoneNumbers: [{ ...plural, value: 'tel:+1-201-555-0123' }],
      ims: [plural],
      photos: [{ ...plural, value: 'https://example.com/a.png' }],
      addresses: [
        {
          ...{
            formatted: 'a\nb',
            streetAddress: 'a',
            locality: 'b',
            region: 'c',
            postalCode: 'd',
            country: 'AT',
          },
          ...{ type: 'work', primary: true },
        },
      ],
      entitlements: [plural],
      roles: [plural],
      x509Certificates: [{ ...plural, value: 'MIID' }],
      [ENTERPRISE]: {
        ...{ employeeNumber: '1', costCenter: '2', organization: '3', division: '4', department: '5' },
        manager: { value: '26118915', $ref: '../Users/26118915' },
      },
    };
    const answer = await house.scim.post('/Users', { ...body, password: 'not kept' });
    expect(answer.status).toBe(201);
    const { schemas, ...rest } = body;
    expect(answer.body).toMatchObject(rest);
    expect(answer.body['schemas']).toEqual(expect.arrayContaining(schemas));
    expect(answer.body).not.toHaveProperty('password');
    expect((await house.scim.get(`/Users/${answer.body.id}`)).body).toEqual(answer.body);
  });

  it('ignores read-only attributes and empty values', async () => {
    const answer = await house.scim.post('/Users', {
      schemas: [USER],
      userName: fresh(),
      id: 'mine',
      meta: { resourceType: 'Printer', version: 'W/"9"' },
      groups: [{ value: 'x' }],
      ...{ emails: [], name: {}, title: null, externalId: '' },
    });
    expect(answer).toMatchObject({ status: 201, body: { meta: { resourceType: 'User', version: 'W/"1"' } } });
    expect(answer.body.id).toMatch(/^[0-9a-f-]{36}$/);
    for (const name of ['groups', 'emails', 'name', 'title', 'externalId'])
      expect(answer.body).not.toHaveProperty(name);
  });

  it('returns the same address in Location and in meta', async () => {
    for (const answer of [await house.scim.hire(fresh()), await house.scim.group(fresh())]) {
      const { location, version, created, lastModified } = answer.body['meta'] as Record<string, string>;
      expect(answer.headers.get('location')).toBe(location);
      expect(answer.headers.get('etag')).toBe(version);
      expect([created, lastModified].map((time) => new Date(time!).toISOString())).toEqual([
        created,
        lastModified,
      ]);
    }
  });

  it.each<[string, object, string]>([
    ['no userName', { userName: undefined }, 'invalidValue'],
    ['a blank userName', { userName: ' ' }, 'invalidValue'],
    ['a number as userName', { userName: 1 }, 'invalidValue'],
    ['text for a list', { emails: 'a@example.com' }, 'invalidValue'],
    ['text for an object', { name: 'Ann' }, 'invalidValue'],
    ['text for a boolean', { active: 'perhaps' }, 'invalidValue'],
    [
      'two primary values',
      {
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
      'invalidValue',
    ],
    ['no schemas', { schemas: undefined }, 'invalidValue'],
    ['only another schema', { schemas: [GROUP] }, 'invalidSyntax'],
  ])('refuses %s', async (_what, wrong, scimType) => {
    expectError(await house.scim.hire(fresh(), wrong), 400, scimType);
  });

  it.each<[string, object]>([
    ['an attribute', { favouriteColour: 'red' }],
    ['a schema', { schemas: [USER, 'urn:x'] }],
  ])('section 3.3 leaves the choice to the server: ignores an unknown %s', async (_what, more) => {
    const made = await house.scim.hire(fresh(), more);
    expect([made.status, made.body['schemas']]).toEqual([201, [USER, PROVISIONING_URN]]);
    expect(made.body).not.toHaveProperty('favouriteColour');
  });

  it('refuses a user who already exists', async () => {
    const { userName } = await hired(house.scim);
    expectError(
      await house.scim.post('/Users', { schemas: [USER], userName: String(userName).toUpperCase() }),
      409,
      'uniqueness',
    );
  });
});
