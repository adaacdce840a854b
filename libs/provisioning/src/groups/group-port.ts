import type { RequestOutcome, TimelineEvent } from '@foyer/shared';
import type { BoxGroupsPort } from '../box-groups-port.ts';
import type { GroupLease } from '../box-port.ts';
import type { SaveResult, TurnStore, Unread } from '../store-port.ts';
import type { BoxGroupAccount, DesiredGroup, MemberTask } from './group-model.ts';

/** Box, as far as converging groups uses it. */
export type GroupBox = BoxGroupsPort;

/** A group's request taken up, with all that planning needs. */
export interface TakenGroup extends Unread<GroupLease> {
  readonly desired: DesiredGroup;
  readonly account: BoxGroupAccount | null;
  /** The name of a create that may have worked; null: there was none. */
  readonly begunAs: string | null;
  /** What an earlier attempt of this request did; null when nothing. */
  readonly effect: RequestOutcome | null;
}

/** The worker's side of the database for groups: as `TurnStore` says, and every write is fenced. */
export interface GroupStore extends TurnStore<TakenGroup> {
  /** A create under this name is about to be sent, and may work until `saveGroup`; or (null) surely made nothing. */
  begin(lease: GroupLease, name: string | null): Promise<void>;
  /** Saves the Box group, or (null) that there is none: its memberships went with it. Adds the event to the timeline. */
  saveGroup(
    lease: GroupLease,
    account: BoxGroupAccount | null,
    news: { readonly event: TimelineEvent; readonly effect: RequestOutcome | null },
  ): Promise<SaveResult>;
  /** Memberships that an adopted group has: those of our Box users are kept as applied, the others are none of ours. */
  noteMemberships(
    lease: GroupLease,
    memberships: readonly { readonly id: string; readonly boxUserId: string }[],
  ): Promise<void>;
  /**
   * Members with something to do, in the order of their values, those after `after`. Who is to be added counts as unsettled
   * from here on: should nobody say what came of it, Box is asked before they are forgotten.
   */
  memberTasks(lease: GroupLease, after: string | null, limit: number): Promise<MemberTask[]>;
  memberAdded(lease: GroupLease, task: MemberTask, membershipId: string): Promise<void>;
  memberRemoved(lease: GroupLease, task: MemberTask): Promise<void>;
  /** Box could not add them. */
  memberRefused(lease: GroupLease, task: MemberTask, why: string): Promise<void>;
  /** Tells in the timeline how many were added and removed, as an effect of the request. */
  noteMembers(
    lease: GroupLease,
    counts: { readonly added: number; readonly removed: number; readonly refused: number },
  ): Promise<void>;
  /**
   * As `succeed`, with the group in step with that generation; but gives false and does nothing when, of that generation,
   * members have something to do again.
   */
  finish(lease: GroupLease, outcome: RequestOutcome, generation: number): Promise<boolean>;
}
