import { openStatuses, statusesBefore, type RequestStatus, type TimelineEvent } from '@foyer/shared';
import {
  createsSettled,
  forgetAccount,
  markMissing,
  restoreAccount,
  updatesSettled,
} from './missing-account.ts';
import { statement, wordList } from './statement.ts';

/** The statements of a worker's turn, each one round trip and one transaction. */

const leaseEnd = `clock_timestamp() + $lease_ms::float8 * interval '1 millisecond'`;

/** One row while the lease is held, which the rest of the statement reads; `set` is what becomes of the lease. */
const fence = (set: string): string => `fence AS (
    UPDATE identity SET lease_expires_at = ${set}
    WHERE id = $identity::uuid AND tenant_id = $tenant::uuid
      AND lease_token = $token::bigint AND lease_expires_at > clock_timestamp()
    RETURNING id
  )`;
type Fenced = 'identity' | 'tenant' | 'token';
type Extending = Fenced | 'lease_ms';

const fenced = (work: string, set: string = leaseEnd): string =>
  `WITH ${fence(set)}, ${work} SELECT 1 AS held FROM fence`;

/**
 * Lease, request running and all that planning needs, in one statement and so of one snapshot. Every fenced write changes
 * the identity's row in its own transaction: while that row is the very version of the snapshot (xmin), the snapshot has
 * all that earlier workers wrote. When it is not, because somebody committed while this waited for the row, nothing is
 * leased and `is_free` says so: ask again. FOR SHARE: whoever moves the tenant to another Box app waits for this lease, and
 * this sees what they committed. A turn that ended without a word counts as a failed one: who kills each worker must end.
 */
