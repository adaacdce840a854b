/**
 * In SQL: whether Box has what the identity `i` says, for its account `a` of a LEFT JOIN. The rule of `isInStep` of the
 * directory.
 */
export const isInStep = (i: string, a: string): string =>
  `(${a}.identity_id IS NOT NULL AND ${a}.missing_since IS NULL AND ${a}.applied_generation = ${i}.generation)`;
