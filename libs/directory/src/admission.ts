import type { NameParts, Person } from '@foyer/shared';
import { isInStep, type AppliedState } from './in-step.ts';
import { betterSource, type NameSources } from './names.ts';

/** The names of a person, each with who vouches for it. */
export interface Names {
  readonly username: string;
  readonly email: string | null;
  readonly name: string;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly sources: NameSources;
}

/** The identity to which an id leads. */
export interface KnownPerson {
  readonly id: string;
  readonly isActive: boolean;
  /** A SCIM client decides the names, or did before it deleted the person. */
  readonly isManaged: boolean;
  readonly generation: number;
  readonly names: Names;
  /** Null when no Box user is mapped. */
  readonly applied: AppliedState | null;
  readonly link: {
    /** The id is the one that the identity itself has. */
    readonly isOwn: boolean;
    /** An operator's merge brought this id, or the id that the identity has: both are this person's. */
    readonly isByMerge: boolean;
    /** The person comes with the user name that the identity has, by the rules for comparing user names. */
    readonly isSameUserName: boolean;
  };
}

/** What is stored about an id and a user name. */
export interface AdmissionState {
  /** Null when the id leads to nobody. */
  readonly known: KnownPerson | null;
  /** A deactivated person with another id, whom a directory may find by the user name. */
  readonly namesakeId: string | null;
  /** A SCIM client gave the user name to a person with another id. */
  readonly isUserNameTaken: boolean;
  /** An operator decided that the id is a person of its own. */
  readonly isReleased: boolean;
}

/** `sign-in`: the person came by themselves. `push`: a machine, a file or an operator named them. */
export interface AdmissionCommand {
  readonly kind: 'sign-in' | 'push';
  readonly person: Person & NameParts;
  readonly sources: NameSources;
}

export type AdmissionDecision =
  | { readonly kind: 'deactivated'; readonly identityId: string }
  /** An operator decides whether this is the holder. */
  | { readonly kind: 'hold'; readonly holderId: string }
  /** A new identity. `from`: the one to which the id led until now. */
  | { readonly kind: 'add'; readonly names: Names; readonly from: string | null }
  /** Nothing changes, and Box has it all. */
  | { readonly kind: 'in-step' }
  /** Nothing changes, and Box does not have it all: a request is needed. */
  | { readonly kind: 'follow' }
  | {
      readonly kind: 'change';
      readonly names: Names;
      /** Box has to be changed, too. */
      readonly isNewGeneration: boolean;
      readonly needsRequest: boolean;
    };

/** Decides who a person is that signs in or is pushed, and what changes. Pure. */
export function decideAdmission(state: AdmissionState, command: AdmissionCommand): AdmissionDecision {
  const { known } = state;
  if (known?.isActive === false) return { kind: 'deactivated', identityId: known.id };
  const isDoubtful = command.kind === 'sign-in' && known !== null && isLinkDoubtful(known);
  const holderId = isDoubtful ? known.id : known?.isManaged === true ? null : state.namesakeId;
  if (command.kind === 'sign-in' && holderId !== null && !state.isReleased) return { kind: 'hold', holderId };
  const given = namesOf(command, state.isUserNameTaken);
  if (known === null || isDoubtful) return { kind: 'add', names: given, from: known?.id ?? null };
  return decideChange(known, given);
}

/**
 * SCIM manages the person under another id, and this one comes with another user name: the directory may have given the
 * id to somebody else.
 */
const isLinkDoubtful = ({ isManaged, link }: KnownPerson): boolean =>
  isManaged && !link.isOwn && !link.isSameUserName && !link.isByMerge;

/** A name that a SCIM client gave somebody else counts as claimed, whoever vouches for it. */
const namesOf = ({ person, sources }: AdmissionCommand, isUserNameTaken: boolean): Names => ({
  username: person.username,
  email: person.email ?? null,
  name: person.name,
  givenName: person.givenName ?? null,
  familyName: person.familyName ?? null,
  sources: isUserNameTaken ? { ...sources, username: 'claimed' } : sources,
});

function decideChange(
  { isManaged, names, generation, applied }: KnownPerson,
  given: Names,
): AdmissionDecision {
  // Two doors with two different profiles would overwrite each other without end, so SCIM alone decides.
  const next = isManaged ? names : merged(names, given);
  const isNewGeneration =
    next.username !== names.username || next.email !== names.email || next.name !== names.name;
  const needsRequest = isNewGeneration || !isInStep(generation, applied);
  if (isNewGeneration || !isSame(next, names))
    return { kind: 'change', names: next, isNewGeneration, needsRequest };
  return { kind: needsRequest ? 'follow' : 'in-step' };
}

/** A person without the parts of the name keeps those that are stored. */
const merged = (known: Names, given: Names): Names => ({
  ...given,
  givenName: given.givenName ?? known.givenName,
  familyName: given.familyName ?? known.familyName,
  sources: {
    username:
      given.username === known.username
        ? betterSource(known.sources.username, given.sources.username)
        : given.sources.username,
    email:
      given.email === known.email
        ? betterSource(known.sources.email, given.sources.email)
        : given.sources.email,
  },
});

/** Whether the parts of the names and their sources are the same. */
const isSame = (one: Names, two: Names): boolean =>
  one.givenName === two.givenName &&
  one.familyName === two.familyName &&
  one.sources.username === two.sources.username &&
  one.sources.email === two.sources.email;
