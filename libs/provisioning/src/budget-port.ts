/** How soon a call to Box is wanted, most urgent first: somebody waits at a screen; a machine waits; nobody waits. */
export const urgencies = ['sign-in', 'soon', 'bulk'] as const;
export type Urgency = (typeof urgencies)[number];

const FIRST_BULK_PRIORITY = 10;

/** The urgency of a request or job, by its priority; see `priorityOf`. */
export const urgencyOf = (priority: number): Urgency =>
  priority <= 1 ? 'sign-in' : priority < FIRST_BULK_PRIORITY ? 'soon' : 'bulk';

export type PerUrgency<T> = Readonly<Record<Urgency, T>>;

/** A token bucket, in calls and milliseconds. A call of a class is allowed while the level stays at or above its floor. */
export interface BucketLimits {
  readonly capacity: number;
  readonly perMs: number;
  readonly floors: PerUrgency<number>;
}

const WINDOW_MS = 60_000;
/** How much later than another a call may reach Box after its permit, without two windows' worth meeting in one. */
const JITTER_MS = 660;
const BURST_SHARE = 0.015;
const SMALLEST_BURST = 4;
const FLOOR_SHARES: PerUrgency<number> = { 'sign-in': 0, soon: 0.2, bulk: 0.5 };

/** The least that a limit may be: below, less than a call would be left to each class. */
export const LOWEST_LIMIT = 10;

/**
 * The bucket under which no 60 s, wherever they begin, hold more than `perMinute` calls: in any stretch a bucket lets
 * through its capacity and what flowed in meanwhile, so the flow is what the capacity and the jitter leave of the limit.
 * Box documents neither its window nor its edges. Throws RangeError below `LOWEST_LIMIT`.
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

/** Milliseconds from now until the bucket has a permit for that class, if nobody else takes one. */
export function untilNext(
  limits: BucketLimits,
  { level, pausedMs }: Pick<BudgetAnswer, 'level' | 'pausedMs'>,
  urgency: Urgency,
): number {
  const missing = Math.max(0, limits.floors[urgency] + 1 - level);
  return Math.ceil(pausedMs + missing / limits.perMs);
}

/** The longest pause that everybody keeps: a longer word is kept by the request that met it, and asked for again. */
export const LONGEST_PAUSE_MS = 900_000;

/** What an ask gave. `level` is what is left; `pausedMs` how long nobody may call, 0 when not paused. */
export interface BudgetAnswer {
  readonly granted: PerUrgency<number>;
  readonly level: number;
  readonly pausedMs: number;
}

/** The bucket of one Box service account, shared by every process that uses it. Its clock is the only one. */
export interface BudgetStore {
  /** Grants as many permits as are wanted and there, the most urgent first; all or part. */
  ask(wanted: PerUrgency<number>): Promise<BudgetAnswer>;
  /**
   * Box refused a call. Everybody stops for `retryAfterMs`, at most `LONGEST_PAUSE_MS`; untold for 1 s, doubling up to 60 s while that goes on, and
   * from 1 s again a minute after the last. Gives how long everybody now stops, in milliseconds.
   */
  refuse(retryAfterMs: number | undefined): Promise<number>;
  /** For the metrics. */
  look(): Promise<{ readonly level: number; readonly pausedMs: number }>;
}

/** `waitMs`: about how long until a permit could be had; 0 when it is only that the process stops. */
export type Spending = { readonly ok: true } | { readonly ok: false; readonly waitMs: number };

/** The right to call Box. Spent before each call: whoever is refused does not call. */
export interface Allowance {
  /** Throws what the store throws: while the budget cannot be asked nobody calls. */
  spend(): Promise<Spending>;
  /** Box answered 429: everybody stops. Never throws. */
  refused(retryAfterMs: number | undefined): Promise<void>;
}

export interface WaitOptions {
  readonly stopping?: AbortSignal;
  /** Hears once, as soon as it is known that this takes a second or longer; `waitMs` as in `Spending`. */
  readonly onWait?: (waitMs: number) => void;
}

/** An allowance for one turn, which can be filled before anything is begun. */
export interface Purse extends Allowance {
  /** Waits for one permit, up to two seconds. A second `fill` changes nothing while the first permit is there. */
  fill(options?: WaitOptions): Promise<Spending>;
  /** From now on the turn holds a lease: what it spends further goes before what has not begun. */
  begin(): void;
  /** Gives an unused permit back for somebody else. */
  close(): void;
}

export interface Budget {
  /** `limitMs`: the longest that `spend` waits; when the wait is known to be longer it refuses at once. */
  purse(urgency: Urgency, limitMs?: number): Purse;
}

/** For the log and the metrics. `seconds`: how long a permit took. */
export type BudgetNews =
  | { readonly kind: 'waited'; readonly urgency: Urgency; readonly seconds: number }
  | { readonly kind: 'refused'; readonly pausedMs: number }
  | { readonly kind: 'pause-not-shared'; readonly error: unknown };
