/**
 * In SQL: whether Box has what the identity `i` says, for its account `a` of a LEFT JOIN. The rule of `isInStep` of the
 * directory.
 */
export const isInStep = (i: string, a: string): string =>
  `(${a}.identity_id IS NOT NULL AND ${a}.missing_since IS NULL AND ${a}.applied_generation = ${i}.generation)`;

/**
 * In SQL: whether the identity `i` needs a request. For a write that was decided to open one from an earlier read: an
 * attempt that brought Box in step since has ended its request in the same statement, so the write sees both or neither.
 */
export const isBehind = (i: string): string =>
  `NOT EXISTS (SELECT FROM box_account own WHERE own.identity_id = ${i}.id AND ${isInStep(i, 'own')})`;
