/** Chances that come out the same for the same seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.#next() * (to - from + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)]!;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.map(() => rest.splice(this.between(0, rest.length - 1), 1)[0]!);
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** The seed that FOYER_KILLS_SEED names, or a new one; told, so that a run can be had again. */
export function seedOf(what: string): number {
  const given = process.env.FOYER_KILLS_SEED;
  if (given !== undefined && !/^\d{1,9}$/.test(given))
    throw new Error(`FOYER_KILLS_SEED is "${given}", but must be a whole number of at most 9 digits.`);
  const seed = given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
  process.stderr.write(`${what}: seed ${seed}; again with FOYER_KILLS_SEED=${seed}\n`);
  return seed;
}
