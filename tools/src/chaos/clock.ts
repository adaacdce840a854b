import { performance } from 'node:perf_hooks';

/** A timer that fires when the clock reaches its time. */
interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Starts at a fixed day, so that a schedule has the same times in each run. */
export const EPOCH = Date.UTC(2026, 0, 1);

/**
 * The time of one schedule, in milliseconds since its beginning. Only the schedule moves it: the database's clock, the
 * workers' monotonic clocks and the timers of the rate budget all follow this one.
 */
export class VirtualClock {
  now = 0;
  readonly #push: (now: number) => Promise<void>;

  /** `push` sends the time to the database. */
  constructor(push: (now: number) => Promise<void>) {
    this.#push = push;
  }

  async advanceTo(now: number): Promise<void> {
    if (now <= this.now) return;
    this.now = now;
    await this.#push(now);
  }

  advanceBy(ms: number): Promise<void> {
    return this.advanceTo(this.now + ms);
  }
}

/** The timers of one process, in the form that the rate limiter takes. */
export class Timers {
  readonly #clock: VirtualClock;
  #timers: Timer[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#clock.now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** When the first timer fires; null without any. */
  get next(): number | null {
    return this.#timers.length === 0 ? null : Math.min(...this.#timers.map(({ at }) => at));
  }

  /** Runs the first timer whose time has come. */
  fire(): void {
    const due = this.#timers.filter(({ at }) => at <= this.#clock.now).toSorted((a, b) => a.at - b.at)[0];
    if (!due) return;
    this.#timers = this.#timers.filter((other) => other !== due);
    due.run();
  }
}

/**
 * Makes this process's own clocks follow a schedule's until the returned function is called: the monotonic clock
 * exactly, the wall clock with the running worker's offset. The product may use either for durations only.
 */
export function overrideClocks(clock: { now: () => number; skewMs: () => number }): () => void {
  const wallClock = Date.now;
  const monotonic = Object.getOwnPropertyDescriptor(performance, 'now');
  Date.now = () => EPOCH + clock.now() + clock.skewMs();
  Object.defineProperty(performance, 'now', { configurable: true, writable: true, value: clock.now });
  return () => {
    Date.now = wallClock;
    if (monotonic) Object.defineProperty(performance, 'now', monotonic);
    else Reflect.deleteProperty(performance, 'now');
  };
}
