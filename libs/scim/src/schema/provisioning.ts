import { attribute, type Schema } from './attribute.ts';

/** The URN of our own extension, which shows the state in Box. */
export const PROVISIONING_URN = 'urn:foyer:params:scim:schemas:extension:provisioning:2.0:Resource';

const common = [
  attribute('request', 'The address of the request that brings Box in step.', {
    type: 'reference',
    referenceTypes: ['uri'],
    mutability: 'readOnly',
  }),
  attribute('inStep', 'Whether Box has all that this resource says.', {
    type: 'boolean',
    mutability: 'readOnly',
  }),
  attribute('boxId', 'The id of the user or group in Box.', { mutability: 'readOnly', caseExact: true }),
];

const schema = (attributes: Schema['attributes']): Schema => ({
  id: PROVISIONING_URN,
  name: 'Provisioning',
  description: 'How far Box is with a resource.',
  attributes,
});

export const userProvisioningSchema = schema(common);

/** As the user's, with the members that are not in Box yet. */
export const groupProvisioningSchema = schema([
  ...common,
  attribute('waitingMembers', 'Members who were accepted and wait until they are known.', {
    type: 'complex',
    multiValued: true,
    mutability: 'readOnly',
    returned: 'request',
    subAttributes: [
      attribute('value', 'The id of the member, as it was sent.', {
        mutability: 'readOnly',
        caseExact: true,
      }),
      attribute('reason', 'What the member waits for.', { mutability: 'readOnly' }),
    ],
  }),
]);
