import type { RecordedChange } from '@foyer/provisioning';
import { toPerson, type Document } from '@foyer/scim';
import { ENQUEUE_GRACE_MS, priorityOf } from '@foyer/shared';
import { recordable, runChange } from '../../call-log/call-log.ts';
import type { Database } from '../../database/database.ts';
import type { SqlValue } from '../../database/statement.ts';
import { openRequests, scimOpening } from '../../requests/open-requests.ts';
import {
  joinedColumns,
  joinWaitingGroups,
  toGroupRequests,
  type JoinedRow,
} from '../groups/group-members.ts';
import type { ReadUser, ScimUser, Written } from './user.ts';
import { shownUser } from './user-rows.ts';

/** Whether row `i` of identity is as it was read. */
export const isAsRead = `i.id = $id::uuid AND i.tenant_id = $tenant::uuid AND i.generation = $generation::int
      AND i.scim IS NOT NULL AND i.scim_deleted_at IS NULL`;

/**
 * Changes a person as long as their generation is the one that was read, so that no change made meanwhile is lost. The new generation has no open request yet.
 */
const changeUserSql = (more: string) => `WITH changed AS (
    UPDATE identity i SET scim = $document::jsonb, email = $email::text, name = $name::text,
      active = $active::boolean, box_profile = $profile::jsonb, is_removed = false,
      generation = i.generation + 1, updated_at = clock_timestamp()
    WHERE ${isAsRead}
    RETURNING i.id, i.generation, i.updated_at, i AS person
  ), ${openRequests({ ...scimOpening, from: 'changed' })},
  ${joinWaitingGroups('changed')}${more}
  SELECT changed.generation, changed.updated_at AS "updatedAt", request.id AS "requestId",
    ${joinedColumns} FROM changed, request`;

type ChangeUserValue =
  | 'tenant'
  | 'id'
  | 'generation'
  | 'subject'
  | 'document'
  | 'email'
  | 'name'
  | 'active'
  | 'profile'
  | 'grace_ms';
const changeUser = recordable<ChangeUserValue>('change-user', changeUserSql, {
  ...{ from: 'changed, request', request: 'request.id', identity: 'changed.id' },
});

interface ChangedRow extends JoinedRow {
  readonly generation: number;
  readonly updatedAt: Date;
  readonly requestId: string;
}

/**
 * Writes the document in one round trip, with the request and the record of the call. Null when nothing was written: the
 * person was changed or deleted since they were read.
 */
export async function changeAlone(
  database: Pick<Database, 'pool'>,
  tenantId: string,
  read: ReadUser,
  document: Document,
  call: RecordedChange | undefined,
): Promise<Written<ScimUser> | null> {
  const { user, username, subject } = read;
  const { active, email, name, profile } = toPerson(document);
  const values: Record<ChangeUserValue, SqlValue> = {
    ...{ tenant: tenantId, id: user.id, generation: user.generation, subject, email, name, active },
    ...{ document: JSON.stringify(document), profile: JSON.stringify(profile), grace_ms: ENQUEUE_GRACE_MS },
  };
  const [changed] = await runChange<ChangedRow, ChangeUserValue>(database, changeUser, values, call);
  if (changed === undefined) return null;
  call?.committed();
  const { requestId, generation, updatedAt } = changed;
  const own = {
    requestId,
    job: 'converge',
    priority: priorityOf.scim,
    isNew: true,
    wasPromoted: false,
  } as const;
  return {
    resource: {
      ...{ ...user, requestId, generation, updatedAt, groups: changed.groups ?? user.groups },
      document: shownUser(document, { username, subject, active }),
      inStep: false,
    },
    requests: [own, ...toGroupRequests(changed)],
  };
}
