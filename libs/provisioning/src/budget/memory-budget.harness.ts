import {
  LONGEST_PAUSE_MS,
  urgencies,
  type BucketLimits,
  type BudgetAnswer,
  type BudgetStore,
  type PerUrgency,
} from './budget-port.ts';
import type { Clock } from './rate-limiter.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_UNTOLD_MS = 60_000;
const FORGOTTEN_AFTER_MS = 60_000;

/** A clock that a test advances; due callbacks run in order, and their promises are settled before time advances. */
export class VirtualClock implements Clock {
  #now = 0;
  #due: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.#now + Math.max(0, ms), run };
    const later = this.#due.findLastIndex(({ at }) => at <= entry.at) + 1;
    this.#due.splice(later, 0, entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  }

  async runUntil(end: number): Promise<void> {
    await settled();
    for (let next = this.#due[0]; next && next.at <= end; next = this.#due[0]) {
      this.#due.shift();
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settled();
    }
    this.#now = end;
  }
}

/** Resolves after the callbacks of all resolved promises have run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The bucket in memory: several limiters may share it. An answer takes `latencyMs` each way. */
export class MemoryBudgetStore implements BudgetStore {
  readonly #limits: BucketLimits;
  readonly #clock: Clock;
  readonly #latencyMs: () => number;
  #level = 0;
  #refilledAt: number;
  #pausedUntil = -Infinity;
  #refusals = 0;
  asks = 0;
  /** While set, every ask rejects with it. */
  broken: Error | null = null;

  constructor(limits: BucketLimits, clock: Clock, latencyMs: () => number = () => 0) {
    this.#limits = limits;
    this.#clock = clock;
    this.#latencyMs = latencyMs;
    this.#refilledAt = clock.now();
  }

  async ask(wanted: PerUrgency<number>): Promise<BudgetAnswer> {
    await this.#travel();
    this.asks += 1;
    if (this.broken) throw this.broken;
    this.#refill();
    const granted = { 'sign-in': 0, soon: 0, bulk: 0 };
    for (const urgency of urgencies) {
      const free = this.#pausedMs > 0 ? 0 : Math.floor(this.#level - this.#limits.floors[urgency]);
      granted[urgency] = Math.max(0, Math.min(wanted[urgency], free));
      this.#level -= granted[urgency];
    }
    const answer = { granted, level: this.#level, pausedMs: this.#pausedMs };
    await this.#travel();
    return answer;
  }

  async refuse(retryAfterMs: number | undefined): Promise<number> {
    await this.#travel();
    if (this.broken) throw this.broken;
    const now = this.#clock.now();
    if (retryAfterMs !== undefined) {
      this.#pausedUntil = Math.max(this.#pausedUntil, now + Math.min(LONGEST_PAUSE_MS, retryAfterMs));
    } else if (this.#pausedMs === 0) {
      this.#refusals = this.#pausedUntil > now - FORGOTTEN_AFTER_MS ? this.#refusals + 1 : 1;
      this.#pausedUntil = now + Math.min(LONGEST_UNTOLD_MS, FIRST_PAUSE_MS * 2 ** (this.#refusals - 1));
    }
    this.#level = 0;
    this.#refilledAt = now;
    return this.#pausedMs;
  }

  async look(): Promise<{ level: number; pausedMs: number }> {
    this.#refill();
    return { level: this.#level, pausedMs: this.#pausedMs };
  }

  get #pausedMs(): number {
    return Math.max(0, this.#pausedUntil - this.#clock.now());
  }

  /** As after a long time. */
  fill(): void {
    this.#level = this.#limits.capacity;
  }

  #refill(): void {
    const now = this.#clock.now();
    const flowed = Math.max(0, now - Math.max(this.#refilledAt, this.#pausedUntil)) * this.#limits.perMs;
    this.#level = Math.min(this.#limits.capacity, this.#level + flowed);
    this.#refilledAt = now;
  }

  #travel(): Promise<void> {
    const ms = this.#latencyMs();
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}
