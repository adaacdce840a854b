import { performance } from 'node:perf_hooks';

/** A time that is up when the clock gets there. */
interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Begins at a fixed day, so that a schedule's times come out the same. */
export const EPOCH = Date.UTC(2026, 0, 1);

/**
 * The time of one schedule, in milliseconds since its beginning. It stands still but when the schedule moves it: the
 * database's clock, the workers' monotonic clocks and the timers of the rate budget all follow this one.
 */
export class VirtualClock {
  now = 0;
  readonly #push: (now: number) => Promise<void>;

  /** `push` tells the database. */
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

/** The timers of one process, as the rate budget's clerk wants them. */
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

  /** When the first is up; null without any. */
  get next(): number | null {
    return this.#timers.length === 0 ? null : Math.min(...this.#timers.map(({ at }) => at));
  }

  /** Runs the first that is up. */
  fire(): void {
    const due = this.#timers.filter(({ at }) => at <= this.#clock.now).toSorted((a, b) => a.at - b.at)[0];
    if (!due) return;
    this.#timers = this.#timers.filter((other) => other !== due);
    due.run();
  }
}

/**
 * Lets this process's own clocks follow a schedule's until the function given back is called: the monotonic one as it is,
 * the wall clock off by as much as that of the worker which runs. Nothing in the product may depend on either beyond
 * durations.
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
