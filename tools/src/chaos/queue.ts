import { jobCatalog, lanes, laneOf, type Lane } from '@foyer/shared';
import type { Job, JobEnd, LaneDepth } from '@foyer/provisioning';
import type { Dice } from '../dice.ts';

interface Held {
  readonly job: Job;
  /** Requests are numbered by arrival, so that a schedule's choices do not depend on random ids. */
  readonly order: number;
  availableAt: number;
  failures: number;
  active: boolean;
}

/** A job that a worker has taken. */
export interface Given {
  readonly job: Job;
  readonly end: (how: JobEnd | 'threw') => void;
  /** The worker died: the job comes back later, or is lost. */
  readonly abandon: () => void;
}

/**
 * The most unreliable queue that is still one: it gives each job to any worker that asks, in any order, more than once,
 * late, or never, and loses everything when it is flushed. It promises what BullMQ promises without its server:
 * nothing.
 */
export class WorstQueue {
  readonly #now: () => number;
  readonly #dice: Dice;
  readonly #orders = new Map<string, number>();
  #held: Held[] = [];

  constructor(now: () => number, dice: Dice) {
    this.#now = now;
    this.#dice = dice;
  }

  /** `copies` of each job; a job whose request is in the queue already is dropped, unless `evenTwice`. */
  add(jobs: readonly Job[], how: { copies?: number; evenTwice?: boolean; delayMs?: number } = {}): void {
    const { copies = 1, evenTwice = copies > 1, delayMs = 0 } = how;
    for (const job of jobs) {
      const key = jobCatalog[job.name].dedupe(job.payload);
      if (!evenTwice && this.#held.some(({ job: other }) => keyOf(other) === key)) continue;
      const order = this.#orders.get(key) ?? this.#orders.size;
      this.#orders.set(key, order);
      for (let copy = 0; copy < copies; copy++) {
        this.#held.push({ job, order, availableAt: this.#now() + delayMs, failures: 0, active: false });
      }
    }
    this.#held.sort((one, other) => one.order - other.order);
  }

  depth(): Record<Lane, LaneDepth> {
    const of = (lane: Lane): LaneDepth => {
      const here = this.#held.filter(({ job }) => laneOf(job.priority) === lane);
      const active = here.filter((held) => held.active).length;
      const waiting = this.#waiting(here).length;
      return { waiting, active, delayed: here.length - active - waiting };
    };
    const [interactive, background] = lanes;
    return { [interactive]: of(interactive), [background]: of(background) };
  }

  get hasWork(): boolean {
    return this.#waiting().length > 0;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** The time of the next waiting job; null when none waits. */
  get nextAt(): number | null {
    const times = this.#held.filter(({ active }) => !active).map(({ availableAt }) => availableAt);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Returns a random waiting job; null when none waits. */
  take(): Given | null {
    const waiting = this.#waiting();
    if (waiting.length === 0) return null;
    const held = this.#dice.pick(waiting);
    held.active = true;
    return { job: held.job, end: (how) => this.#end(held, how), abandon: () => this.#abandon(held) };
  }

  flush(): void {
    this.#held = [];
  }

  /** Adds a random job a second time. */
  duplicate(): void {
    if (this.#held.length > 0) this.add([this.#dice.pick(this.#held).job], { evenTwice: true });
  }

  lose(): void {
    if (this.#held.length > 0) this.#remove(this.#dice.pick(this.#held));
  }

  #waiting(of: readonly Held[] = this.#held): Held[] {
    return of.filter(({ active, availableAt }) => !active && availableAt <= this.#now());
  }

  #end(held: Held, how: JobEnd | 'threw'): void {
    if (how === 'threw') {
      const { attempts, backoffMs } = jobCatalog[held.job.name];
      held.failures += 1;
      if (held.failures >= attempts) this.#remove(held);
      else this.#again(held, backoffMs);
    } else if (how.kind === 'over') this.#remove(held);
    else this.#again(held, how.delayMs);
  }

  #abandon(held: Held): void {
    if (this.#dice.oneIn(3)) this.#remove(held);
    else Object.assign(held, { active: false, availableAt: this.#now() + this.#dice.between(0, 30_000) });
  }

  #again(held: Held, delayMs: number): void {
    // A queue may be slow, but never early.
    const late = this.#dice.oneIn(4) ? this.#dice.between(0, 20_000) : 0;
    Object.assign(held, { active: false, availableAt: this.#now() + delayMs + late });
  }

  #remove(held: Held): void {
    this.#held = this.#held.filter((other) => other !== held);
  }
}

const keyOf = (job: Job): string => jobCatalog[job.name].dedupe(job.payload);
