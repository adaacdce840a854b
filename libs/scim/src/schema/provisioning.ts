import { attribute, type Schema } from './attribute.ts';

/** The URN of our own extension, which shows the state in Box. */
export const PROVISIONING_URN = 'urn:foyer:params:scim:schemas:extension:provisioning:2.0:Resource';

const common = [
  attribute('request', 'The address of the request that provisions the resource in Box.', {
    type: 'reference',
    referenceTypes: ['uri'],
    mutability: 'readOnly',
  }),
  attribute('inStep', 'Whether Box has the current state of this resource.', {
    type: 'boolean',
    mutability: 'readOnly',
  }),
  attribute('boxId', 'The id of the user or group in Box.', { mutability: 'readOnly', caseExact: true }),
];

const schema = (attributes: Schema['attributes']): Schema => ({
  id: PROVISIONING_URN,
  name: 'Provisioning',
  description: 'The state of the resource in Box.',
  attributes,
});

export const userProvisioningSchema = schema(common);

/** As the user's, with the members that are not in Box yet. */
export const groupProvisioningSchema = schema([
  ...common,
  attribute('waitingMembers', 'Members who were accepted but are not yet in the Box group.', {
    type: 'complex',
    multiValued: true,
    mutability: 'readOnly',
    returned: 'request',
    subAttributes: [
      attribute('value', 'The id of the member, as it was sent.', {
        mutability: 'readOnly',
        caseExact: true,
      }),
      attribute('reason', 'Why the member is not yet in the Box group.', { mutability: 'readOnly' }),
    ],
  }),
]);
