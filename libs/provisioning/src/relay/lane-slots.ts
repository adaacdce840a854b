import type { Lane } from '@foyer/shared';

/** The places of each lane: how many jobs a process works on at once, however they came to it. */
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

  /** Does the work as soon as there is a place, in the order of asking. */
  async run<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    if (this.free(lane) > 0) this.#taken[lane] += 1;
    else await new Promise<void>((resolve) => this.#line[lane].push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#line[lane].shift();
      // The place goes from hand to hand: nobody who comes meanwhile gets in between.
      if (next) next();
      else this.#taken[lane] -= 1;
    }
  }
}
