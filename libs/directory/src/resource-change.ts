/** A person as a SCIM resource, as they were read. */
export interface ResourceState {
  /** A SCIM client manages the person; if not, only sign-ins, a machine or a file do. */
  readonly isManaged: boolean;
  readonly userName: unknown;
  readonly externalId: unknown;
  /** Box has, or needs, nothing more of the person. */
  readonly isDone: boolean;
}

/** The person as the SCIM client wants them to be. */
export interface NextResource {
  readonly userName: string;
  readonly externalId: string | null;
  /** Everything else is the same, too. */
  readonly isSame: boolean;
}

export type ResourceChange =
  | { readonly kind: 'none' }
  /** Nothing changes, and Box does not have it all: a request is needed. */
  | { readonly kind: 'follow' }
  | { readonly kind: 'change' }
  /** The person gets keys that others may have, or a SCIM client manages them from now on. */
  | {
      readonly kind: 'claim';
      readonly isNewName: boolean;
      /** `stand-in`: the external id was taken away, and something has to stand in for it. */
      readonly subject: 'same' | 'given' | 'stand-in';
    };

/** Decides what a SCIM client's write means for a person. Pure. */
export function decideResourceChange(known: ResourceState, next: NextResource): ResourceChange {
  const isNewName = !known.isManaged || next.userName !== known.userName;
  const subject = subjectOf(known, next);
  if (isNewName || subject !== 'same') return { kind: 'claim', isNewName, subject };
  if (!next.isSame) return { kind: 'change' };
  return { kind: known.isDone ? 'none' : 'follow' };
}

function subjectOf(known: ResourceState, { externalId }: NextResource): 'same' | 'given' | 'stand-in' {
  if (externalId === (known.externalId ?? null)) return 'same';
  return externalId === null ? 'stand-in' : 'given';
}
