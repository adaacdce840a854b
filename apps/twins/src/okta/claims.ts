import { type AccountClaims } from 'oidc-provider';
import { type Person } from './people.ts';

/** Scopes of Okta's org server that concern sign-in, and the claims each one opens. */
export const SCOPE_CLAIMS: Readonly<Record<string, string[]>> = {
  openid: ['sub'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'zoneinfo', 'updated_at'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
  address: [],
  phone: [],
  offline_access: [],
};

/** All that a thin ID token says about a person (Okta's OIDC reference of 2024-09-05). */
export const THIN_CLAIMS: readonly string[] = ['email', 'name', 'preferred_username'];

/** Names of all claims about a person. */
export const PERSONAL_CLAIMS: readonly string[] = Object.values(SCOPE_CLAIMS)
  .flat()
  .filter((name) => name !== 'sub');

/** Over this many groups Okta fails the request; it does not cut the list (okta/okta-auth-js#1031). */
export const MAX_GROUPS = 100;

/** Every claim about a person, whatever the scope; parts of a name that are null are left out, empty ones stay. */
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
