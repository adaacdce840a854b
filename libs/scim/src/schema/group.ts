import { attribute, type Schema } from './attribute.ts';
import { externalId } from './external-id.ts';

/** RFC 7643, sections 4.2 and 8.7.1. `display` is a sub-attribute of section 2.4, and Okta sends it. */
export const groupSchema: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'A group of users and groups.',
  attributes: [
    externalId('none'),
    attribute('displayName', 'The name of the group; unique among the groups.', {
      required: true,
      uniqueness: 'server',
      form: 'group-name',
    }),
    attribute('members', 'The members of the group.', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        attribute('value', 'The id of the member.', {
          required: true,
          mutability: 'immutable',
          caseExact: true,
          form: 'key',
        }),
        attribute('$ref', 'The address of the member.', {
          type: 'reference',
          referenceTypes: ['User', 'Group'],
          mutability: 'immutable',
        }),
        attribute('type', 'The type of the member: User or Group.', {
          canonicalValues: ['User', 'Group'],
          mutability: 'immutable',
        }),
        attribute('display', 'The name of the member.', { mutability: 'immutable' }),
      ],
    }),
  ],
};
