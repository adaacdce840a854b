import { ScimError } from '@foyer/scim';
import { constraintOf } from '../transaction.ts';

type Key = 'userName' | 'externalId';

/** 409: somebody else is found by these keys; by one of the two where none is given. */
export const taken = (keys: readonly Key[]): ScimError =>
  new ScimError(
    409,
    'uniqueness',
    `Somebody else has this ${keys.join(' and this ') || 'userName or externalId'}: look them up.`,
  );

/** The key that two gave at the same moment, by the index or the columns that refused the second. */
export function takenBy(error: unknown): readonly Key[] {
  const constraint = constraintOf(error) ?? '';
  if (/user_?name/i.test(constraint)) return ['userName'];
  return /subject/i.test(constraint) ? ['externalId'] : [];
}
