import { listResponse } from './query/list-response.ts';
import type { Attribute, ResourceType, Schema } from './schema/attribute.ts';
import { resourceTypes } from './schema/resource-types.ts';

/** The limits that the service enforces. */
export interface ServiceLimits {
  readonly bulkOperations: number;
  /** Bytes of the body. */
  readonly bulkPayloadSize: number;
  /** The most resources on one page, and the number when the client names none. */
  readonly maxPageSize: number;
  readonly defaultPageSize: number;
  /** How long a cursor is valid, in seconds. */
  readonly cursorTimeout: number;
}

const META = 'urn:ietf:params:scim:schemas:core:2.0';

/** Each schema once; a URN that both types have is described with the attributes of both. */
const schemas: readonly Schema[] = [
  ...new Map(
    resourceTypes
      .flatMap(({ schema, extensions }) => [schema, ...extensions.map((each) => each.schema)])
      .sort((a, b) => a.attributes.length - b.attributes.length)
      .map((schema) => [schema.id, schema]),
  ).values(),
];

/** Without the fields that RFC 7643, section 7, does not define. */
function published({ form: _, subAttributes, ...attribute }: Attribute): Attribute {
  return subAttributes === undefined
    ? attribute
    : { ...attribute, subAttributes: subAttributes.map(published) };
}

/** `baseUrl` is the address of the service without a trailing slash, such as https://foyer.example.com/scim/v2. */
const schemaResource = (schema: Schema, baseUrl: string) => ({
  schemas: [`${META}:Schema`],
  ...schema,
  attributes: schema.attributes.map(published),
  meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.id}` },
});

const typeResource = ({ name, endpoint, schema, extensions }: ResourceType, baseUrl: string) => ({
  schemas: [`${META}:ResourceType`],
  id: name,
  name,
  endpoint,
  description: schema.description,
  schema: schema.id,
  schemaExtensions: extensions.map((each) => ({ schema: each.schema.id, required: each.required })),
  meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${name}` },
});

const allOf = (resources: readonly unknown[]) =>
  listResponse({ resources, totalResults: resources.length, startIndex: 1 });

/** GET /Schemas: RFC 7643, section 7. */
export const schemasBody = (baseUrl: string) =>
  allOf(schemas.map((schema) => schemaResource(schema, baseUrl)));

/** GET /Schemas/{id}, in any case of the URN; null when there is none. */
export function schemaBody(id: string, baseUrl: string) {
  const schema = schemas.find((each) => each.id.toLowerCase() === id.toLowerCase());
  return schema === undefined ? null : schemaResource(schema, baseUrl);
}

/** GET /ResourceTypes: RFC 7643, section 6. */
export const resourceTypesBody = (baseUrl: string) =>
  allOf(resourceTypes.map((type) => typeResource(type, baseUrl)));

/** GET /ResourceTypes/{name}; null when there is none. */
export function resourceTypeBody(name: string, baseUrl: string) {
  const type = resourceTypes.find((each) => each.name === name);
  return type === undefined ? null : typeResource(type, baseUrl);
}

/** GET /ServiceProviderConfig: RFC 7643, section 5, with `pagination` of RFC 9865, section 4. */
export const serviceProviderConfig = (baseUrl: string, limits: ServiceLimits) => ({
  schemas: [`${META}:ServiceProviderConfig`],
  patch: { supported: true },
  bulk: {
    supported: true,
    maxOperations: limits.bulkOperations,
    maxPayloadSize: limits.bulkPayloadSize,
  },
  filter: { supported: true, maxResults: limits.maxPageSize },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
  pagination: {
    cursor: true,
    index: true,
    defaultPaginationMethod: 'index',
    defaultPageSize: limits.defaultPageSize,
    maxPageSize: limits.maxPageSize,
    cursorTimeout: limits.cursorTimeout,
  },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description:
        'A token in the Authorization header: one that an operator created, or an OAuth 2.0 access token.',
      specUri: 'https://www.rfc-editor.org/info/rfc6750',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
});
