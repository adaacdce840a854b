import type { ErrorCode, RequestOutcome } from '@foyer/shared';
import type { BoxGroup } from '../box-groups-port.ts';

/** What Box should have for a group; who its members should be is asked for as tasks. */
export interface DesiredGroup {
  readonly groupId: string;
  readonly name: string;
  readonly isDeleted: boolean;
  /** Another group is to have the name that this one has in Box. */
  readonly isInTheWay: boolean;
  readonly generation: number;
}

/** The Box group as last applied. */
export interface BoxGroupAccount {
  readonly boxGroupId: string;
  readonly name: string;
  /** Whom it had as members when it was adopted is known. */
  readonly isSurveyed: boolean;
}

/** What this turn has seen and done. */
export interface SeenOfGroup {
  /** Box refused the name as taken, of a new group or of this one. */
  readonly isTaken?: boolean;
  /** The group of this very name; null when Box shows none. */
  readonly found?: BoxGroup | null;
  /** Every member's task was tried. */
  readonly membersDone?: boolean;
}

export interface KnownGroup {
  readonly account: BoxGroupAccount | null;
  /** The name of a create that may have worked, before this turn or in it; null: there was none. */
  readonly begunAs: string | null;
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

/** One membership that Box should have and has not, or has and should not. */
export type MemberTask = {
  readonly value: string;
  /** Null for somebody who is no identity (any more). */
  readonly identityId: string | null;
  readonly boxUserId: string;
} & (
  | { readonly kind: 'add' }
  /** `membershipId` null: Box was asked to add them, and nobody knows whether it did. */
  | { readonly kind: 'remove'; readonly membershipId: string | null }
);
