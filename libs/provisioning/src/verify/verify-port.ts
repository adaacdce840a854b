import type { BoxAccount, BoxUser } from '../people/model.ts';

/**
 * The kinds of discrepancy between Foyer and Box:
 * - `duplicate`: two Box users with one external id, or two for one identity;
 * - `orphan`: an app user of this Box app that belongs to no identity, and is not deactivated;
 * - `unmapped`: a Box user that has an identity's external id and is not mapped to it;
 * - `missing`: an identity whose Box user does not exist, or that has neither a Box user nor a request that would
 *   create one;
 * - `unverified`: a create or update without a clear answer from Box, which nothing has settled since;
 * - `drifted`: a Box user with another name or status than Foyer applied;
 * - `mismatched`: a mapped Box user that has another external id, or is not an app user;
 * - `unlinked`: an identity that its own id does not lead to, or a link that leads to no identity;
 * - `group`: a Box group that does not exist, or whose name or members differ from what Foyer applied.
 */
export const discrepancyKinds = [
  'duplicate',
  'orphan',
  'unmapped',
  'missing',
  'unverified',
  'drifted',
  'mismatched',
  'unlinked',
  'group',
] as const;
export type DiscrepancyKind = (typeof discrepancyKinds)[number];

/** One discrepancy. `confirmed`: found again by a recheck of Box and the database. */
export interface Discrepancy {
  readonly kind: DiscrepancyKind;
  readonly identityId: string | null;
  readonly boxUserId: string | null;
  /** For duplicates: the Box users besides `boxUserId`. */
  readonly otherBoxUserIds: readonly string[];
  readonly externalId: string | null;
  /** For unverified writes: the call in the audit log. */
  readonly callId: string | null;
  /** For groups: the group's id. */
  readonly groupId: string | null;
  readonly detail: string;
}
export type Candidate = Discrepancy & { readonly id: string };

/** One run over all of Box. `marker`: where the listing continues; null at its beginning. */
export interface VerifyRun {
  readonly id: string;
  readonly startedAt: Date;
  readonly marker: string | null;
  /** How many Box users are staged so far. */
  readonly listed: number;
  readonly isListed: boolean;
}

/** The current state of an identity. `isBusy`: it has an open request or a worker holds its lease. */
export interface Standing {
  readonly identityId: string;
  readonly externalId: string;
  readonly isBusy: boolean;
  readonly account: Pick<BoxAccount, 'boxUserId' | 'name' | 'status'> | null;
}

/** What was compared, in one snapshot. */
export interface VerifyCounts {
  readonly identities: number;
  readonly boxUsers: number;
  readonly mapped: number;
  /** Identities with an open request, which are not compared yet. */
  readonly inProgress: number;
  /** App users that belong to no identity and are deactivated, so that they are not counted as discrepancies. */
  readonly settledOrphans: number;
  /** Identities mapped since the listing began, which the next run covers. */
  readonly tooNew: number;
  /**
   * Identities without a Box user for a known reason: `deactivated`, or the code with which their newest request
   * failed.
   */
  readonly notProvisioned: Readonly<Record<string, number>>;
  /** The SHA-256 in hex of the mapping: one line `["issuer","subject","box user id"]` each, sorted by code points. */
  readonly digest: string;
}

/** A group as Foyer has it in Box. */
export interface StandingGroup {
  readonly id: string;
  readonly boxGroupId: string;
  readonly name: string;
}

/** A group as Box shows it; null: it does not exist. */
export type SeenGroup = {
  readonly name: string;
  readonly memberships: readonly { readonly id: string; readonly boxUserId: string }[];
} | null;

/**
 * How a group differs: `lacking` members have no membership in Box, `extra` are our Box users in it who should not be.
 */
export interface GroupDifference {
  readonly isBusy: boolean;
  readonly lacking: number;
  readonly extra: number;
}

/** The database operations of `verify`. All of them cover one tenant, which has only one run at a time. */
export interface VerifyStore {
  /**
   * Adds a page. The listing continues at `nextMarker`, and is complete when that is null. Returns how many users are
   * staged.
   */
  savePage(runId: string, users: readonly BoxUser[], nextMarker: string | null): Promise<number>;
  /** Discards what was listed: the listing begins again. */
  listAgain(runId: string): Promise<void>;
  /** How many mappings there are, which is about how many Box users will be listed. */
  expected(): Promise<number>;
  /**
   * Compares both sides as sets and stores the discrepancies as candidates. `writeAgeMs`: younger writes may still be
   * in progress.
   */
  compare(runId: string, writeAgeMs: number): Promise<VerifyCounts>;
  /** The first candidates of a kind that no recheck has confirmed, at most `limit`. */
  candidates(runId: string, kind: DiscrepancyKind, limit: number): Promise<Candidate[]>;
  standing(
    of: { identityId: string } | { externalId: string } | { boxUserId: string },
  ): Promise<Standing | null>;
  isUnsettled(callId: string): Promise<boolean>;
  /**
   * Records on the account that Box has other values, or (missing) no user: the account is then not in step, and the
   * next request sets every field. Records nothing while a request for the identity is in progress.
   */
  keepDifference(found: Discrepancy): Promise<void>;
  /** Groups that Foyer has in Box, ordered by id, after `after`. */
  groups(after: string | null, limit: number): Promise<StandingGroup[]>;
  /** Null when the group is no longer mapped to this Box group. */
  groupDifference(
    group: StandingGroup,
    memberships: NonNullable<SeenGroup>['memberships'],
  ): Promise<GroupDifference | null>;
  /** Adds the discrepancy, and records on the group what Box has: the next request applies the difference. */
  keepGroup(runId: string, group: StandingGroup, seen: SeenGroup, detail: string): Promise<void>;
  /** Records the result of a recheck; null when the discrepancy no longer exists. */
  settle(runId: string, candidateId: string, confirmed: Discrepancy | null): Promise<void>;
  finish(runId: string, digest: string): Promise<void>;
}
