import type { TimelineEvent } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';
import { transaction } from '../database/transaction.ts';
import { isOpen } from './open-requests.ts';

const event: TimelineEvent = 'waiting-for-budget';

/**
 * Locked in a separate statement first, so that a note that another worker wrote during the wait for the row is
 * visible.
 */
const hold = statement<'request'>(
  'wait-note-hold',
  'SELECT FROM provisioning_request WHERE id = $request::uuid FOR NO KEY UPDATE',
);

const note = statement<'tenant' | 'request' | 'wait_ms' | 'about'>(
  'wait-note',
  `WITH expected AS (
     SELECT date_trunc('second', clock_timestamp() + $wait_ms::float8 * interval '1 millisecond') AS until
   ), waiting AS (
     UPDATE provisioning_request r SET version = r.version + 1,
       next_attempt_at = CASE WHEN r.status = 'running' THEN r.next_attempt_at ELSE expected.until END
     FROM expected
     WHERE r.id = $request::uuid AND r.tenant_id = $tenant::uuid AND ${isOpen('r')}
       AND NOT EXISTS (
         SELECT FROM (SELECT e.event, e.at FROM request_event e WHERE e.request_id = r.id ORDER BY e.id DESC LIMIT 1) newest
         WHERE newest.event = '${event}' AND newest.at > clock_timestamp() - interval '1 minute'
       )
     RETURNING r.id
   )
   INSERT INTO request_event (request_id, event, detail)
   SELECT w.id, '${event}', $about::text || to_char(x.until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
   FROM waiting w, expected x`,
);

/** See `AttemptStore.noteWait`. The times of a running request stay as they are, because another worker has it. */
export async function noteWait(
  database: Database,
  tenantId: string,
  { requestId, waitMs }: { requestId: string; waitMs: number },
): Promise<void> {
  const about = `about ${Math.ceil(waitMs / 1000)} s, until `;
  await transaction(database, async (tx) => {
    await run({ tx }, hold, { request: requestId });
    await run({ tx }, note, { tenant: tenantId, request: requestId, wait_ms: waitMs, about });
  });
}
