import { type Person } from '../org/people.ts';
import { defined } from '../input.ts';
import { type ScimSettings } from './settings.ts';

export const SCHEMA = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  enterprise: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  patch: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
  error: 'urn:ietf:params:scim:api:messages:2.0:Error',
} as const;

/** A SCIM resource as JSON. */
export type Resource = Record<string, unknown>;

/** Attributes that belong to the app's mappings: one without a value in Okta is left out of what is sent. */
export const MAPPED = {
  full: [
    'userName',
    'name',
    'emails',
    'displayName',
    'nickName',
    'title',
    'userType',
    'preferredLanguage',
    'locale',
    'timezone',
    'phoneNumbers',
    'addresses',
    SCHEMA.enterprise,
  ],
  short: ['userName', 'name', 'emails'],
} as const;

/** A person's attributes as Okta maps its profile to SCIM (the wizard's default mappings), without empty ones. */
export function mapped(person: Person, mappings: ScimSettings['mappings']): Resource {
  const { login, email, firstName, lastName, name, profile } = person;
  const own = {
    userName: login,
    name: filled({ givenName: firstName, middleName: profile.middleName, familyName: lastName }),
  };
  if (mappings === 'short') return defined({ ...own, emails: [{ primary: true, value: email }] });
  const { nickName, title, userType, preferredLanguage, locale, timezone } = profile;
  return defined({
    ...own,
    emails: [{ primary: true, value: email, type: 'work' }],
    ...filled({ displayName: name, nickName, title, userType, preferredLanguage, locale, timezone }),
    phoneNumbers: phoneNumbers(person),
    addresses: addresses(person),
    [SCHEMA.enterprise]: enterprise(person),
  });
}

/** The desk's number, else the mobile one. */
function phoneNumbers({ profile: { primaryPhone, mobilePhone } }: Person): Resource[] | undefined {
  if (primaryPhone) return [{ primary: true, value: primaryPhone, type: 'work' }];
  if (mobilePhone) return [{ primary: true, value: mobilePhone, type: 'mobile' }];
  return undefined;
}

function addresses({ profile }: Person): Resource[] | undefined {
  const address = filled({
    streetAddress: profile.streetAddress,
    locality: profile.city,
    region: profile.state,
    postalCode: profile.zipCode,
    country: profile.countryCode,
  });
  return address && [{ primary: true, type: 'work', ...address }];
}

function enterprise({ profile }: Person): Resource | undefined {
  const { employeeNumber, costCenter, organization, division, department, managerId, manager } = profile;
  return filled({
    employeeNumber,
    costCenter,
    organization,
    division,
    department,
    manager: filled({ value: managerId, displayName: manager }),
  });
}

/** The fields that have a value; undefined when none has. */
function filled(fields: Readonly<Record<string, unknown>>): Resource | undefined {
  const held = Object.entries(fields).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  return held.length === 0 ? undefined : Object.fromEntries(held);
}
