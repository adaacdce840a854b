import { KeyConflict, type TakenKey } from '@foyer/directory';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';
import { constraintOf, sqlStateOf, UNIQUE_VIOLATION } from '../database/transaction.ts';
import { isLinkOf } from '../identities/links.ts';

/** The keys of a person that two calls may give at the same moment. */
export interface UserKeys {
  readonly issuer: string;
  readonly userName: string;
  readonly externalId: string | null;
}

/** The key that two concurrent calls gave, from the index or columns that refused the second one. */
function takenBy(error: unknown): readonly TakenKey[] {
  const constraint = constraintOf(error) ?? '';
  if (/user_?name/i.test(constraint)) return ['userName'];
  return /subject|link/i.test(constraint) ? ['externalId'] : [];
}

const holder = statement<'tenant' | 'issuer' | 'user_name' | 'external_id' | 'self'>(
  'key-holder',
  `SELECT i.id FROM identity i WHERE i.tenant_id = $tenant::uuid AND i.id IS DISTINCT FROM $self::uuid AND (
     (i.scim IS NOT NULL AND i.scim_deleted_at IS NULL AND scim_user_name(i.username) = scim_user_name($user_name::text))
     OR i.id IN (SELECT l.identity_id FROM identity_link l
       WHERE ${isLinkOf({ tenant: '$tenant::uuid', directory: '$issuer::text', subject: '$external_id::text' })}))
   LIMIT 1`,
);

/** The conflict behind a unique violation, with who has the keys by now; any other error as it is. */
export async function userConflict(
  database: Pick<Database, 'pool'>,
  tenantId: string,
  error: unknown,
  { issuer, userName, externalId }: UserKeys,
  self: string | null,
): Promise<unknown> {
  if (sqlStateOf(error) !== UNIQUE_VIOLATION) return error;
  const values = { tenant: tenantId, issuer, user_name: userName, external_id: externalId, self };
  const [found] = await run<{ id: string }>(database, holder, values);
  return new KeyConflict('user', { keys: takenBy(error), self, holder: found?.id ?? null });
}

/** What a group is to be called; null when its name stays. `self` is null for a new group. */
export interface GroupKeys {
  readonly self: string | null;
  readonly displayName: string | null;
}

const groupHolder = statement<'tenant' | 'name' | 'self'>(
  'group-name-holder',
  `SELECT g.id FROM scim_group g WHERE g.tenant_id = $tenant::uuid AND g.deleted_at IS NULL
     AND g.id IS DISTINCT FROM $self::uuid AND scim_group_name(g.display_name) = scim_group_name($name::text) LIMIT 1`,
);

/** As `userConflict`, for the name of a group. */
export async function groupConflict(
  database: Pick<Database, 'pool'>,
  tenantId: string,
  error: unknown,
  { self, displayName }: GroupKeys,
): Promise<unknown> {
  if (sqlStateOf(error) !== UNIQUE_VIOLATION) return error;
  const values = { tenant: tenantId, name: displayName, self };
  const [found] = await run<{ id: string }>(database, groupHolder, values);
  return new KeyConflict('group', { keys: ['displayName'], self, holder: found?.id ?? null });
}
