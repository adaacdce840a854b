import type { ErrorCode } from '@foyer/shared';
import type { Allowance } from '../budget/budget-port.ts';
import type { BoxChange, BoxProfile, BoxUser } from './model.ts';

/** What a call is made for: written to the call log before the call. */
export interface CallContext {
  readonly requestId: string | null;
  readonly identityId: string | null;
  /** The worker's lease. The log refuses the intent, and so the call, when the lease is lost. */
  readonly lease: Lease | GroupLease | null;
  /** The source of the call's permit; absent: the Box adapter's own. Not logged. */
  readonly allowance?: Allowance;
}

/** The right to change one identity. `token` grows with every lease; a write with an older token is refused. */
export interface Lease {
  readonly identityId: string;
  readonly requestId: string;
  readonly token: bigint;
}

/** The same for a group. */
export interface GroupLease {
  readonly groupId: string;
  readonly requestId: string;
  readonly token: bigint;
}

/** The lease has passed to another worker: stop at once and write nothing. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** What went wrong at Box, as a code of the closed list. `ambiguous`: Box may have carried out the call. */
export interface BoxFault {
  readonly code: ErrorCode;
  /** Shown to people: without secrets or markup. */
  readonly detail: string;
  readonly ambiguous: boolean;
  /** How long Box asks Foyer to wait, in milliseconds. */
  readonly retryAfterMs?: number;
}

export type BoxResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: BoxFault };

/** A create returns the user, or `exists` with the id from Box's answer (null when there was none). */
export type CreateResult =
  | { readonly kind: 'created'; readonly user: BoxUser }
  | { readonly kind: 'exists'; readonly conflictId: string | null };

/** A user to create in Box: active, unless `status` says inactive. */
export interface NewBoxUser {
  readonly externalId: string;
  readonly name: string;
  readonly status?: 'inactive';
  readonly profile?: BoxProfile;
}

/**
 * A problem with our credentials or our clock, which affects every request. `seconds`: how long it has lasted.
 * `offsetMs`: how far Box's clock is ahead of ours.
 */
export type BoxNotice =
  | { readonly kind: 'credentials-refused'; readonly detail: string; readonly seconds: number }
  | { readonly kind: 'credentials-accepted'; readonly seconds: number }
  | { readonly kind: 'clock-off'; readonly offsetMs: number };

/** A page of a person's folder. `nextMarker` is null at the end. */
export interface FolderPage {
  readonly items: readonly {
    readonly type: 'file' | 'folder' | 'web_link';
    readonly id: string;
    readonly name: string;
  }[];
  readonly nextMarker: string | null;
  /** The folder's name, taken from its items: null for the top folder, and for a page without items. */
  readonly folderName: string | null;
}

/** A page of this Box app's users, in Box's order. `nextMarker` is null at the end. */
export interface UserPage {
  readonly users: readonly BoxUser[];
  readonly nextMarker: string | null;
}

/**
 * Box, as far as Foyer uses it. Each method is one call to Box: never repeated automatically, with a time limit, logged
 * before and after. Each HTTP request acquires a permit before its intent is logged: without a permit nothing is logged
 * and the fault is `box_rate_limited`, with the time to wait; a 429 pauses every process that shares the rate limit.
 * When Box refuses our credentials, the fault is `box_auth_failed` with a time to wait, and no call is made before
 * then. Faults are values; only LeaseLost and our own failures (the log cannot be written, the rate limiter cannot be
 * reached) are thrown.
 */
/**
 * What became of a user that was to be deleted. `owns-content`: kept, because Box deletes no user that owns content.
 * `on-hold`: kept, because of a retention policy or a legal hold.
 */
export type Deletion = 'deleted' | 'owns-content' | 'on-hold';

