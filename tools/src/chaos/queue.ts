import { jobCatalog, lanes, laneOf, type Lane } from '@foyer/shared';
import type { Job, JobEnd, LaneDepth } from '@foyer/provisioning';
import type { Dice } from '../dice.ts';

interface Held {
  readonly job: Job;
  /** Requests are told apart by when they came, so that a schedule's picks do not hang on random ids. */
  readonly order: number;
  availableAt: number;
  failures: number;
  active: boolean;
}

/** A job in a worker's hands. */
export interface Given {
  readonly job: Job;
  readonly end: (how: JobEnd | 'threw') => void;
  /** The worker died: the job comes back some time, or is lost. */
  readonly abandon: () => void;
}

/**
 * The worst queue that still is one: gives each job to whichever worker asks, in any order, more than once, late, or never;
 * forgets everything when it is flushed. What it promises is what BullMQ promises without its server: nothing.
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

  /** `copies` of each job; a job whose request is here already is dropped, unless `evenTwice`. */
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

  /** When the first job that waits is to be given; null when none waits. */
  get nextAt(): number | null {
    const times = this.#held.filter(({ active }) => !active).map(({ availableAt }) => availableAt);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Gives any job that waits; null when none does. */
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

  /** Any one of them once more. */
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
    // A queue may be slow, never early.
    const late = this.#dice.oneIn(4) ? this.#dice.between(0, 20_000) : 0;
    Object.assign(held, { active: false, availableAt: this.#now() + delayMs + late });
  }

  #remove(held: Held): void {
    this.#held = this.#held.filter((other) => other !== held);
  }
}

const keyOf = (job: Job): string => jobCatalog[job.name].dedupe(job.payload);
