import type { BudgetNews, Permits, Acquisition, Urgency, WaitOptions } from './budget-port.ts';

/** The right to one call, taken from the shared bucket. */
export interface Permit {
  readonly urgency: Urgency;
  stale(): boolean;
}

/** One caller's place among the waiters. */
export interface Place extends WaitOptions {
  readonly urgency: Urgency;
  /** The caller is an attempt that has begun and holds a lease. */
  readonly begun: boolean;
  readonly limitMs: number;
  /** Waits until the limit even when the wait is known to be longer; otherwise stops waiting at once. */
  readonly holds: boolean;
}

interface Counter {
  readonly pausedMs: number;
  take(place: Place): Promise<Permit | { readonly waitMs: number }>;
  giveBack(permit: Permit): void;
  reportThrottled(retryAfterMs: number | undefined): Promise<void>;
}

/** How long an attempt that has not begun waits, because it occupies a worker meanwhile. */
const FILL_LIMIT_MS = 2_000;
/** How long an attempt under way waits, because it holds a lease. */
const SPEND_LIMIT_MS = 2_000;

const good: Acquisition = { ok: true };

export class AttemptPermits implements Permits {
  readonly #counter: Counter;
  readonly #limitMs: number;
  #urgency: Urgency;
  #begun = false;
  #permit: Permit | null = null;

  constructor(counter: Counter, urgency: Urgency, limitMs: number = SPEND_LIMIT_MS) {
    this.#counter = counter;
    this.#urgency = urgency;
    this.#limitMs = limitMs;
  }

  async fill({ stopping, onWait }: WaitOptions = {}): Promise<Acquisition> {
    if (this.#permit) return good;
    const taken = await this.#take({ limitMs: FILL_LIMIT_MS, holds: true, stopping, onWait });
    if ('waitMs' in taken) return { ok: false, waitMs: taken.waitMs };
    this.#permit = taken;
    return good;
  }

  begin(): void {
    this.#begun = true;
    // Not raised to `sign-in`, because permits reserved for sign-ins stay theirs.
    if (this.#urgency === 'bulk') this.#urgency = 'soon';
  }

  async acquire(): Promise<Acquisition> {
    const permit = this.#permit;
    this.#permit = null;
    if (permit && !permit.stale() && this.#counter.pausedMs === 0) return good;
    if (permit) this.#counter.giveBack(permit);
    const taken = await this.#take({ limitMs: this.#limitMs, holds: false });
    return 'waitMs' in taken ? { ok: false, waitMs: taken.waitMs } : good;
  }

  reportThrottled(retryAfterMs: number | undefined): Promise<void> {
    return this.#counter.reportThrottled(retryAfterMs);
  }

  close(): void {
    if (this.#permit) this.#counter.giveBack(this.#permit);
    this.#permit = null;
  }

  #take(how: Omit<Place, 'urgency' | 'begun'>): Promise<Permit | { readonly waitMs: number }> {
    return this.#counter.take({ ...how, urgency: this.#urgency, begun: this.#begun });
  }
}

export class UnlimitedPermits implements Permits {
  readonly #tell: (news: BudgetNews) => void;

  constructor(tell: (news: BudgetNews) => void) {
    this.#tell = tell;
  }

  async fill(): Promise<Acquisition> {
    return good;
  }

  async acquire(): Promise<Acquisition> {
    return good;
  }

  async reportThrottled(retryAfterMs: number | undefined): Promise<void> {
    this.#tell({ kind: 'refused', pausedMs: retryAfterMs ?? 0 });
  }

  begin(): void {}

  close(): void {}
}
