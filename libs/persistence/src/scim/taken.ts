import { ScimError } from '@foyer/scim';
import { constraintOf } from '../database/transaction.ts';

type Key = 'userName' | 'externalId';

/** 409: another person has these keys; without keys, one of the two. */
export const taken = (keys: readonly Key[]): ScimError =>
  new ScimError(
    409,
    'uniqueness',
    `Another user has this ${keys.join(' and this ') || 'userName or externalId'}. Search for the user with a filter.`,
  );

/** The key that two concurrent requests used, from the index or columns that refused the second one. */
export function takenBy(error: unknown): readonly Key[] {
  const constraint = constraintOf(error) ?? '';
  if (/user_?name/i.test(constraint)) return ['userName'];
  return /subject|link/i.test(constraint) ? ['externalId'] : [];
}
