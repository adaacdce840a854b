import { attribute, type Attribute, type Schema } from './attribute.ts';
import { externalId } from './external-id.ts';

const primary = attribute('primary', 'Whether this is the preferred value. True for one value at most.', {
  type: 'boolean',
});
const display = attribute('display', 'A name for display.');

const kind = (canonicalValues?: readonly string[]) =>
  attribute('type', 'The purpose of the value, such as "work".', canonicalValues && { canonicalValues });

/** A multi-valued attribute with the sub-attributes of RFC 7643, section 2.4. */
function plural(name: string, description: string, value: Attribute, types?: readonly string[]): Attribute {
  return attribute(name, description, {
    type: 'complex',
    multiValued: true,
    subAttributes: [value, display, kind(types), primary],
  });
}

const name = attribute('name', "The parts of the user's name.", {
  type: 'complex',
  subAttributes: [
    attribute('formatted', 'The full name, as it is displayed.'),
    attribute('familyName', 'The family name.'),
    attribute('givenName', 'The given name.'),
    attribute('middleName', 'The middle names.'),
    attribute('honorificPrefix', 'The honorific prefix, such as "Dr".'),
    attribute('honorificSuffix', 'The honorific suffix, such as "III".'),
  ],
});

const addresses = attribute('addresses', 'Postal addresses of the user.', {
  type: 'complex',
  multiValued: true,
  subAttributes: [
    attribute('formatted', 'The full address, as on a mailing label; may have line breaks.'),
    attribute('streetAddress', 'Street, house number, P.O. box; may have line breaks.'),
    attribute('locality', 'The city.'),
    attribute('region', 'The state or region.'),
    attribute('postalCode', 'The postal code.'),
    attribute('country', 'The country.'),
    kind(['work', 'home', 'other']),
    primary,
  ],
});

const groups = attribute(
  'groups',
  'The groups that the user belongs to. To change them, change the groups.',
  {
    type: 'complex',
    multiValued: true,
    mutability: 'readOnly',
    subAttributes: [
      attribute('value', 'The id of the group.', { mutability: 'readOnly', caseExact: true }),
      attribute('$ref', 'The address of the group.', {
        type: 'reference',
        referenceTypes: ['User', 'Group'],
        mutability: 'readOnly',
      }),
      attribute('display', 'The name of the group.', { mutability: 'readOnly' }),
      attribute('type', 'Whether the membership is direct or indirect.', {
        canonicalValues: ['direct', 'indirect'],
        mutability: 'readOnly',
      }),
    ],
  },
);

/** RFC 7643, sections 4.1 and 8.7.1. */
export const userSchema: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'A user account.',
  attributes: [
    externalId('server'),
    attribute('userName', 'The name the user signs in with; unique among the users.', {
      required: true,
      uniqueness: 'server',
      form: 'user-name',
    }),
    name,
    attribute('displayName', 'The name of the user, as it is displayed.'),
    attribute('nickName', 'The nickname of the user.'),
    attribute('profileUrl', "The address of the user's profile page.", {
      type: 'reference',
      referenceTypes: ['external'],
    }),
    attribute('title', 'The job title.'),
    attribute('userType', 'The relation to the organization, such as "Contractor".'),
    attribute('preferredLanguage', 'Preferred written or spoken language, as in Accept-Language.'),
    attribute('locale', 'The locale for dates, numbers and currencies, such as "en-US".'),
    attribute('timezone', 'The time zone, as the IANA database names it.'),
    attribute('active', 'Whether the user is active.', { type: 'boolean' }),
    attribute('password', 'Foyer neither reads nor stores passwords: people sign in with Okta.', {
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
    }),
    plural('emails', 'E-mail addresses.', attribute('value', 'An e-mail address.'), [
      'work',
      'home',
      'other',
    ]),
    plural('phoneNumbers', 'Telephone numbers.', attribute('value', 'A telephone number.'), [
      'work',
      'home',
      'mobile',
      'fax',
      'pager',
      'other',
    ]),
    plural('ims', 'Instant messaging addresses.', attribute('value', 'An instant messaging address.'), [
      'aim',
      'gtalk',
      'icq',
      'xmpp',
      'msn',
      'skype',
      'qq',
      'yahoo',
    ]),
    plural(
      'photos',
      'Pictures of the user.',
      attribute('value', 'The address of a picture.', { type: 'reference', referenceTypes: ['external'] }),
      ['photo', 'thumbnail'],
    ),
    addresses,
    groups,
    plural('entitlements', 'The entitlements of the user.', attribute('value', 'An entitlement.')),
    plural('roles', 'The roles of the user, such as "student".', attribute('value', 'A role.')),
    plural(
      'x509Certificates',
      'Certificates of the user.',
      attribute('value', 'A DER-encoded X.509 certificate, in base64.', { type: 'binary' }),
    ),
  ],
};

/** RFC 7643, sections 4.3 and 8.7.1. */
export const enterpriseUserSchema: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'A user of an organization.',
  attributes: [
    attribute('employeeNumber', 'The number that the organization assigned to the person.'),
    attribute('costCenter', 'The cost center.'),
    attribute('organization', 'The organization.'),
    attribute('division', 'The division.'),
    attribute('department', 'The department.'),
    attribute('manager', "The user's manager.", {
      type: 'complex',
      subAttributes: [
        attribute('value', 'The id of the manager.', { caseExact: true }),
        attribute('$ref', 'The address of the manager.', { type: 'reference', referenceTypes: ['User'] }),
        attribute('displayName', "The manager's name.", { mutability: 'readOnly' }),
      ],
    }),
  ],
};
