import { attribute, type Attribute, type ResourceType } from './attribute.ts';
import { groupSchema } from './group.ts';
import { groupProvisioningSchema, userProvisioningSchema } from './provisioning.ts';
import { enterpriseUserSchema, userSchema } from './user.ts';

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  schema: userSchema,
  extensions: [
    { schema: enterpriseUserSchema, required: false },
    { schema: userProvisioningSchema, required: false },
  ],
};

export const groupType: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  schema: groupSchema,
  extensions: [{ schema: groupProvisioningSchema, required: false }],
};

export const resourceTypes: readonly ResourceType[] = [userType, groupType];

/** The attributes of every resource besides `externalId`: RFC 7643, sections 3 and 3.1. No schema lists them. */
const commonAttributes: readonly [Attribute, Attribute, Attribute] = [
  attribute('schemas', 'The URNs of the schemas of this resource.', {
    type: 'reference',
    referenceTypes: ['uri'],
    multiValued: true,
    required: true,
    returned: 'always',
  }),
  attribute('id', 'The identifier that the service provider assigned.', {
    mutability: 'readOnly',
    returned: 'always',
    caseExact: true,
    uniqueness: 'server',
  }),
  attribute('meta', 'The metadata of the resource.', {
    type: 'complex',
    mutability: 'readOnly',
    subAttributes: [
      attribute('resourceType', 'The name of the resource type.', {
        mutability: 'readOnly',
        caseExact: true,
      }),
      attribute('created', 'When the resource was created.', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('lastModified', 'When the resource was last changed.', {
        type: 'dateTime',
        mutability: 'readOnly',
      }),
      attribute('location', 'The address of the resource.', {
        type: 'reference',
        referenceTypes: ['uri'],
        mutability: 'readOnly',
      }),
      attribute('version', 'The entity tag.', { mutability: 'readOnly', caseExact: true }),
    ],
  }),
];

function asAttribute(type: ResourceType): Attribute {
  const extensions = type.extensions.map(({ schema, required }) =>
    attribute(schema.id, schema.description, {
      type: 'complex',
      required,
      mutability: schema.attributes.every(({ mutability }) => mutability === 'readOnly')
        ? 'readOnly'
        : 'readWrite',
      subAttributes: schema.attributes,
    }),
  );
  const [schemas, id, meta] = commonAttributes;
  return attribute(type.schema.id, type.schema.description, {
    type: 'complex',
    required: true,
    // A resource begins with its identifying attributes; the schemas list externalId first.
    subAttributes: [
      schemas,
      id,
      ...type.schema.attributes.slice(0, 1),
      meta,
      ...type.schema.attributes.slice(1),
      ...extensions,
    ],
  });
}

const roots = new Map(resourceTypes.map((type) => [type, asAttribute(type)]));

/** The whole resource as one complex attribute; an extension is a complex attribute in it, named by its URN. */
export const rootOf = (type: ResourceType): Attribute => roots.get(type) ?? asAttribute(type);
