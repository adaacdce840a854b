/** The seed in FOYER_KILLS_SEED, or a new one; printed, so that a run can be repeated. */
export function seedOf(what: string): number {
  const given = process.env.FOYER_KILLS_SEED;
  if (given !== undefined && !/^\d{1,9}$/.test(given))
    throw new Error(`FOYER_KILLS_SEED is "${given}", but must be a whole number of at most 9 digits.`);
  const seed = given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
  process.stderr.write(`${what}: seed ${seed}; again with FOYER_KILLS_SEED=${seed}\n`);
  return seed;
}
