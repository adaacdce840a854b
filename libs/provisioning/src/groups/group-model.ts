import type { ErrorCode, RequestOutcome } from '@foyer/shared';
import type { BoxGroup } from './box-groups-port.ts';

/** What Box should have for a group. The members are read separately, as tasks. */
export interface DesiredGroup {
  readonly groupId: string;
  readonly name: string;
  readonly isDeleted: boolean;
  /** Another group should get the name that this one has in Box. */
  readonly isInTheWay: boolean;
  readonly generation: number;
}

/** The Box group as last applied. */
export interface BoxGroupAccount {
  readonly boxGroupId: string;
  readonly name: string;
  /** The members that it had when it was adopted are known. */
  readonly isSurveyed: boolean;
  /** How many of those members, in Box's order, were read before an attempt ended. Absent: none. */
  readonly surveyedTo?: number;
}

/** What this attempt has seen and done. */
export interface SeenOfGroup {
  /** Box refused the name as taken in this attempt, for a create or a rename. */
  readonly isTaken?: boolean;
  /** The group with exactly this name; null when Box shows none. */
  readonly found?: BoxGroup | null;
  /** Every member task was tried. */
  readonly membersDone?: boolean;
}

export interface KnownGroup {
  readonly account: BoxGroupAccount | null;
  /** The name of a create that may have succeeded, in this attempt or an earlier one; null: there was none. */
  readonly begunAs: string | null;
  /** The name that Box refused as taken, when that was its last answer about it. Absent: it was not. */
  readonly takenName?: string | null;
  readonly seen: SeenOfGroup;
  readonly effect: RequestOutcome | null;
}

export type GroupStep =
  | { readonly kind: 'create'; readonly name: string }
  | { readonly kind: 'find'; readonly name: string }
  | { readonly kind: 'adopt'; readonly group: BoxGroup }
  | { readonly kind: 'rename'; readonly boxGroupId: string; readonly name: string }
  | { readonly kind: 'survey'; readonly boxGroupId: string }
  | { readonly kind: 'members'; readonly boxGroupId: string }
  | { readonly kind: 'delete'; readonly boxGroupId: string }
  | { readonly kind: 'finish'; readonly outcome: RequestOutcome }
  | { readonly kind: 'fail'; readonly code: ErrorCode; readonly detail: string };

/**
 * What Box last said about a membership: that it exists, without its id; that a listing does not show it; or that the
 * user or the group does not exist.
 */
export type MemberAnswer = 'exists' | 'not-shown' | 'missing';

/** One membership that Box lacks, or has and should not have. */
export type MemberTask = {
  readonly value: string;
  /** Null when the member is not an identity (any more). */
  readonly identityId: string | null;
  readonly boxUserId: string;
  /** Box's last answer in an earlier attempt; null: none. It decides which call is made first, and nothing else. */
  readonly answer: MemberAnswer | null;
} & (
  | { readonly kind: 'add' }
  /** `membershipId` null: an add was sent, and its result is unknown. */
  | { readonly kind: 'remove'; readonly membershipId: string | null }
);
