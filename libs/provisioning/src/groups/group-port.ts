import type { RequestOutcome, TimelineEvent } from '@foyer/shared';
import type { BoxGroupsPort } from './box-groups-port.ts';
import type { GroupLease } from '../people/box-port.ts';
import type { SaveResult, AttemptStore, Unread } from '../people/store-port.ts';
import type { BoxGroupAccount, DesiredGroup, MemberAnswer, MemberTask } from './group-model.ts';

/** Box, as far as converging groups uses it. */
export type GroupBox = BoxGroupsPort;

/** A group's request that was taken, with everything that planning needs. */
export interface TakenGroup extends Unread<GroupLease> {
  readonly desired: DesiredGroup;
  readonly account: BoxGroupAccount | null;
  /** The name of a create that may have succeeded; null: there was none. */
  readonly begunAs: string | null;
  /** The name that Box refused as taken, when that was its last answer about it; null: it was not. */
  readonly takenName: string | null;
  /** What an earlier attempt of this request did; null when nothing. */
  readonly effect: RequestOutcome | null;
}

/** A worker's database operations for groups; as `AttemptStore`, and every write is fenced. */
export interface GroupStore extends AttemptStore<TakenGroup> {
  /**
   * Records that a create with this name is about to be sent and may succeed until `saveGroup`; null: it certainly made
   * nothing.
   */
  begin(lease: GroupLease, name: string | null): Promise<void>;
  /** Records that Box refuses this name as taken, for later attempts; null: it shows no group of the name. */
  noteTaken(lease: GroupLease, name: string | null): Promise<void>;
  /**
   * Saves the Box group, or null when it does not exist and its memberships with it. Adds the event to the timeline.
   */
  saveGroup(
    lease: GroupLease,
    account: BoxGroupAccount | null,
    news: { readonly event: TimelineEvent; readonly effect: RequestOutcome | null },
  ): Promise<SaveResult>;
  /**
   * Saves the memberships of an adopted group: those of our Box users as applied; the others are ignored. `surveyedTo`
   * is how many members of the group were read by now.
   */
  noteMemberships(
    lease: GroupLease,
    memberships: readonly { readonly id: string; readonly boxUserId: string }[],
    surveyedTo: number,
  ): Promise<void>;
  /**
   * The members after `after` that need a change, in the order of their values. Each counts as unsettled from now on: if
   * the result stays unknown, Box is asked before the member is forgotten, or counts as a member again.
   */
  memberTasks(lease: GroupLease, after: string | null, limit: number): Promise<MemberTask[]>;
  /** Records Box's answer for later attempts. */
  memberAnswered(lease: GroupLease, task: MemberTask, answer: MemberAnswer): Promise<void>;
  memberAdded(lease: GroupLease, task: MemberTask, membershipId: string): Promise<void>;
  /** Saves the membership that is about to be removed; the member stays unsettled. */
  memberFound(lease: GroupLease, task: MemberTask, membershipId: string): Promise<void>;
  memberRemoved(lease: GroupLease, task: MemberTask): Promise<void>;
  /** Box refused the member. */
  memberRefused(lease: GroupLease, task: MemberTask, why: string): Promise<void>;
  /** Adds to the timeline how many members were added and removed, as an effect of the request. */
  noteMembers(
    lease: GroupLease,
    counts: { readonly added: number; readonly removed: number; readonly refused: number },
  ): Promise<void>;
  /**
   * As `succeed`, and marks the group as in step with that generation. Returns false and does nothing when members of
   * that generation need a change again.
   */
  finish(lease: GroupLease, outcome: RequestOutcome, generation: number): Promise<boolean>;
}
