import type { ErrorCode, RequestOutcome } from '@foyer/shared';
import type { GroupLease, Lease } from './box-port.ts';
import type { BoxAccount, Desired, LastCreate, LastWord } from './model.ts';

/** A request taken up, with all that planning needs. */
export interface Taken {
  readonly lease: Lease;
  readonly desired: Desired;
  readonly account: BoxAccount | null;
  readonly lastCreate: LastCreate | null;
  /** As in `Known`. */
  readonly begunAs?: string;
  /** As in `Known`. */
  readonly lastWord?: LastWord;
  /** How often this request has been taken up, this time included. */
  readonly attempts: number;
  /** How many attempts since the last progress ended in an error that counts towards the retry policy's last one. */
  readonly failures: number;
  /** What an earlier attempt of this request did in Box before it was cut off; null when nothing. */
  readonly effect: RequestOutcome | null;
  /** As in `Known`. */
  readonly mayRecreate?: boolean;
  /** The turn before this one never ended: its worker died, or lost its lease. Absent: no. */
  readonly isTakenOver?: boolean;
}

/** What is known of a request that could be taken up, but not read. */
export type Unread<L extends Lease | GroupLease = Lease> = Pick<
  Taken,
  'attempts' | 'failures' | 'isTakenOver'
> & { readonly lease: L };

/**
 * Why a request could not be taken up. `busy`: another worker holds the identity; look again in `retryInMs`. `held`: the
 * tenant's accounts belong to another Box app than this worker's; nothing was touched. `unreadable`: it was taken up, but
 * what is stored of it cannot be read; end the turn.
 */
export type TakeResult<T extends Unread<Lease | GroupLease> = Taken> =
  | { readonly kind: 'taken'; readonly taken: T }
  | { readonly kind: 'unreadable'; readonly unread: Unread<T['lease']>; readonly error: unknown }
  | { readonly kind: 'busy'; readonly retryInMs: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'over' };

/**
 * The worker's side of the database, whatever the request is about. Every write but `take` and `noteWait` is fenced by the lease, throws LeaseLost when it has passed
 * on, and extends it. All times are the database's.
 */
export interface TurnStore<T extends Unread<Lease | GroupLease>> {
  /**
   * Leases what the request is about, marks the request running and reads what planning needs, in one transaction. Taking
   * over from a worker that never ended its turn counts as one of the request's failures.
   */
  take(requestId: string): Promise<TakeResult<T>>;
  /**
   * Tells in the timeline of an open request that it waits for Box's speed limit, about `waitMs` from now; at most once a
   * minute in a row. Needs no lease: nothing but what people read is changed.
   */
  noteWait(requestId: string, waitMs: number): Promise<void>;
  /** Ends the request well and gives the lease back. */
  succeed(lease: T['lease'], outcome: RequestOutcome): Promise<void>;
  /** Ends the request badly and gives the lease back. */
  fail(lease: T['lease'], error: RequestError): Promise<void>;
  /** Schedules another attempt and gives the lease back. `failures`: how many count towards the last one, with this one. */
  retry(lease: T['lease'], error: RequestError, delayMs: number, failures: number): Promise<void>;
  /** Hands the request back, for another worker to take at once. `failures`: how many count towards the last one. */
  handBack(lease: T['lease'], failures: number): Promise<void>;
}

/** The store for people. */
export interface ConvergenceStore extends TurnStore<Taken> {
  /**
   * Saves the mapping, and what this request did, in one transaction. A null effect adds nothing to the timeline. With an
   * `outcome` it also does what `succeed` does, all or nothing: that is the usual end, and one round trip less.
   */
  saveAccount(
    lease: Lease,
    account: BoxAccount,
    effect: RequestOutcome | null,
    outcome?: RequestOutcome,
  ): Promise<SaveResult>;
  /** Puts on record that Box says the mapped user is gone. */
  markMissing(lease: Lease, boxUserId: string): Promise<void>;
  /** Box shows the missing user again: saves what it shows, to be brought in step anew. */
  restoreAccount(lease: Lease, account: BoxAccount): Promise<void>;
  /** Moves the mapping to the former ones, as that of a deleted user. Creates before it are settled by that. */
  forgetAccount(lease: Lease, boxUserId: string): Promise<void>;
}

/** `belongs-to-another`: the Box user already belongs to another identity of this tenant; the database refused. */
export type SaveResult = 'saved' | 'belongs-to-another';

export interface RequestError {
  readonly code: ErrorCode;
  readonly detail: string | null;
}
