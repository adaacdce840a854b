import { laneOf, priorityOf } from '@foyer/shared';

/** How urgent a call to Box is, most urgent first: a person waits at a screen; a machine waits; no caller waits. */
export const urgencies = ['sign-in', 'soon', 'bulk'] as const;
export type Urgency = (typeof urgencies)[number];

/** The urgency for the priority of a request or job; see `priorityOf`. */
export const urgencyOf = (priority: number): Urgency =>
  priority <= priorityOf['sign-in'] ? 'sign-in' : laneOf(priority) === 'interactive' ? 'soon' : 'bulk';

export type PerUrgency<T> = Readonly<Record<Urgency, T>>;

/**
 * A token bucket, in calls and milliseconds. A call is allowed while the level stays at or above the floor of its
 * urgency.
 */
export interface BucketLimits {
  readonly capacity: number;
  readonly perMs: number;
  readonly floors: PerUrgency<number>;
}

const WINDOW_MS = 60_000;
/**
 * The most by which calls may be delayed between permit and Box without two windows' worth of calls falling into one.
 */
const JITTER_MS = 660;
const BURST_SHARE = 0.015;
const SMALLEST_BURST = 4;
const FLOOR_SHARES: PerUrgency<number> = { 'sign-in': 0, soon: 0.2, bulk: 0.5 };

/** The lowest limit: below it, less than one call would remain for some urgency. */
export const LOWEST_LIMIT = 10;

/**
 * The limits of a bucket that allows at most `perMinute` calls in any 60 s, wherever they begin. In any period a bucket
 * allows its capacity plus the refill, so the refill rate is what capacity and jitter leave of the limit. Box documents
 * neither the start nor the edges of its window. Throws RangeError below `LOWEST_LIMIT`.
 */
export function limitsOf(perMinute: number): BucketLimits {
  if (!(perMinute >= LOWEST_LIMIT)) throw new RangeError(`${perMinute} calls a minute: from ${LOWEST_LIMIT}`);
  const capacity = Math.max(SMALLEST_BURST, Math.round(perMinute * BURST_SHARE));
  const floor = (urgency: Urgency): number => capacity * FLOOR_SHARES[urgency];
  return {
    capacity,
    perMs: (perMinute - capacity) / (WINDOW_MS + JITTER_MS),
    floors: { 'sign-in': floor('sign-in'), soon: floor('soon'), bulk: floor('bulk') },
  };
}

/** Milliseconds until the bucket has a permit for that urgency, if no other caller takes one. */
export function untilNext(
  limits: BucketLimits,
  { level, pausedMs }: Pick<BudgetAnswer, 'level' | 'pausedMs'>,
  urgency: Urgency,
): number {
  const missing = Math.max(0, limits.floors[urgency] + 1 - level);
  return Math.ceil(pausedMs + missing / limits.perMs);
}

/**
 * The longest pause for all processes. When Box asks for a longer one, only the request that met it waits so long, then
 * asks again.
 */
export const LONGEST_PAUSE_MS = 900_000;

/** The answer to `ask`. `level`: what is left in the bucket; `pausedMs`: how long all calls are paused, or 0. */
export interface BudgetAnswer {
  readonly granted: PerUrgency<number>;
  readonly level: number;
  readonly pausedMs: number;
}

/** The bucket of one Box service account, shared by every process that uses it. Only the store's clock is used. */
export interface BudgetStore {
  /** Grants as many of the wanted permits as the bucket has, the most urgent first. */
  ask(wanted: PerUrgency<number>): Promise<BudgetAnswer>;
  /**
   * Box answered 429. Pauses all calls for `retryAfterMs`, at most `LONGEST_PAUSE_MS`. Without it the pause is 1 s and
   * doubles up to 60 s with each further 429; it starts at 1 s again a minute after the last one. Returns how long all
   * calls are paused now, in milliseconds.
   */
  refuse(retryAfterMs: number | undefined): Promise<number>;
  /** Reads the bucket for the metrics. */
  look(): Promise<{ readonly level: number; readonly pausedMs: number }>;
}

/** `waitMs`: roughly how long until a permit is available; 0 when the process is stopping. */
export type Acquisition = { readonly ok: true } | { readonly ok: false; readonly waitMs: number };

/** The right to call Box. A permit is spent before each call; without one the call is not made. */
export interface Allowance {
  /** Throws what the store throws: no calls are made while the rate limiter cannot be reached. */
  acquire(): Promise<Acquisition>;
  /** Box answered 429: pauses all calls. Never throws. */
  reportThrottled(retryAfterMs: number | undefined): Promise<void>;
}

export interface WaitOptions {
  readonly stopping?: AbortSignal;
  /** Called once, when the wait is known to take a second or longer; `waitMs` as in `Acquisition`. */
  readonly onWait?: (waitMs: number) => void;
}

/** The permits of one attempt. The first can be acquired before the attempt begins. */
export interface Permits extends Allowance {
  /** Waits up to two seconds for one permit. A second `fill` does nothing while that permit is unused. */
  fill(options?: WaitOptions): Promise<Acquisition>;
  /** The attempt now holds a lease, so its further permits come before those of attempts that have not begun. */
  begin(): void;
  /** Returns an unused permit for another caller. */
  close(): void;
}

export interface Budget {
  /** `limitMs`: the longest that `acquire` waits; when the wait is known to be longer, `acquire` refuses at once. */
  permits(urgency: Urgency, limitMs?: number): Permits;
}

/** Events for the log and the metrics. `seconds`: how long a permit took. */
export type BudgetNews =
  | { readonly kind: 'waited'; readonly urgency: Urgency; readonly seconds: number }
  | { readonly kind: 'refused'; readonly pausedMs: number }
  | { readonly kind: 'pause-not-shared'; readonly error: unknown };
