import type { ErrorCode } from '@foyer/shared';
import type { Allowance } from './budget-port.ts';
import type { BoxChange, BoxProfile, BoxUser } from './model.ts';

/** On whose account a call is made: written into the call log before the call. */
export interface CallContext {
  readonly requestId: string | null;
  readonly identityId: string | null;
  /** The worker's fence. The log refuses the intent, and so the call, when the lease is lost. */
  readonly lease: Lease | GroupLease | null;
  /** What the call is paid from; absent: from Box's own. Not for the log. */
  readonly allowance?: Allowance;
}

/** The right to change one identity. `token` grows with every lease; a write with an old one is refused. */
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

/** What went wrong at Box, in terms of the closed list. `ambiguous`: Box may have done it all the same. */
export interface BoxFault {
  readonly code: ErrorCode;
  /** For people: no secrets, no markup. */
  readonly detail: string;
  readonly ambiguous: boolean;
  /** How long Box asks us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
}

export type BoxResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: BoxFault };

/** A create ends with the user, or with "it exists" and the id that Box named (null when it named none). */
export type CreateResult =
  | { readonly kind: 'created'; readonly user: BoxUser }
  | { readonly kind: 'exists'; readonly conflictId: string | null };

/** Somebody to be made in Box: active, unless they are to begin switched off. */
export interface NewBoxUser {
  readonly externalId: string;
  readonly name: string;
  readonly status?: 'inactive';
  readonly profile?: BoxProfile;
}

/**
 * What Box says of our credentials or our clock: nobody's request, and everybody's trouble. `seconds`: for how long so far.
 * `offsetMs`: how far Box's clock is ahead of ours.
 */
export type BoxNotice =
  | { readonly kind: 'credentials-refused'; readonly detail: string; readonly seconds: number }
  | { readonly kind: 'credentials-accepted'; readonly seconds: number }
  | { readonly kind: 'clock-off'; readonly offsetMs: number };

/** A page of somebody's folder. `nextMarker` is null at the end. */
export interface FolderPage {
  readonly items: readonly {
    readonly type: 'file' | 'folder' | 'web_link';
    readonly id: string;
    readonly name: string;
  }[];
  readonly nextMarker: string | null;
}

/** A page of this Box app's users, in Box's order. `nextMarker` is null at the end. */
export interface UserPage {
  readonly users: readonly BoxUser[];
  readonly nextMarker: string | null;
}

/**
 * Box, as far as Foyer uses it. Each method is one call to Box: never repeated by itself, bounded in time, logged before
 * and after. Each HTTP request is paid for before its intent: what is refused leaves no trace and is `box_rate_limited`,
 * with the time to wait; a 429 stops everybody who shares the allowance. Credentials that Box refuses are `box_auth_failed`
 * with a time to wait: until then nothing is asked. Faults are values; only LeaseLost and faults of
 * our own (the log cannot be written, the budget cannot be asked) are thrown.
 */
export interface BoxPort {
  /** POST /2.0/users as an app user (is_platform_access_only). */
  createUser(context: CallContext, user: NewBoxUser): Promise<BoxResult<CreateResult>>;
  /** GET /2.0/users?external_app_user_id=: exact and app-scoped; may lag behind a create. */
  findUser(context: CallContext, externalId: string): Promise<BoxResult<BoxUser | null>>;
  /** GET /2.0/users/:id; null when there is none. */
  readUser(context: CallContext, boxUserId: string): Promise<BoxResult<BoxUser | null>>;
  /** PUT /2.0/users/:id. Safe to repeat. `box_conflict` when another user has the external id. */
  updateUser(context: CallContext, boxUserId: string, change: BoxChange): Promise<BoxResult<BoxUser>>;
  /**
   * DELETE /2.0/users/:id, never by force: who owns content stays. Safe to repeat: a user that is not there counts as
   * deleted. Group memberships end with the user.
   */
  deleteUser(context: CallContext, boxUserId: string): Promise<BoxResult<'deleted' | 'owns-content'>>;
  /**
   * GET /2.0/users by marker: the app users of this Box app, managed users left out; a page may so have fewer than
   * `limit` (1 to 1000), or none, and not be the last. May lag behind a create. A marker is not to be kept for long: one
   * that Box no longer takes is `box_invalid`.
   */
  listUsers(context: CallContext, query: { limit: number; marker?: string }): Promise<BoxResult<UserPage>>;
  /** GET /2.0/folders/:id/items as that person (As-User). `limit` 1 to 1000. */
  listFolder(
    context: CallContext,
    query: { boxUserId: string; folderId: string; limit: number; marker?: string },
  ): Promise<BoxResult<FolderPage>>;
}

/** What is known of a call before it is made. `parameters` must already be free of secrets. */
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
 * How a call ended. `refused`: a definite no (4xx); `failed`: surely nothing was done (no connection, 429, credentials);
 * `ambiguous`: the far end may have done it. `answer` is a short, redacted extract.
 */
export interface CallOutcome {
  readonly result: 'ok' | 'refused' | 'failed' | 'ambiguous';
  readonly status: number | null;
  readonly error: string | null;
  readonly answer: Readonly<Record<string, unknown>> | null;
  readonly durationMs: number;
}

/** What a change of desired state turned out to be about. `answer` takes the place of the outcome's. */
export interface ChangeAbout {
  readonly requestId: string | null;
  readonly identityId: string | null;
  readonly answer?: CallOutcome['answer'];
}

/**
 * A call that changes desired state. It goes on record in the transaction of the change: neither is there without the other.
 * Asked for when it is written, and again when that transaction is repeated.
 */
export interface RecordedChange {
  intent(): CallIntent;
  /** How the call ends when the change is made. */
  outcome(): CallOutcome;
  /** Told once the change and its record are committed. */
  committed(): void;
}

/** The append-only record of calls. */
export interface CallLog {
  /** Before the call. Gives the call's id. Throws LeaseLost when the context's lease is no longer held. */
  intend(context: CallContext, intent: CallIntent): Promise<string>;
  /** After the call; once per call. Never fenced: what happened, happened. */
  conclude(callId: string, outcome: CallOutcome): Promise<void>;
  /** Both at once, for calls that came in. */
  record(context: CallContext, intent: CallIntent, outcome: CallOutcome): Promise<void>;
}