export interface BoxPort {
  /** POST /2.0/users as an app user (is_platform_access_only). */
  createUser(context: CallContext, user: NewBoxUser): Promise<BoxResult<CreateResult>>;
  /** GET /2.0/users?external_app_user_id=: exact and limited to this Box app; may lag behind a create. */
  findUser(context: CallContext, externalId: string): Promise<BoxResult<BoxUser | null>>;
  /** GET /2.0/users/:id; null when it does not exist. */
  readUser(context: CallContext, boxUserId: string): Promise<BoxResult<BoxUser | null>>;
  /** PUT /2.0/users/:id. Safe to repeat. `box_conflict` when another user has the external id. */
  updateUser(context: CallContext, boxUserId: string, change: BoxChange): Promise<BoxResult<BoxUser>>;
  /**
   * DELETE /2.0/users/:id, never with `force`; see `Deletion`. Safe to repeat: a user that does not
   * exist counts as deleted. Box removes the user's group memberships too.
   */
  deleteUser(context: CallContext, boxUserId: string): Promise<BoxResult<Deletion>>;
  /**
   * GET /2.0/users by marker: the app users of this Box app, without managed users; so a page may have fewer than
   * `limit` (1 to 1000) users, or none, without being the last. May lag behind a create. Markers expire: one that Box
   * no longer accepts is `box_invalid`.
   */
  listUsers(context: CallContext, query: { limit: number; marker?: string }): Promise<BoxResult<UserPage>>;
  /** GET /2.0/folders/:id/items as that person (As-User header). `limit` 1 to 1000. */
  listFolder(
    context: CallContext,
    query: { boxUserId: string; folderId: string; limit: number; marker?: string },
  ): Promise<BoxResult<FolderPage>>;
  /** GET /2.0/folders/:id as that person (As-User), for the name alone: a page without items does not have it. */
  readFolderName(
    context: CallContext,
    query: { boxUserId: string; folderId: string },
  ): Promise<BoxResult<string>>;
  /**
   * GET /2.0/files/:id/content as that person (As-User): the address at which Box gives the content for a short while, to who
   * knows it and without a token. A secret, and not in the log.
   */
  locateContent(
    context: CallContext,
    query: { boxUserId: string; fileId: string },
  ): Promise<BoxResult<string>>;
}

/** What is known of a call before it is made. `parameters` must not contain secrets. */
export interface CallIntent {
  readonly direction: 'in' | 'out';
  readonly system: 'box' | 'okta' | 'foyer';
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly actor: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * How a call ended. `refused`: a definite rejection (4xx); `failed`: certainly nothing was done (no connection, 429,
 * credentials); `ambiguous`: the remote service may have carried it out. `answer` is a short, redacted extract.
 */
export interface CallOutcome {
  readonly result: 'ok' | 'refused' | 'failed' | 'ambiguous';
  readonly status: number | null;
  readonly error: string | null;
  readonly answer: Readonly<Record<string, unknown>> | null;
  readonly durationMs: number;
}

/** The request and identity that a change of desired state affected. `answer` replaces that of the outcome. */
export interface ChangeAbout {
  readonly requestId: string | null;
  readonly identityId: string | null;
  readonly answer?: CallOutcome['answer'];
}

/**
 * A call that changes desired state. It is recorded in the transaction of the change, so neither exists without the
 * other. Its functions are called when the record is written, and again when the transaction is repeated.
 */
export interface RecordedChange {
  intent(): CallIntent;
  /** How the call ends when the change succeeds. */
  outcome(): CallOutcome;
  /** Called after the change and its record are committed. */
  committed(): void;
}

/** The append-only record of calls. */
export interface CallLog {
  /**
   * Call before the call to Box. Returns the call's id. Throws LeaseLost when the context's lease is no longer held.
   */
  intend(context: CallContext, intent: CallIntent): Promise<string>;
  /**
   * Call after the call to Box, once per call. Not fenced, because the outcome must be recorded even without the lease.
   */
  conclude(callId: string, outcome: CallOutcome): Promise<void>;
  /** Writes intent and outcome together, for incoming calls. */
  record(context: CallContext, intent: CallIntent, outcome: CallOutcome): Promise<void>;
}
