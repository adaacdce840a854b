import type { Lane } from '@foyer/shared';

/** The slots of each lane: how many jobs a process runs at once, from the queue or directly. */
export class LaneSlots {
  readonly #limits: Readonly<Record<Lane, number>>;
  readonly #taken: Record<Lane, number> = { interactive: 0, background: 0 };
  readonly #line: Readonly<Record<Lane, (() => void)[]>> = { interactive: [], background: [] };

  constructor(limits: Readonly<Record<Lane, number>>) {
    this.#limits = limits;
  }

  free(lane: Lane): number {
    return Math.max(0, this.#limits[lane] - this.#taken[lane]);
  }

  /** Runs the work as soon as a slot is free, in the order of the calls. */
  async run<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    if (this.free(lane) > 0) this.#taken[lane] += 1;
    else await new Promise<void>((resolve) => this.#line[lane].push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#line[lane].shift();
      // The slot is passed on directly, so that a later caller cannot take it first.
      if (next) next();
      else this.#taken[lane] -= 1;
    }
  }
}
