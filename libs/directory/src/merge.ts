/** The decision about a merge of two identities that are one person; see docs/decisions/0018-a-merge-keeps-both-box-users.md. */

export interface MergeAccount {
  readonly boxUserId: string;
  readonly name: string;
  readonly status: 'active' | 'inactive';
  /** Box said that the user does not exist. */
  readonly isMissing: boolean;
}

/** What is known of one of the two identities. */
export interface MergeSide {
  readonly identityId: string;
  readonly username: string;
  readonly name: string;
  readonly active: boolean;
  /** A SCIM client manages the person, and has not deleted them. */
  readonly isManaged: boolean;
  readonly mergedInto: string | null;
  readonly account: MergeAccount | null;
  /** There is no account, and a create of one may have succeeded. */
  readonly mayHaveBoxUser: boolean;
  /** There is an account, and a deletion of its Box user may have succeeded. */
  readonly mayBeDeleted: boolean;
  /** The ids that lead to the identity. */
  readonly links: readonly MergeLink[];
  /** The groups that should contain the person. */
  readonly groups: readonly { readonly groupId: string; readonly displayName: string }[];
  readonly sessions: number;
  readonly openRequests: number;
}

export interface MergeLink {
  readonly directory: string;
  readonly subject: string;
  readonly rule: string;
}

/** Why two identities are not merged. */
export type MergeConflict =
  | 'same-identity'
  | 'already-merged'
  | 'unsettled-create'
  | 'unsettled-delete'
  | 'scim-manages-other'
  | 'staying-deactivated'
  | 'staying-box-user-missing'
  | 'user-name-taken';

/**
 * What becomes of the Box users. `keep`: each identity keeps its mapping; `former` is the one that is deactivated, if there
 * is one. `take-over`: the identity that stays has none, and gets the mapping of the other with its Box external id.
 */
export type MergeOfAccounts =
  | { readonly kind: 'keep'; readonly former: MergeAccount | null }
  | { readonly kind: 'take-over'; readonly account: MergeAccount };

export type MergeDecision =
  | {
      readonly kind: 'merge';
      readonly accounts: MergeOfAccounts;
      readonly reactivates: boolean;
      readonly warnings: readonly MergeWarning[];
    }
  /** The other one was merged into the one that stays before. */
  | { readonly kind: 'done' }
  /** `with`: into which identity one of the two was merged before. */
  | { readonly kind: 'conflict'; readonly conflict: MergeConflict; readonly with: string | null };

/** What an operator must see before they confirm. */
export type MergeWarning = 'both-active-in-different-directories' | 'scim-resource-ends';

const conflict = (kind: MergeConflict, other: string | null = null): MergeDecision => ({
  ...{ kind: 'conflict', conflict: kind, with: other },
});

/**
 * Decides how `other` is merged into `staying`. Pure. Never guesses: what the records contradict, or do not settle, is a
 * conflict. `reactivate`: the operator said that a deactivated person becomes active by the merge with an active one.
 */
export function decideMerge(
  staying: MergeSide,
  other: MergeSide,
  { reactivate }: { readonly reactivate: boolean },
): MergeDecision {
  if (staying.identityId === other.identityId) return conflict('same-identity');
  if (other.mergedInto === staying.identityId && staying.mergedInto === null) return { kind: 'done' };
  const before = staying.mergedInto ?? other.mergedInto;
  if (before !== null) return conflict('already-merged', before);
  const contradiction = contradictionOf(staying, other);
  if (contradiction !== null) return conflict(contradiction);
  const isSwitchedOn = !staying.active && other.active;
  if (isSwitchedOn && !reactivate) return conflict('staying-deactivated');
  return {
    kind: 'merge',
    accounts:
      staying.account === null && other.account !== null
        ? { kind: 'take-over', account: other.account }
        : { kind: 'keep', former: other.account },
    reactivates: isSwitchedOn,
    warnings: warningsOf(staying, other),
  };
}

function contradictionOf(staying: MergeSide, other: MergeSide): MergeConflict | null {
  if (staying.mayHaveBoxUser || other.mayHaveBoxUser) return 'unsettled-create';
  if (staying.mayBeDeleted || other.mayBeDeleted) return 'unsettled-delete';
  // The SCIM client knows the resource that ends: nothing that it says would switch the person off.
  if (other.isManaged && !staying.isManaged) return 'scim-manages-other';
  if (staying.account?.isMissing === true && other.account?.isMissing === false)
    return 'staying-box-user-missing';
  return null;
}

function warningsOf(staying: MergeSide, other: MergeSide): MergeWarning[] {
  const directories = new Set(staying.links.map(({ directory }) => directory));
  const isElsewhere = other.links.some(({ directory }) => !directories.has(directory));
  return [
    ...(staying.active && other.active && isElsewhere
      ? ['both-active-in-different-directories' as const]
      : []),
    ...(other.isManaged ? ['scim-resource-ends' as const] : []),
  ];
}

/** What the records are after a merge, as far as Box is concerned. */
export interface AfterMerge {
  readonly staying: {
    readonly active: boolean;
    readonly account: MergeAccount | null;
    readonly isWork: boolean;
  };
  readonly other: { readonly active: false; readonly account: MergeAccount | null; readonly isWork: boolean };
}

/** The mappings after a merge, and for which of the two a worker has to converge Box (`isWork`). Pure. */
export function afterMerge(
  staying: MergeSide,
  other: MergeSide,
  { accounts, reactivates }: Extract<MergeDecision, { kind: 'merge' }>,
): AfterMerge {
  const active = staying.active || reactivates;
  if (accounts.kind === 'take-over')
    return {
      staying: { active, account: accounts.account, isWork: true },
      other: { active: false, account: null, isWork: false },
    };
  return {
    staying: { active, account: staying.account, isWork: reactivates },
    other: { active: false, account: other.account, isWork: other.account !== null },
  };
}
