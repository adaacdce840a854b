import type { RecordedChange } from '@foyer/provisioning';
import { ENQUEUE_GRACE_MS } from '@foyer/shared';
import { isBehind } from '../../box-accounts/in-step.ts';
import { recordable, runChange } from '../../call-log/call-log.ts';
import type { Database } from '../../database/database.ts';
import type { SqlValue } from '../../database/statement.ts';
import { personWork } from '../../requests/new-request.ts';
import { openOrFollow, requestColumns, scimOpening, type RequestRow } from '../../requests/open-requests.ts';
import type { ReadUser, ScimUser, Written } from './user.ts';
import {
  joinedColumns,
  joinWaitingGroups,
  toGroupRequests,
  type JoinedRow,
} from '../groups/group-members.ts';
import { isAsRead } from './user-change.ts';

/** No row: the person or their requests changed meanwhile, and the caller reads again. */
const remindSql = (more: string) => `WITH held AS (
    SELECT i.id, i.generation, i AS person FROM identity i
    WHERE ${isAsRead} AND ${isBehind('i')}
    FOR NO KEY UPDATE OF i
  ), ${openOrFollow('held', scimOpening)}, answered AS (SELECT held.id, held.person FROM held, request),
  ${joinWaitingGroups('answered')}${more}
  SELECT ${requestColumns}, ${joinedColumns} FROM request`;

type ReminderValue = 'tenant' | 'id' | 'generation' | 'subject' | 'grace_ms';
const remind = recordable<ReminderValue>('remind-user', remindSql, {
  ...{ from: 'request', request: 'request.id', identity: '$id::uuid' },
});

type RemindedRow = RequestRow & JoinedRow;

/**
 * For a push that changes nothing while Box is not in step: opens a request unless one is open already, so that Box is
 * tried again, with the record of the call. Null when nothing was written: the person or their requests changed since
 * they were read.
 */
export async function remindAlone(
  database: Pick<Database, 'pool'>,
  tenantId: string,
  { user, subject }: ReadUser,
  call: RecordedChange | undefined,
): Promise<Written<ScimUser> | null> {
  const values: Record<ReminderValue, SqlValue> = {
    ...{ tenant: tenantId, id: user.id, generation: user.generation, subject, grace_ms: ENQUEUE_GRACE_MS },
  };
  const [request] = await runChange<RemindedRow, ReminderValue>(database, remind, values, call);
  if (request === undefined) return null;
  call?.committed();
  const { requestId, isNew, wasPromoted } = request;
  const own = { ...personWork('scim'), requestId, isNew, wasPromoted };
  return {
    resource: { ...user, ...(isNew && { requestId }), groups: request.groups ?? user.groups },
    requests: [own, ...toGroupRequests(request)],
  };
}
