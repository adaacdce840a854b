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

const rank: Readonly<Record<NameSource, number>> = { claimed: 0, verified: 1, administered: 2 };

/** The better one of the sources of an unchanged value. */
export const betterSource = (known: NameSource, given: NameSource): NameSource =>
  rank[given] > rank[known] ? given : known;
