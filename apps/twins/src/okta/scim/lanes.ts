/** Runs work in order within a lane, and several lanes at the same time, up to a limit. */
export class Lanes {
  readonly #atOnce: number;
  readonly #tails = new Map<string, Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #pending = 0;
  #idle: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** The number of unfinished works. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when the work has ended; the work must not throw. */
  add(lane: string, work: () => Promise<void>): Promise<void> {
    this.#pending++;
    const before = this.#tails.get(lane) ?? Promise.resolve();
    const turn = before.then(() => this.#inTurn(work));
    this.#tails.set(lane, turn);
    return turn.finally(() => {
      if (this.#tails.get(lane) === turn) this.#tails.delete(lane);
      if (--this.#pending === 0) for (const wake of this.#idle.splice(0)) wake();
    });
  }

  /** Resolves when no work is left. */
  async idle(): Promise<void> {
    while (this.#pending > 0) await new Promise<void>((wake) => this.#idle.push(wake));
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#running >= this.#atOnce) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#running++;
    try {
      await work();
    } finally {
      // The place goes to the next in line, or becomes free.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