const lease = `
  seen AS MATERIALIZED (
    SELECT r.identity_id, r.status, i.xmin AS version, i.lease_expires_at,
      (t.box_client_id, t.box_enterprise_id) IS NOT DISTINCT FROM ($box_client::text, $box_enterprise::text) AS ours
    FROM provisioning_request r JOIN tenant t ON t.id = r.tenant_id JOIN identity i ON i.id = r.identity_id
    WHERE r.id = $request::uuid AND r.tenant_id = $tenant::uuid AND r.status IN (${wordList(openStatuses)})
    FOR SHARE OF t
  ), leased AS (
    UPDATE identity i SET lease_token = i.lease_token + 1, lease_expires_at = ${leaseEnd}
    FROM seen s
    WHERE s.ours AND i.id = s.identity_id AND i.xmin = s.version
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

const leasing = `s.identity_id, s.ours, l.lease_token, st.id IS NOT NULL AS is_started,
    s.status = 'running' AS is_taken_over, st.attempts, st.failures,
    s.lease_expires_at IS NULL OR s.lease_expires_at <= clock_timestamp() AS is_free,
    (extract(epoch FROM s.lease_expires_at - clock_timestamp()) * 1000)::float8 AS wait_ms
  FROM seen s LEFT JOIN leased l ON true LEFT JOIN started st ON true`;

type Taking = 'request' | 'tenant' | 'box_client' | 'box_enterprise' | 'lease_ms';

/** True for a mapping `a` when an update that it does not tell of may have worked. */
export const isUncertain = `EXISTS (
      SELECT FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
      WHERE call.identity_id = a.identity_id AND call.operation = 'update_user' AND call.id > a.settled_update
        AND (o.result IS NULL OR o.result IN ('ok', 'ambiguous')))`;

export const take = statement<Taking>(
  'take',
  `WITH ${lease}
  SELECT l.subject, l.username, l.name, l.active, l.generation, st.effect, st.cause,
    a.box_user_id, a.name AS box_name, a.status AS box_status, a.applied_generation,
    a.missing_since IS NOT NULL AS box_missing, ${isUncertain} AS box_uncertain,
    c.id AS create_id, c.result AS create_result, c.status AS create_status, ${leasing}
  LEFT JOIN box_account a ON a.identity_id = l.id
  LEFT JOIN LATERAL (
    SELECT call.id, o.result, o.status FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
    WHERE call.identity_id = l.id AND call.operation = 'create_user' AND call.id > l.creates_after
    ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1
  ) c ON a.identity_id IS NULL`,
);

/** As `take`, but reads nothing of the person: for a row that cannot be read. */
export const takeUnread = statement<Taking>('take-unread', `WITH ${lease} SELECT ${leasing}`);

export const release = statement<'identity' | 'token'>(
  'release',
  'UPDATE identity SET lease_expires_at = NULL WHERE id = $identity::uuid AND lease_token = $token::bigint',
);

const saved = `saved AS (
    INSERT INTO box_account AS a (identity_id, tenant_id, box_user_id, name, status, applied_generation, settled_update)
    SELECT id, $tenant::uuid, $box_user::text, $name::text, $status::text, $generation::int, ${updatesSettled} FROM fence
    ON CONFLICT (identity_id) DO UPDATE SET box_user_id = excluded.box_user_id, name = excluded.name,
      status = excluded.status, applied_generation = excluded.applied_generation,
      settled_update = excluded.settled_update, updated_at = clock_timestamp()
  )`;
type Saving = 'box_user' | 'name' | 'status' | 'generation' | 'effect' | 'event' | 'detail';

export const save = statement<Extending | 'request' | Saving>(
  'save',
  fenced(`${saved}, noted AS (
    UPDATE provisioning_request r SET effect = $effect::text, version = r.version + 1
    FROM fence, provisioning_request before
    WHERE r.id = $request::uuid AND before.id = r.id
    RETURNING r.id, before.effect IS DISTINCT FROM $effect::text AS is_news
  ), told AS (
    INSERT INTO request_event (request_id, event, detail)
    SELECT id, $event::text, $detail::text FROM noted WHERE is_news AND $event::text IS NOT NULL
  )`),
);

const succeeding = `status = 'succeeded', outcome = $outcome::text, effect = $outcome::text, error_code = NULL,
      error_detail = NULL, finished_at = clock_timestamp(), due_at = NULL, next_attempt_at = NULL, version = r.version + 1`;

export const saveAndSucceed = statement<Fenced | 'request' | Saving | 'outcome'>(
  'save-and-succeed',
  fenced(
    `${saved}, ended AS (
    UPDATE provisioning_request r SET ${succeeding}
    FROM fence, provisioning_request before
    WHERE r.id = $request::uuid AND r.status IN (${wordList(statusesBefore('succeeded'))}) AND before.id = r.id
    RETURNING r.id, before.effect IS DISTINCT FROM $effect::text AS is_news
  ), told AS (
    INSERT INTO request_event (request_id, event, detail)
    SELECT e.id, line.event, line.detail
    FROM ended e, (VALUES (1, $event::text, $detail::text), (2, 'succeeded', $outcome::text)) line (place, event, detail)
    WHERE line.place = 2 OR (e.is_news AND line.event IS NOT NULL)
    ORDER BY line.place
  )`,
    'NULL',
  ),
);

/** Ends a turn: the request's new status, its line in the timeline, and the lease given back, at once. */
const ending = (status: RequestStatus, event: TimelineEvent, set: string, detail = 'NULL::text'): string =>
  fenced(
    `ended AS (
    UPDATE provisioning_request r SET ${set}
    FROM fence WHERE r.id = $request::uuid AND r.status IN (${wordList(statusesBefore(status))})
    RETURNING r.id
  ), told AS (
    INSERT INTO request_event (request_id, event, detail) SELECT id, '${event}', ${detail} FROM ended
  )`,
    'NULL',
  );

export const succeed = statement<Fenced | 'request' | 'outcome'>(
  'succeed',
  ending('succeeded', 'succeeded', succeeding, '$outcome::text'),
);

export const fail = statement<Fenced | 'request' | 'code' | 'error_detail'>(
  'fail',
  ending(
    'failed',
    'failed',
    `status = 'failed', error_code = $code::text, error_detail = $error_detail::text, failures = r.failures + 1,
      finished_at = clock_timestamp(), due_at = NULL, next_attempt_at = NULL, version = r.version + 1`,
    '$code::text',
  ),
);

const next = `clock_timestamp() + $delay_ms::float8 * interval '1 millisecond'`;

export const retry = statement<
  Fenced | 'request' | 'code' | 'error_detail' | 'counted' | 'delay_ms' | 'grace_ms' | 'detail'
>(
  'retry',
  ending(
    'retrying',
    'retry-scheduled',
    `status = 'retrying', error_code = $code::text, error_detail = $error_detail::text,
      failures = r.failures + $counted::int, next_attempt_at = ${next},
      due_at = ${next} + $grace_ms::float8 * interval '1 millisecond', version = r.version + 1`,
    '$detail::text',
  ),
);

export const handBack = statement<Fenced | 'request'>(
  'hand-back',
  ending('queued', 'handed-back', `status = 'queued', due_at = clock_timestamp(), version = r.version + 1`),
);

type Gone = Extending | 'request' | 'box_user' | 'detail';

export const noteMissing = statement<Gone>('note-missing', fenced(markMissing));

export const restore = statement<Gone | 'name' | 'status' | 'generation'>('restore', fenced(restoreAccount));

export const forget = statement<Gone>('forget', fenced(forgetAccount, `${leaseEnd}, ${createsSettled}`));
