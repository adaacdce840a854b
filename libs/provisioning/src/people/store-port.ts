import type { ErrorCode, RequestOutcome } from '@foyer/shared';
import type { GroupLease, Lease } from './box-port.ts';
import type { BoxAccount, Desired, LastCreate, LastWord } from './model.ts';

/** A request that was taken, with everything that planning needs. */
export interface Taken {
  readonly lease: Lease;
  readonly desired: Desired;
  readonly account: BoxAccount | null;
  readonly lastCreate: LastCreate | null;
  /** As in `Known`. */
  readonly begunAs?: string;
  /** As in `Known`. */
  readonly lastWord?: LastWord;
  /** How often this request was taken, this time included. */
  readonly attempts: number;
  /** How many attempts since the last progress ended in an error that counts towards the retry policy's limit. */
  readonly failures: number;
  /** What an earlier, interrupted attempt of this request did in Box, or null. */
  readonly effect: RequestOutcome | null;
  /** As in `Known`. */
  readonly mayRecreate?: boolean;
  /** The previous attempt never ended: its worker crashed, or lost its lease. Absent: no. */
  readonly isTakenOver?: boolean;
}

/** What is known of a request that was taken, but could not be read. */
export type Unread<L extends Lease | GroupLease = Lease> = Pick<
  Taken,
  'attempts' | 'failures' | 'isTakenOver'
> & { readonly lease: L };

/**
 * Why a request could not be taken. `busy`: another worker holds the identity; try again in `retryInMs`. `held`: the
 * tenant's accounts belong to another Box app than this worker's; nothing was changed. `unreadable`: it was taken, but
 * its stored data cannot be read; end the attempt. `over`: it is final or does not exist.
 */
export type TakeResult<T extends Unread<Lease | GroupLease> = Taken> =
  | { readonly kind: 'taken'; readonly taken: T }
  | { readonly kind: 'unreadable'; readonly unread: Unread<T['lease']>; readonly error: unknown }
  | { readonly kind: 'busy'; readonly retryInMs: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'over' };

/**
 * A worker's database operations, for people and groups. Every write except `take` and `noteWait` is fenced by the
 * lease, throws LeaseLost when the lease has passed to another worker, and renews it. All times are the database's.
 */
export interface AttemptStore<T extends Unread<Lease | GroupLease>> {
  /**
   * Acquires the lease, marks the request running and reads what planning needs, in one transaction. Taking over from a
   * worker that never ended its attempt counts as one of the request's failures.
   */
  take(requestId: string): Promise<TakeResult<T>>;
  /**
   * Adds to the timeline of an open request that it waits for Box's rate limit, about `waitMs` from now; consecutive
   * entries at most once a minute. Needs no lease, because only the timeline changes.
   */
  noteWait(requestId: string, waitMs: number): Promise<void>;
  /** Ends the request as succeeded and releases the lease. */
  succeed(lease: T['lease'], outcome: RequestOutcome): Promise<void>;
  /** Ends the request as failed and releases the lease. */
  fail(lease: T['lease'], error: RequestError): Promise<void>;
  /**
   * Schedules another attempt and releases the lease. `failures`: how many count towards the limit, this one included.
   */
  retry(lease: T['lease'], error: RequestError, delayMs: number, failures: number): Promise<void>;
  /** Returns the request, so that another worker can take it at once. `failures`: how many count towards the limit. */
  handBack(lease: T['lease'], failures: number): Promise<void>;
}

/** The store for people. */
export interface ConvergenceStore extends AttemptStore<Taken> {
  /**
   * Saves the mapping and what this request did, in one transaction. A null effect adds nothing to the timeline. With
   * an `outcome` the same transaction also does what `succeed` does, which is the usual end and saves one round trip. `why` says
   * in the timeline why Box kept the user.
   */
  saveAccount(
    lease: Lease,
    account: BoxAccount,
    effect: RequestOutcome | null,
    outcome?: RequestOutcome,
    why?: string,
  ): Promise<SaveResult>;
  /** Records that the mapped user does not exist in Box. */
  markMissing(lease: Lease, boxUserId: string): Promise<void>;
  /** Box shows the missing user again: saves what it shows, so that the differences are applied. */
  restoreAccount(lease: Lease, account: BoxAccount): Promise<void>;
  /** Moves the mapping of a deleted user to the former accounts. That settles all earlier creates. */
  forgetAccount(lease: Lease, boxUserId: string): Promise<void>;
}

/** `belongs-to-another`: the Box user is already mapped to another identity of this tenant, so the database refused. */
export type SaveResult = 'saved' | 'belongs-to-another';

export interface RequestError {
  readonly code: ErrorCode;
  readonly detail: string | null;
}
