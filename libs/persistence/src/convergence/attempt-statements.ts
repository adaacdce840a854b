import { openStatuses, statusesBefore, type RequestStatus, type TimelineEvent } from '@foyer/shared';
import { statement, wordList } from '../database/statement.ts';

/** What attempts for people and groups share: a leased row, and the request that it is leased for. */

/** The table whose row is leased; `column` of the request names the row. */
export interface Holder {
  readonly table: 'identity' | 'scim_group';
  readonly column: 'identity_id' | 'group_id';
  /** A column of the row `i` that the first lease sets, and that never changes after, with its value. */
  readonly fixed?: { readonly column: string; readonly value: string };
}

export const leaseEnd = `clock_timestamp() + $lease_ms::float8 * interval '1 millisecond'`;

export type Fenced = 'holder' | 'tenant' | 'token';
export type Extending = Fenced | 'lease_ms';
export type Taking = 'request' | 'tenant' | 'box_client' | 'box_enterprise' | 'lease_ms';

/** Updates the holder's row with `set` while the lease is held. */
export const heldRow = ({ table }: Holder, set: string): string => `UPDATE ${table} SET ${set}
    WHERE id = $holder::uuid AND tenant_id = $tenant::uuid
      AND lease_token = $token::bigint AND lease_expires_at > clock_timestamp()`;

/**
 * A statement that does nothing unless the lease is held, and returns a row when it is; `work` reads the row `fence`.
 */
export const fenced = (
  holder: Holder,
  work: string,
  {
    set = `lease_expires_at = ${leaseEnd}`,
    select = 'SELECT 1 AS held FROM fence',
  }: { readonly set?: string; readonly select?: string } = {},
): string => `WITH fence AS (
    ${heldRow(holder, set)}
    RETURNING id
  ), ${work} ${select}`;

/**
 * Acquires the lease, marks the request running and reads what planning needs, in one statement and so in one snapshot.
 * Every fenced write changes the holder's row in its own transaction: while that row still has the snapshot's version
 * (xmin), the snapshot has everything that earlier workers wrote. If it has not, because another transaction committed
 * while this one waited for the row, nothing is leased although `is_free` is true, and the caller tries again. FOR
 * SHARE: a move of the tenant to another Box app waits for this statement, and this statement sees a committed move. An
 * attempt that never ended counts as failed, so that a request that crashes its workers ends too.
 */
export const lease = ({ table, column, fixed }: Holder): string => `
  seen AS MATERIALIZED (
    SELECT r.${column} AS holder_id, r.status, i.xmin AS version, i.lease_expires_at,${fixed ? `\n      coalesce(i.${fixed.column}, ${fixed.value}) AS fixed,` : ''}
      (t.box_client_id, t.box_enterprise_id) IS NOT DISTINCT FROM ($box_client::text, $box_enterprise::text) AS ours
    FROM provisioning_request r JOIN tenant t ON t.id = r.tenant_id JOIN ${table} i ON i.id = r.${column}
    WHERE r.id = $request::uuid AND r.tenant_id = $tenant::uuid AND r.status IN (${wordList(openStatuses)})
    FOR SHARE OF t
  ), leased AS (
    UPDATE ${table} i SET lease_token = i.lease_token + 1, lease_expires_at = ${leaseEnd}${fixed ? `, ${fixed.column} = s.fixed` : ''}
    FROM seen s
    WHERE s.ours AND i.id = s.holder_id AND i.xmin = s.version
      AND (i.lease_expires_at IS NULL OR i.lease_expires_at <= clock_timestamp())
    RETURNING i.*
  ), started AS (
    UPDATE provisioning_request r SET status = 'running', attempts = r.attempts + 1, next_attempt_at = NULL,
      failures = r.failures + CASE r.status WHEN 'running' THEN 1 ELSE 0 END,
      started_at = coalesce(r.started_at, clock_timestamp()), version = r.version + 1,
      due_at = l.lease_expires_at + interval '1 second'
    FROM leased l
    WHERE r.id = $request::uuid AND r.status IN (${wordList(statusesBefore('running'))})
    RETURNING r.*
  ), noted AS (
    INSERT INTO request_event (request_id, event)
    SELECT st.id, CASE s.status WHEN 'running' THEN 'taken-over' ELSE 'started' END FROM started st, seen s
  )`;

export const leasing = `s.holder_id, s.ours, l.lease_token, st.id IS NOT NULL AS is_started,
    s.status = 'running' AS is_taken_over, st.attempts, st.failures,
    s.lease_expires_at IS NULL OR s.lease_expires_at <= clock_timestamp() AS is_free,
    (extract(epoch FROM s.lease_expires_at - clock_timestamp()) * 1000)::float8 AS wait_ms
  FROM seen s LEFT JOIN leased l ON true LEFT JOIN started st ON true`;

export const succeeding = `status = 'succeeded', outcome = $outcome::text, effect = $outcome::text, error_code = NULL,
      error_detail = NULL, finished_at = clock_timestamp(), due_at = NULL, next_attempt_at = NULL, version = r.version + 1`;

const next = `clock_timestamp() + $delay_ms::float8 * interval '1 millisecond'`;

/**
 * The ends of an attempt: the request's new status, its line in the timeline, and the released lease, in one statement.
 */
export function endings(holder: Holder) {
  const ending = (status: RequestStatus, event: TimelineEvent, set: string, detail = 'NULL::text'): string =>
    fenced(
      holder,
      `ended AS (
    UPDATE provisioning_request r SET ${set}
    FROM fence WHERE r.id = $request::uuid AND r.status IN (${wordList(statusesBefore(status))})
    RETURNING r.id
  ), told AS (
    INSERT INTO request_event (request_id, event, detail) SELECT id, '${event}', ${detail} FROM ended
  )`,
      { set: 'lease_expires_at = NULL' },
    );
  return {
    takeUnread: statement<Taking>('take-unread', `WITH ${lease(holder)} SELECT ${leasing}`),
    release: statement<'holder' | 'token'>(
      'release',
      `UPDATE ${holder.table} SET lease_expires_at = NULL WHERE id = $holder::uuid AND lease_token = $token::bigint`,
    ),
    succeed: statement<Fenced | 'request' | 'outcome'>(
      'succeed',
      ending('succeeded', 'succeeded', succeeding, '$outcome::text'),
    ),
    fail: statement<Fenced | 'request' | 'code' | 'error_detail'>(
      'fail',
      ending(
        'failed',
        'failed',
        `status = 'failed', error_code = $code::text, error_detail = $error_detail::text, failures = r.failures + 1,
      finished_at = clock_timestamp(), due_at = NULL, next_attempt_at = NULL, version = r.version + 1`,
        '$code::text',
      ),
    ),
    retry: statement<
      Fenced | 'request' | 'code' | 'error_detail' | 'failures' | 'delay_ms' | 'grace_ms' | 'detail'
    >(
      'retry',
      ending(
        'retrying',
        'retry-scheduled',
        `status = 'retrying', error_code = $code::text, error_detail = $error_detail::text,
      failures = $failures::int, next_attempt_at = ${next},
      due_at = ${next} + $grace_ms::float8 * interval '1 millisecond', version = r.version + 1`,
        '$detail::text',
      ),
    ),
    handBack: statement<Fenced | 'request' | 'failures'>(
      'hand-back',
      ending(
        'queued',
        'handed-back',
        `status = 'queued', failures = $failures::int, due_at = clock_timestamp(), version = r.version + 1`,
      ),
    ),
  };
}
