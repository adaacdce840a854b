import {
  LONGEST_PAUSE_MS,
  untilNext,
  urgencies,
  type BucketLimits,
  type Budget,
  type BudgetAnswer,
  type BudgetNews,
  type BudgetStore,
  type PerUrgency,
  type Permits,
  type Urgency,
} from './budget-port.ts';
import { AttemptPermits, UnlimitedPermits, type Permit, type Place } from './permits.ts';

/** A clock in milliseconds; only differences count. */
export interface Clock {
  now(): number;
  /** Calls `run` after `ms`; returns a function that cancels it. */
  after(ms: number, run: () => void): () => void;
}

const processClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface RateLimiterOptions {
  readonly store: BudgetStore;
  readonly limits: BucketLimits;
  /** Must not throw. */
  readonly tell?: (news: BudgetNews) => void;
  readonly clock?: Clock;
}

interface Waiter extends Place {
  readonly since: number;
  readonly settle: (end: Permit | { readonly waitMs: number } | { readonly error: Error }) => void;
  /** An `ask` that counted this waiter was answered without a permit for it. */
  asked: boolean;
  told: boolean;
}

/** Bulk work is not urgent, so its asks may be fewer and acquire several permits each. */
const BULK_ASK_EVERY_MS = 100;
const WORTH_TELLING_MS = 1_000;
/** The shortest estimate of an unknown wait: coming back earlier is not worthwhile. */
const LEAST_LEAVE_MS = 1_000;
/** A permit that stays unused for longer is discarded, because its call would fall into a later window. */
const FRESH_MS = 300;
const rank: PerUrgency<number> = { 'sign-in': 0, soon: 1, bulk: 2 };

/**
 * Acquires permits for all callers in this process. Waiters are ordered by urgency, then started attempts first, then
 * age. One ask at a time covers all of them, and the next one waits for the time given by the last answer. Permits are
 * not acquired in advance, because a permit held here is missing in another process.
 */
export class RateLimiter implements Budget {
  readonly #store: BudgetStore;
  readonly #limits: BucketLimits;
  readonly #tell: (news: BudgetNews) => void;
  readonly clock: Clock;
  readonly #line: Waiter[] = [];
  #asking = false;
  #pausedUntil = -Infinity;
  #timer: { readonly urgency: Urgency; readonly at: number; readonly cancel: () => void } | null = null;
  /** Milliseconds per permit that this process currently gets while callers wait; used only for estimates. */
  #paceMs: number;
  #lastGrantAt = 0;

  constructor({ store, limits, tell = () => {}, clock = processClock }: RateLimiterOptions) {
    this.#store = store;
    this.#limits = limits;
    this.#tell = tell;
    this.clock = clock;
    this.#paceMs = 1 / limits.perMs;
  }

  permits(urgency: Urgency, limitMs?: number): Permits {
    return new AttemptPermits(this, urgency, limitMs);
  }

