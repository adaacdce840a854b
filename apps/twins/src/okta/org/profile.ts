/**
 * Attributes of Okta's base profile that are pushed to apps but are not among our claims (Management API,
 * `UserProfile`).
 */
export const PROFILE_FIELDS = [
  'middleName',
  'nickName',
  'title',
  'userType',
  'preferredLanguage',
  'locale',
  'timezone',
  'primaryPhone',
  'mobilePhone',
  'streetAddress',
  'city',
  'state',
  'zipCode',
  'countryCode',
  'employeeNumber',
  'costCenter',
  'organization',
  'division',
  'department',
  'managerId',
  'manager',
] as const;
export type ProfileField = (typeof PROFILE_FIELDS)[number];
export type Profile = Partial<Record<ProfileField, string>>;
/** Null removes an attribute. */
export type ProfileChange = Partial<Record<ProfileField, string | null>>;

/** The profile after a change; attributes that the change does not name are kept. */
export function changedProfile(profile: Profile, change: ProfileChange): Profile {
  const next: Profile = {};
  for (const field of PROFILE_FIELDS) {
    const value = change[field] === undefined ? profile[field] : change[field];
    if (value !== undefined && value !== null) next[field] = value;
  }
  return next;
}
