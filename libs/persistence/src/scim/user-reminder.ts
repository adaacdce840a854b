import type { RecordedChange } from '@foyer/provisioning';
import { ENQUEUE_GRACE_MS, BACKGROUND_FROM, openStatuses, priorityOf } from '@foyer/shared';
import { recordable, runChange } from '../call-log/call-log.ts';
import type { Database } from '../database/database.ts';
import { wordList, type SqlValue } from '../database/statement.ts';
import type { ReadUser, ScimUser, Written } from './user.ts';
import { joinedColumns, joinWaitingGroups, toGroupRequests, type JoinedRow } from './group-members.ts';
import { changeAlone, isAsRead, type Step } from './user-update.ts';

const open = `status IN (${wordList(openStatuses)})`;
const openRequest = `FROM provisioning_request r JOIN held ON r.identity_id = held.id AND r.generation = held.generation
    WHERE r.tenant_id = $tenant::uuid AND r.${open}`;

/**
 * The open request of the person's generation, or a new one. While this statement waits for the person's row, that
 * request may end (it is then in `seen` and not in `kept`), or another one may be opened (`made` is then empty): no row
 * is returned, and the caller reads again.
 */
const remindSql = (more: string) => `WITH held AS (
    SELECT i.id, i.generation, i AS person FROM identity i
    WHERE ${isAsRead}
    FOR NO KEY UPDATE OF i
  ), seen AS (SELECT r.id ${openRequest}), kept AS (
    SELECT r.id, r.started_at IS NULL AND r.priority >= ${BACKGROUND_FROM} AS promotes ${openRequest}
    FOR NO KEY UPDATE OF r
  ), promoted AS (
    UPDATE provisioning_request r SET priority = ${priorityOf.scim} FROM kept WHERE r.id = kept.id AND kept.promotes
  ), made AS (
    INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
    SELECT $tenant::uuid, id, generation, 'scim', ${priorityOf.scim},
      clock_timestamp() + $grace_ms::float8 * interval '1 millisecond'
    FROM held WHERE NOT EXISTS (SELECT FROM seen)
    ON CONFLICT (identity_id, generation) WHERE ${open} DO NOTHING RETURNING id
  ), noted AS (INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM made), request AS (
    SELECT id, false AS is_new, promotes FROM kept UNION ALL SELECT id, true, false FROM made
  ), answered AS (SELECT held.id, held.person FROM held, request),
  ${joinWaitingGroups('answered')}${more}
  SELECT id AS "requestId", is_new AS "isNew", promotes AS "wasPromoted", ${joinedColumns} FROM request`;

type ReminderValue = 'tenant' | 'id' | 'generation' | 'subject' | 'grace_ms';
const remind = recordable<ReminderValue>('remind-user', remindSql, {
  ...{ from: 'request', request: 'request.id', identity: '$id::uuid' },
});

interface RequestRow extends JoinedRow {
  readonly requestId: string;
  readonly isNew: boolean;
  readonly wasPromoted: boolean;
}

/**
 * For a push that changes nothing while Box is not in step: opens a request unless one is open already, so that Box is
 * tried again, with the record of the call. Null when nothing was written: the person or their requests changed since
 * they were read.
 */
async function remindAlone(
  database: Pick<Database, 'pool'>,
  tenantId: string,
  { user, subject }: ReadUser,
  call: RecordedChange | undefined,
): Promise<Written<ScimUser> | null> {
  const values: Record<ReminderValue, SqlValue> = {
    ...{ tenant: tenantId, id: user.id, generation: user.generation, subject, grace_ms: ENQUEUE_GRACE_MS },
  };
  const [request] = await runChange<RequestRow, ReminderValue>(database, remind, values, call);
  if (request === undefined) return null;
  call?.committed();
  const { requestId, isNew, wasPromoted } = request;
  const own = { requestId, isNew, wasPromoted, job: 'converge', priority: priorityOf.scim } as const;
  return {
    resource: { ...user, ...(isNew && { requestId }), groups: request.groups ?? user.groups },
    requests: [own, ...toGroupRequests(request)],
  };
}

/** Writes the step in one round trip. Null when nothing was written, see `changeAlone` and `remindAlone`. */
export const writeAlone = (
  database: Pick<Database, 'pool'>,
  tenantId: string,
  before: ReadUser,
  step: Exclude<Step, { readonly kind: 'none' | 'locked' }>,
  call: RecordedChange | undefined,
): Promise<Written<ScimUser> | null> =>
  step.kind === 'remind'
    ? remindAlone(database, tenantId, before, call)
    : changeAlone(database, tenantId, before, step.document, call);
