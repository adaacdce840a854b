import { type AccountClaims } from 'oidc-provider';
import { type Person } from '../org/people.ts';

/** Scopes of Okta's org server for sign-in, and the claims of each. */
export const SCOPE_CLAIMS: Readonly<Record<string, string[]>> = {
  openid: ['sub'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'zoneinfo', 'updated_at'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
  address: [],
  phone: [],
  offline_access: [],
};

/** The only claims about a person in a thin ID token (Okta's OIDC reference of 2024-09-05). */
export const THIN_CLAIMS: readonly string[] = ['email', 'name', 'preferred_username'];

/** Names of all claims about a person. */
export const PERSONAL_CLAIMS: readonly string[] = Object.values(SCOPE_CLAIMS)
  .flat()
  .filter((name) => name !== 'sub');

/** With more groups than this Okta fails the request; it does not shorten the list (okta/okta-auth-js#1031). */
export const MAX_GROUPS = 100;

/** Every claim about a person, for all scopes; name parts that are null are left out, empty ones are kept. */
export function claimsOf(person: Person): AccountClaims {
  return {
    sub: person.id,
    preferred_username: person.login,
    email: person.email,
    email_verified: person.emailVerified ?? true,
    locale: 'en-US',
    zoneinfo: 'America/Los_Angeles',
    updated_at: person.updatedAt,
    groups: person.groups,
    ...(person.name !== null && { name: person.name }),
    ...(person.firstName !== null && { given_name: person.firstName }),
    ...(person.lastName !== null && { family_name: person.lastName }),
  };
}
