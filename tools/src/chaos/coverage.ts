interface Count {
  seen: number;
  killed: number;
  /** The first schedules that reached it, at most `MOST_SEEDS`. */
  readonly seeds: Set<number>;
}

const MOST_SEEDS = 8;

/** Which boundaries were reached, at which of them a kill happened, and which other faults happened. */
export class Coverage {
  readonly boundaries = new Map<string, Count>();
  readonly faults = new Map<string, number>();
  /** Of the current schedule. */
  seed = 0;

  see(boundary: string): void {
    this.#count(boundary).seen += 1;
  }

  kill(boundary: string): void {
    this.#count(boundary).killed += 1;
    this.fault('kill');
  }

  fault(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  #count(boundary: string): Count {
    const known = this.boundaries.get(boundary) ?? { seen: 0, killed: 0, seeds: new Set() };
    if (known.seeds.size < MOST_SEEDS) known.seeds.add(this.seed);
    this.boundaries.set(boundary, known);
    return known;
  }
}
