import type { LinkRule } from './link-rule.ts';

/** An identity that a directory may mean by a person whom it creates, because of the external id or the user name. */
export interface Candidate {
  readonly id: string;
  /** A SCIM client has, or had, the person as a resource. */
  readonly isManaged: boolean;
  readonly isDeleted: boolean;
  readonly active: boolean;
  /** The external id leads to them. */
  readonly isLinked: boolean;
  /** It does by an operator's merge: whoever is pushed under it is this person, as under the id that SCIM shows. */
  readonly isMerged: boolean;
  /** The external id is the one that SCIM shows. */
  readonly isSubject: boolean;
  /** A directory finds them by the user name. */
  readonly isNamed: boolean;
}

export type TakenKey = 'userName' | 'externalId';

export type ReturningDecision =
  | { readonly kind: 'new' }
  /** The identity that the person is, and by which rule the id that they bring leads to it. */
  | { readonly kind: 'returning'; readonly id: string; readonly rule: LinkRule }
  /** Another person has the keys. `with`: the identity that has them; null when it cannot be told. */
  | { readonly kind: 'conflict'; readonly keys: readonly TakenKey[]; readonly with: string | null };

/**
 * Decides which identity a person is whom a directory creates. Pure. A person who returns keeps their identity. A
 * conflict arises only when the directory's look-up by the same keys finds the identity in the way; otherwise it would
 * retry without end. `candidates`: the one deleted last comes first.
 */
export function decideReturning(candidates: readonly Candidate[]): ReturningDecision {
  const meant = candidates
    .map((candidate) => (isAboutAnother(candidate) ? { ...candidate, isLinked: false } : candidate))
    .filter(({ isLinked, isNamed }) => isLinked || isNamed);
  const known = meant.find(({ isLinked }) => isLinked);
  const holder = meant.find(({ isLinked, isDeleted }) => !isLinked && !isDeleted);
  if (holder !== undefined) return { kind: 'conflict', keys: ['userName'], with: holder.id };
  const [named] = meant;
  if (known === undefined)
    return named ? { kind: 'returning', id: named.id, rule: 'pushed_user_name' } : { kind: 'new' };
  if (isBack(known)) return { kind: 'returning', id: known.id, rule: 'same_subject' };
  return {
    kind: 'conflict',
    keys: known.isNamed ? ['userName', 'externalId'] : ['externalId'],
    with: known.id,
  };
}

/**
 * A visible resource has its own external id: another one that leads to the same person came by a sign-in, and a
 * create with it is about another person.
 */
const isAboutAnother = ({ isLinked, isMerged, isSubject, isManaged, isDeleted }: Candidate): boolean =>
  isLinked && !isMerged && !isSubject && isManaged && !isDeleted;

/** Known only by sign-in or by a merge, deleted before, or deactivated and renamed since. */
const isBack = ({ isMerged, isManaged, isDeleted, active, isNamed }: Candidate): boolean =>
  isMerged || !isManaged || isDeleted || (!active && !isNamed);
