import type { Person, RequestCause } from '@foyer/shared';

/** By whose word somebody has a name; see the migration `name_sources`. */
export type NameSource = 'claimed' | 'verified' | 'administered';

export interface NameSources {
  readonly username: NameSource;
  readonly email: NameSource;
}

/**
 * A machine, a file or an operator names people. A sign-in claims its names: an address is verified when the provider says
 * so, and a user name when it is that very address.
 */
export function nameSources(person: Person, cause: RequestCause, isEmailVerified: boolean): NameSources {
  if (cause !== 'sign-in') return { username: 'administered', email: 'administered' };
  const email = isEmailVerified && person.email !== undefined ? 'verified' : 'claimed';
  const isAddress = person.email?.toLowerCase() === person.username.toLowerCase();
  return { username: isAddress ? email : 'claimed', email };
}

/** In SQL: the source of a value that is said again stays the better one of the two. */
export const betterSource = (known: string, said: string): string =>
  `CASE WHEN 'administered' IN (${known}, ${said}) THEN 'administered' WHEN 'verified' IN (${known}, ${said}) THEN 'verified'
    ELSE 'claimed' END`;

/** In SQL: a name that SCIM gave somebody else is theirs, whatever is said of it here. */
export const sourceUnlessTaken = (
  source: string,
  of: { readonly [key in 'tenant' | 'subject' | 'username']: string },
) =>
  `CASE WHEN EXISTS (
    SELECT FROM identity o WHERE o.tenant_id = ${of.tenant} AND o.scim IS NOT NULL AND o.scim_deleted_at IS NULL
      AND o.subject <> ${of.subject} AND scim_user_name(o.username) = scim_user_name(${of.username})
  ) THEN 'claimed' ELSE ${source} END`;
