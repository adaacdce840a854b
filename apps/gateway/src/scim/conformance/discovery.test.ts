import { GROUP, USER } from '../scim.harness.ts';
import {
  client,
  CORE,
  MESSAGES,
  aBoolean,
  aNumber,
  aString,
  expectError,
  textLike,
} from './conformance.harness.ts';

const house = client();

describe('RFC 7643, section 5: the service provider configuration', () => {
  it('lists each feature as an object with "supported"', async () => {
    const { status, body, type } = await house.scim.get('/ServiceProviderConfig');
    expect([status, type]).toEqual([200, 'application/scim+json; charset=utf-8']);
    expect(body).toMatchObject({
      schemas: [`${CORE}:ServiceProviderConfig`],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: aNumber, maxPayloadSize: aNumber },
      filter: { supported: true, maxResults: aNumber },
      changePassword: { supported: false },
      sort: { supported: true },
      etag: { supported: true },
      authenticationSchemes: [{ type: 'oauthbearertoken', name: aString, description: aString }],
      meta: {
        resourceType: 'ServiceProviderConfig',
        location: `${house.scim.origin}/scim/v2/ServiceProviderConfig`,
      },
    });
  });
});

describe('RFC 7643, sections 6 and 7, and RFC 7644, section 4: resource types and schemas', () => {
  it('are lists, of what each is at its own address, and agree with each other', async () => {
    const types = (await house.scim.get('/ResourceTypes')).body;
    const schemas = (await house.scim.get('/Schemas')).body;
    for (const list of [types, schemas]) {
      expect(list).toMatchObject({
        schemas: [`${MESSAGES}:ListResponse`],
        totalResults: list.Resources.length,
        itemsPerPage: list.Resources.length,
        startIndex: 1,
      });
      for (const each of list.Resources) {
        const { location } = each['meta'] as { location: string };
        const path = location.replace(`${house.scim.origin}/scim/v2`, '');
        expect((await house.scim.get(path)).body).toEqual(each);
      }
    }
    expect(types.Resources).toMatchObject([
      { schemas: [`${CORE}:ResourceType`], id: 'User', endpoint: '/Users', schema: USER },
      { schemas: [`${CORE}:ResourceType`], id: 'Group', endpoint: '/Groups', schema: GROUP },
    ]);
    const known = schemas.Resources.map(({ id }) => id);
    for (const type of types.Resources) {
      const extensions = type['schemaExtensions'] as { schema: string; required: boolean }[];
      expect(known).toEqual(
        expect.arrayContaining([type['schema'], ...extensions.map((each) => each.schema)]),
      );
      expect(extensions.map(({ required }) => typeof required)).toEqual(extensions.map(() => 'boolean'));
    }
  });

  it('describe each attribute with all of its characteristics', async () => {
    interface Described {
      readonly name: string;
      readonly type: string;
      readonly subAttributes?: readonly Described[];
    }
    const check = (attribute: Described): void => {
      expect(attribute).toMatchObject({
        name: textLike(/^[$A-Za-z][\w-]*$/),
        type: textLike(/^(string|boolean|decimal|integer|dateTime|binary|reference|complex)$/),
        multiValued: aBoolean,
        description: aString,
        required: aBoolean,
        caseExact: aBoolean,
        mutability: textLike(/^(readOnly|readWrite|immutable|writeOnly)$/),
        returned: textLike(/^(always|never|default|request)$/),
        uniqueness: textLike(/^(none|server|global)$/),
      });
      expect((attribute.subAttributes ?? []).length > 0).toBe(attribute.type === 'complex');
      if (attribute.type === 'reference') expect(attribute).toHaveProperty('referenceTypes');
      attribute.subAttributes?.forEach(check);
    };
    const { Resources } = (await house.scim.get('/Schemas')).body;
    for (const schema of Resources) {
      expect(schema['schemas']).toEqual([`${CORE}:Schema`]);
      (schema['attributes'] as Described[]).forEach(check);
    }
  });

  it.each(['ServiceProviderConfig', 'Schemas', 'ResourceTypes'])('/%s cannot be filtered', async (name) => {
    expectError(await house.scim.get(`/${name}?filter=id+pr`), 403);
  });

  it('answer 404 for other names', async () => {
    expectError(await house.scim.get('/Schemas/urn:nobody'), 404);
    expectError(await house.scim.get('/ResourceTypes/Printer'), 404);
  });
});
