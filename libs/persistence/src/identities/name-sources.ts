import type { Person, RequestCause } from '@foyer/shared';

/** Who vouches for a person's name; see the migration `name_sources`. */
export type NameSource = 'claimed' | 'verified' | 'administered';

export interface NameSources {
  readonly username: NameSource;
  readonly email: NameSource;
}

/**
 * A machine, a file or an operator administers names. A sign-in claims its names: an address is verified when the
 * provider says so, and a user name is verified when it equals that address.
 */
export function nameSources(person: Person, cause: RequestCause, isEmailVerified: boolean): NameSources {
  if (cause !== 'sign-in') return { username: 'administered', email: 'administered' };
  const email = isEmailVerified && person.email !== undefined ? 'verified' : 'claimed';
  const isAddress = person.email?.toLowerCase() === person.username.toLowerCase();
  return { username: isAddress ? email : 'claimed', email };
}

/** In SQL: the better one of the known and the new source of an unchanged value. */
export const betterSource = (known: string, said: string): string =>
  `CASE WHEN 'administered' IN (${known}, ${said}) THEN 'administered' WHEN 'verified' IN (${known}, ${said}) THEN 'verified'
    ELSE 'claimed' END`;

/** In SQL: a name that SCIM gave another person counts as claimed here, whatever the source. */
export const sourceUnlessTaken = (
  source: string,
  of: { readonly [key in 'tenant' | 'subject' | 'username']: string },
) =>
  `CASE WHEN EXISTS (
    SELECT FROM identity o WHERE o.tenant_id = ${of.tenant} AND o.scim IS NOT NULL AND o.scim_deleted_at IS NULL
      AND o.subject <> ${of.subject} AND scim_user_name(o.username) = scim_user_name(${of.username})
  ) THEN 'claimed' ELSE ${source} END`;