  /** How long calls are known to be paused, in milliseconds. */
  get pausedMs(): number {
    return Math.max(0, this.#pausedUntil - this.clock.now());
  }

  /** Waits for a permit; see `Place`. Rejects with what the store throws. */
  take(place: Place): Promise<Permit | { readonly waitMs: number }> {
    if (place.stopping?.aborted) return Promise.resolve({ waitMs: 0 });
    return new Promise((resolve, reject) => {
      const leave = (): void => waiter.settle({ waitMs: this.#estimate(waiter) });
      const stop = (): void => waiter.settle({ waitMs: 0 });
      const waiter: Waiter = {
        ...place,
        since: this.clock.now(),
        asked: false,
        told: false,
        settle: (end) => {
          this.#remove(waiter);
          cancelLimit();
          place.stopping?.removeEventListener('abort', stop);
          if ('error' in end) reject(end.error);
          else resolve(end);
        },
      };
      const cancelLimit = this.clock.after(place.limitMs, leave);
      place.stopping?.addEventListener('abort', stop, { once: true });
      this.#join(waiter);
    });
  }

  /**
   * Passes an unused permit to the first waiter that is at least as urgent, or discards it. Returned to the bucket, it
   * would be added to what has been refilled since.
   */
  giveBack(permit: Permit): void {
    const fresh = this.pausedMs === 0 && !permit.stale();
    const next = this.#line.find(({ urgency }) => rank[urgency] <= rank[permit.urgency]);
    if (fresh && next) this.#grant(next, permit);
  }

  /** Box answered 429. Never throws: if the pause cannot be shared, the other processes get a 429 of their own. */
  async reportThrottled(retryAfterMs: number | undefined): Promise<void> {
    this.#pause(Math.min(retryAfterMs ?? LEAST_LEAVE_MS, LONGEST_PAUSE_MS));
    try {
      this.#pause(await this.#store.refuse(retryAfterMs));
    } catch (error) {
      this.#tell({ kind: 'pause-not-shared', error });
    }
    this.#tell({ kind: 'refused', pausedMs: this.pausedMs });
  }

  #pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.clock.now() + ms);
    if (this.#line.length > 0) this.#goOn({ level: 0, pausedMs: this.pausedMs });
  }

  #join(waiter: Waiter): void {
    const behind = this.#line.findIndex((other) => goesBefore(waiter, other));
    this.#line.splice(behind < 0 ? this.#line.length : behind, 0, waiter);
    if (this.#asking) return;
    if (this.pausedMs > 0) this.#goOn({ level: 0, pausedMs: this.pausedMs });
    else if (!this.#timer || rank[waiter.urgency] < rank[this.#timer.urgency]) void this.#ask();
  }

  #remove(waiter: Waiter): void {
    const at = this.#line.indexOf(waiter);
    if (at >= 0) this.#line.splice(at, 1);
    if (this.#line.length > 0) return;
    this.#stopTimer();
    this.#paceMs = 1 / this.#limits.perMs;
  }

  async #ask(): Promise<void> {
    this.#stopTimer();
    this.#asking = true;
    const counted = [...this.#line];
    try {
      const answer = await this.#store.ask(countOf(counted));
      this.#asking = false;
      this.#hand(answer, counted);
    } catch (error) {
      this.#asking = false;
      // Waiters that joined during the ask fail too, because an ask for them would meet the same error.
      const told =
        error instanceof Error ? error : new Error('The rate limiter cannot be reached.', { cause: error });
      for (const waiter of [...this.#line]) waiter.settle({ error: told });
    }
  }

  #hand(answer: BudgetAnswer, counted: readonly Waiter[]): void {
    if (answer.pausedMs > 0) {
      this.#pausedUntil = Math.max(this.#pausedUntil, this.clock.now() + answer.pausedMs);
    }
    for (const waiter of counted) waiter.asked = true;
    const handedAt = this.clock.now();
    const granted = urgencies.flatMap((urgency) =>
      Array.from({ length: answer.granted[urgency] }, () => urgency),
    );
    if (granted.length > 0) {
      const each = (handedAt - this.#lastGrantAt) / granted.length;
      this.#paceMs = Math.max(1 / this.#limits.perMs, 0.7 * this.#paceMs + 0.3 * Math.min(each, 60_000));
      this.#lastGrantAt = handedAt;
    }
    for (const urgency of granted) {
      this.giveBack({ urgency, stale: () => this.clock.now() - handedAt > FRESH_MS });
    }
    if (this.#line.length > 0) this.#goOn({ level: answer.level, pausedMs: this.pausedMs });
  }

  /**
   * Handles the remaining waiters: reports how long they wait, releases those whose limit is shorter, and schedules the
   * next ask.
   */
  #goOn(state: Pick<BudgetAnswer, 'level' | 'pausedMs'>): void {
    for (const waiter of [...this.#line]) {
      if (!waiter.asked && state.pausedMs === 0) continue;
      const waitMs = untilNext(this.#limits, state, waiter.urgency);
      if (!waiter.holds && waitMs > waiter.limitMs) waiter.settle({ waitMs });
      else this.#tellOf(waiter, state);
    }
    const [first] = this.#line;
    if (!first || this.#asking) return;
    if (!first.asked && state.pausedMs === 0) return void this.#ask();
    const told = untilNext(this.#limits, state, first.urgency);
    const delayMs = first.urgency === 'bulk' ? Math.max(told, BULK_ASK_EVERY_MS) : told;
    this.#stopTimer();
    const cancel = this.clock.after(delayMs, () => {
      this.#timer = null;
      void this.#ask();
    });
    this.#timer = { urgency: first.urgency, at: this.clock.now() + delayMs, cancel };
  }

  #tellOf(waiter: Waiter, state: Pick<BudgetAnswer, 'level' | 'pausedMs'>): void {
    if (waiter.told || !waiter.onWait) return;
    const waitMs = untilNext(this.#limits, state, waiter.urgency) + this.#line.indexOf(waiter) * this.#paceMs;
    if (waitMs < WORTH_TELLING_MS) return;
    waiter.told = true;
    waiter.onWait(waitMs);
  }

  #grant(waiter: Waiter, permit: Permit): void {
    this.#tell({
      kind: 'waited',
      urgency: waiter.urgency,
      seconds: (this.clock.now() - waiter.since) / 1000,
    });
    waiter.settle(permit);
  }

  #estimate(waiter: Waiter): number {
    const ahead = Math.max(0, this.#line.indexOf(waiter));
    const untilAsk = this.#timer ? this.#timer.at - this.clock.now() : 0;
    return Math.ceil(Math.max(LEAST_LEAVE_MS, untilAsk + ahead * this.#paceMs));
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

const goesBefore = (one: Waiter, other: Waiter): boolean =>
  rank[one.urgency] < rank[other.urgency] ||
  (rank[one.urgency] === rank[other.urgency] && one.begun && !other.begun);

function countOf(waiters: readonly Waiter[]): PerUrgency<number> {
  const count = { 'sign-in': 0, soon: 0, bulk: 0 };
  for (const { urgency } of waiters) count[urgency] += 1;
  return count;
}

/** For callers without a rate limit: every call is allowed at once, and a 429 is only reported. */
export const unlimitedBudget = (tell: (news: BudgetNews) => void = () => {}): Budget => ({
  permits: () => new UnlimitedPermits(tell),
});
