import {
  resourceTypeBody,
  resourceTypesBody,
  schemaBody,
  schemasBody,
  serviceProviderConfig,
} from './discovery.ts';
import { PROVISIONING_URN } from './schema/provisioning.ts';
import { ENTERPRISE, GROUP, USER } from './scim.harness.ts';

const base = 'https://foyer.example.com/scim/v2';

describe('RFC 7644, section 4: discovery', () => {
  it('lists each schema once, with its address', () => {
    const { Resources, totalResults } = schemasBody(base) as {
      Resources: { id: string; meta: object }[];
      totalResults: number;
    };
    expect(Resources.map(({ id }) => id).sort()).toEqual([ENTERPRISE, GROUP, USER, PROVISIONING_URN].sort());
    expect(totalResults).toBe(4);
    expect(schemaBody(USER.toLowerCase(), base)).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
      id: USER,
      name: 'User',
      meta: { resourceType: 'Schema', location: `${base}/Schemas/${USER}` },
    });
    expect(schemaBody('urn:example:other', base)).toBeNull();
  });

  it('describes every attribute with all of its characteristics (RFC 7643, section 7)', () => {
    const attributes = [USER, ENTERPRISE, GROUP, PROVISIONING_URN].flatMap(
      (id) => schemaBody(id, base)!.attributes,
    );
    const all = attributes.flatMap((each) => [each, ...(each.subAttributes ?? [])]);
    for (const each of all) {
      const { subAttributes, referenceTypes, canonicalValues, ...others } = each;
      const types = Object.entries(others).map(([name, value]) => `${name}: ${typeof value}`);
      expect(types.sort()).toEqual([
        'caseExact: boolean',
        'description: string',
        'multiValued: boolean',
        'mutability: string',
        'name: string',
        'required: boolean',
        'returned: string',
        'type: string',
        'uniqueness: string',
      ]);
      expect(each.name).toMatch(/^[$a-zA-Z][\w-]*$/);
      expect(each.description).toMatch(/\S/);
      expect([each.name, subAttributes !== undefined]).toEqual([each.name, each.type === 'complex']);
      expect([each.name, referenceTypes !== undefined]).toEqual([each.name, each.type === 'reference']);
      expect(canonicalValues ?? ['one']).not.toEqual([]);
    }
    expect(all).toContainEqual(
      expect.objectContaining({ name: 'password', mutability: 'writeOnly', returned: 'never' }),
    );
    expect(all).toContainEqual(expect.objectContaining({ name: 'waitingMembers', returned: 'request' }));
  });

  it('lists its resource types (RFC 7643, section 6)', () => {
    expect(resourceTypesBody(base)).toMatchObject({
      totalResults: 2,
      Resources: [{ id: 'User' }, { id: 'Group' }],
    });
    expect(resourceTypeBody('User', base)).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
      id: 'User',
      name: 'User',
      endpoint: '/Users',
      description: 'A user account.',
      schema: USER,
      schemaExtensions: [
        { schema: ENTERPRISE, required: false },
        { schema: PROVISIONING_URN, required: false },
      ],
      meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/User` },
    });
    expect(resourceTypeBody('constructor', base)).toBeNull();
  });

  it('lists what the service supports (RFC 7643, section 5, and RFC 9865, section 4)', () => {
    const limits = {
      bulkOperations: 100,
      bulkPayloadSize: 1_048_576,
      maxPageSize: 500,
      defaultPageSize: 100,
      cursorTimeout: 3_600,
    };
    expect(serviceProviderConfig(base, limits)).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 100, maxPayloadSize: 1_048_576 },
      filter: { supported: true, maxResults: 500 },
      changePassword: { supported: false },
      sort: { supported: true },
      etag: { supported: true },
      pagination: { cursor: true, index: true, maxPageSize: 500, defaultPageSize: 100, cursorTimeout: 3_600 },
      authenticationSchemes: [{ type: 'oauthbearertoken' }],
      meta: { location: `${base}/ServiceProviderConfig`, resourceType: 'ServiceProviderConfig' },
    });
  });
});
