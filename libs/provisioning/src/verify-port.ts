import type { BoxAccount, BoxUser } from './model.ts';

/**
 * What can be wrong between Foyer and Box:
 * - `duplicate`: two Box users with one external id, or two for one identity;
 * - `orphan`: an app user of this Box app that belongs to no identity, and is not switched off;
 * - `unmapped`: a Box user that carries an identity's external id and is not mapped to it;
 * - `missing`: an identity whose Box user is gone, or who has none and no request that would make one;
 * - `unverified`: a create or update that Box never answered clearly, and that nothing has settled since;
 * - `drifted`: a Box user with another name or status than Foyer gave it;
 * - `mismatched`: a mapped Box user that carries another external id, or is no app user;
 * - `group`: a Box group that is gone, has another name, or has not the members that Foyer gave it.
 */
export const exceptionKinds = [
  'duplicate',
  'orphan',
  'unmapped',
  'missing',
  'unverified',
  'drifted',
  'mismatched',
  'group',
] as const;
export type ExceptionKind = (typeof exceptionKinds)[number];

/** One thing that does not fit. `confirmed`: seen again by a second look at Box and the database. */
export interface VerifyException {
  readonly kind: ExceptionKind;
  readonly identityId: string | null;
  readonly boxUserId: string | null;
  /** For duplicates: the Box users beside `boxUserId`. */
  readonly otherBoxUserIds: readonly string[];
  readonly externalId: string | null;
  /** For unverified writes: the line of the audit log. */
  readonly callId: string | null;
  /** For groups: which. */
  readonly groupId: string | null;
  readonly detail: string;
}
export type Candidate = VerifyException & { readonly id: string };

/** A reading of all of Box. `marker` is where the listing goes on; null at its beginning. */
export interface VerifyRun {
  readonly id: string;
  readonly startedAt: Date;
  readonly marker: string | null;
  /** Box users staged so far. */
  readonly listed: number;
  readonly isListed: boolean;
}

/** How an identity stands now. `isBusy`: it has an open request or a worker. */
export interface Standing {
  readonly identityId: string;
  readonly externalId: string;
  readonly isBusy: boolean;
  readonly account: Pick<BoxAccount, 'boxUserId' | 'name' | 'status'> | null;
}

/** What was compared, at one moment. */
export interface VerifyCounts {
  readonly identities: number;
  readonly boxUsers: number;
  readonly mapped: number;
  /** Identities with an open request: neither right nor wrong yet. */
  readonly inProgress: number;
  /** App users that belong to no identity and are switched off: as good as gone. */
  readonly settledOrphans: number;
  /** Mapped since the listing began, and so not in it: the next run sees them. */
  readonly tooNew: number;
  /** Identities without a Box user for a known reason: `deactivated`, or the code with which their newest request failed. */
  readonly notProvisioned: Readonly<Record<string, number>>;
  /** SHA-256 in hex over the mapping: a line `["issuer","subject","box user id"]` each, sorted by code points. */
  readonly digest: string;
}

/** A group as Foyer has it in Box. */
export interface StandingGroup {
  readonly id: string;
  readonly boxGroupId: string;
  readonly name: string;
}

/** A group as Box shows it; null: it is gone. */
export type SeenGroup = {
  readonly name: string;
  readonly memberships: readonly { readonly id: string; readonly boxUserId: string }[];
} | null;

/** How a group differs: `lacking` members have no such membership in Box, `extra` Box users of ours are in it unasked. */
export interface GroupDifference {
  readonly isBusy: boolean;
  readonly lacking: number;
  readonly extra: number;
}

/** The database's side of `verify`. Everything is of one tenant; only one reading of a tenant is under way at a time. */
export interface VerifyStore {
  /** Adds a page; the listing goes on at `nextMarker`, and is complete when that is null. Gives how many are staged. */
  savePage(runId: string, users: readonly BoxUser[], nextMarker: string | null): Promise<number>;
  /** Forgets what was listed: the listing begins again. */
  listAgain(runId: string): Promise<void>;
  /** How many mappings there are: about as many Box users will be listed. */
  expected(): Promise<number>;
  /** Compares both sides as sets; what does not fit becomes candidates. `writeAgeMs`: younger writes may be under way. */
  compare(runId: string, writeAgeMs: number): Promise<VerifyCounts>;
  /** The first candidates of a kind that no second look has confirmed, at most `limit`. */
  candidates(runId: string, kind: ExceptionKind, limit: number): Promise<Candidate[]>;
  standing(
    of: { identityId: string } | { externalId: string } | { boxUserId: string },
  ): Promise<Standing | null>;
  isUnsettled(callId: string): Promise<boolean>;
  /**
   * Keeps with the account that Box has something else, or (missing) nothing: from then on it is not in step, and the next
   * request sets all of it anew. Nothing is kept while somebody works on the identity.
   */
  keepDifference(found: VerifyException): Promise<void>;
  /** Groups that Foyer has in Box, by their ids, after `after`. */
  groups(after: string | null, limit: number): Promise<StandingGroup[]>;
  /** Null when the group is not this Box group any more. */
  groupDifference(
    group: StandingGroup,
    memberships: NonNullable<SeenGroup>['memberships'],
  ): Promise<GroupDifference | null>;
  /** Adds the exception, and keeps with the group what Box was seen to have: the next request brings about the rest. */
  keepGroup(runId: string, group: StandingGroup, seen: SeenGroup, detail: string): Promise<void>;
  /** What a second look made of a candidate; null when it has gone. */
  settle(runId: string, candidateId: string, confirmed: VerifyException | null): Promise<void>;
  finish(runId: string, digest: string): Promise<void>;
}
