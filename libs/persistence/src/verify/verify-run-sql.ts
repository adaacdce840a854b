import { setStatement, statement } from '../database/statement.ts';
import { unsettled } from './verify-sql.ts';

/** The statements about runs of `verify`, their listings and their discrepancies. */

/** For the session: statements over a whole tenant take longer than any others. */
export const limitTime = setStatement<'limit'>(
  'verify-time',
  `SELECT set_config('statement_timeout', $limit::text, false)`,
);

/** Until the connection ends. */
export const lockRun = setStatement<'tenant'>(
  'verify-lock',
  `SELECT pg_try_advisory_lock(hashtextextended('verify ' || $tenant::text, 0)) AS mine`,
);

const columns = `id, started_at AS "startedAt", marker, listed, listed_at IS NOT NULL AS "isListed"`;

export const findUnfinished = setStatement<'tenant' | 'age_ms'>(
  'verify-unfinished',
  `SELECT ${columns}, listed = (SELECT count(*) FROM verify_box_user WHERE run_id = r.id) AS "isWhole"
   FROM (SELECT * FROM verify_run WHERE tenant_id = $tenant::uuid ORDER BY started_at DESC LIMIT 1) r
   WHERE finished_at IS NULL AND touched_at > clock_timestamp() - $age_ms::float8 * interval '1 millisecond'`,
);

export const dropUnfinished = setStatement<'tenant'>(
  'verify-drop-unfinished',
  'DELETE FROM verify_run WHERE tenant_id = $tenant::uuid AND finished_at IS NULL',
);

export const dropDiscrepancies = setStatement<'tenant'>(
  'verify-drop-discrepancies',
  `DELETE FROM verify_discrepancy WHERE run_id IN (SELECT id FROM verify_run WHERE tenant_id = $tenant::uuid)`,
);

export const beginRun = setStatement<'tenant'>(
  'verify-begin',
  `INSERT INTO verify_run AS r (tenant_id) VALUES ($tenant::uuid) RETURNING ${columns}`,
);

/** `marker`: of the next page; null after the last. */
export const savePage = setStatement<'run' | 'ids' | 'external_ids' | 'names' | 'statuses' | 'marker'>(
  'verify-page',
  `WITH page AS (
     INSERT INTO verify_box_user (run_id, box_user_id, external_id, name, status)
     SELECT $run::uuid, * FROM unnest($ids::text[], $external_ids::text[], $names::text[], $statuses::text[])
     ON CONFLICT (run_id, box_user_id) DO NOTHING RETURNING 1
   )
   UPDATE verify_run SET marker = $marker::text, touched_at = clock_timestamp(), listed = listed + (SELECT count(*) FROM page),
     listed_at = CASE WHEN $marker::text IS NULL THEN clock_timestamp() END
   WHERE id = $run::uuid RETURNING listed`,
);

export const dropListing = setStatement<'run'>(
  'verify-drop-listing',
  'DELETE FROM verify_box_user WHERE run_id = $run::uuid',
);

export const restartRun = setStatement<'run'>(
  'verify-restart',
  `UPDATE verify_run SET marker = NULL, listed = 0, listed_at = NULL, started_at = clock_timestamp()
   WHERE id = $run::uuid`,
);

export const countExpected = setStatement<'tenant'>(
  'verify-expected',
  'SELECT count(*)::int AS count FROM box_account WHERE tenant_id = $tenant::uuid',
);

export const analyzeListing = setStatement<never>('verify-analyze', 'ANALYZE verify_box_user');

export const dropOfRun = setStatement<'run'>(
  'verify-drop-of-run',
  'DELETE FROM verify_discrepancy WHERE run_id = $run::uuid',
);

export const finishRun = setStatement<'run' | 'digest'>(
  'verify-finish',
  `UPDATE verify_run SET finished_at = clock_timestamp(), marker = NULL, digest = $digest::text WHERE id = $run::uuid`,
);

export const findFormer = setStatement<'tenant' | 'run'>(
  'verify-former',
  `SELECT finished_at AS "finishedAt", digest FROM verify_run
   WHERE tenant_id = $tenant::uuid AND id <> $run::uuid AND finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1`,
);

export const countDiscrepancies = setStatement<'run'>(
  'verify-discrepancy-counts',
  `SELECT kind, count(*)::int AS count, (count(*) FILTER (WHERE NOT confirmed))::int AS unconfirmed
   FROM verify_discrepancy WHERE run_id = $run::uuid GROUP BY kind`,
);

/** The columns of a discrepancy, from `verify_discrepancy e`. */
const listedColumns = `e.id::text, e.kind, e.identity_id AS "identityId", e.box_user_id AS "boxUserId",
  e.other_box_users AS "otherBoxUserIds", e.external_id AS "externalId", e.call_id::text AS "callId", e.group_id AS "groupId", e.detail`;

export const listDiscrepancies = setStatement<'run' | 'kind' | 'after' | 'limit'>(
  'verify-discrepancies',
  `SELECT ${listedColumns}, e.confirmed, i.issuer, i.username, g.display_name AS "groupName",
     coalesce(newest.id, "newestOfGroup".id) AS "requestId"
   FROM verify_discrepancy e LEFT JOIN identity i ON i.id = e.identity_id LEFT JOIN scim_group g ON g.id = e.group_id
   LEFT JOIN LATERAL (
     SELECT r.id FROM provisioning_request r WHERE r.tenant_id = i.tenant_id AND r.identity_id = i.id
     ORDER BY r.created_at DESC, r.id DESC LIMIT 1
   ) newest ON true
   LEFT JOIN LATERAL (
     SELECT r.id FROM provisioning_request r WHERE r.tenant_id = g.tenant_id AND r.group_id = g.id
     ORDER BY r.created_at DESC, r.id DESC LIMIT 1
   ) "newestOfGroup" ON true
   WHERE e.run_id = $run::uuid AND e.kind = $kind::text AND e.id > $after::bigint ORDER BY e.id LIMIT $limit`,
);

export const listCandidates = setStatement<'run' | 'kind' | 'limit'>(
  'verify-candidates',
  `SELECT ${listedColumns} FROM verify_discrepancy e
   WHERE e.run_id = $run::uuid AND e.kind = $kind::text AND NOT e.confirmed ORDER BY e.id LIMIT $limit`,
);

/** A row: the result of the call is not known. */
export const findUnsettled = statement<'tenant' | 'call'>(
  'verify-unsettled',
  `SELECT c.id FROM api_call c JOIN identity i ON i.id = c.identity_id
   LEFT JOIN api_call_outcome o ON o.call_id = c.id
   WHERE c.id = $call::bigint AND c.tenant_id = $tenant::uuid AND ${unsettled}`,
);

/** No row: the candidate was dropped meanwhile. */
export const confirm = statement<
  'run' | 'candidate' | 'kind' | 'identity' | 'box_user' | 'others' | 'external_id' | 'call' | 'detail'
>(
  'verify-confirm',
  `UPDATE verify_discrepancy SET kind = $kind::text, identity_id = $identity::uuid, box_user_id = $box_user::text,
     other_box_users = $others::text[], external_id = $external_id::text, call_id = $call::bigint,
     detail = $detail::text, confirmed = true
   WHERE id = $candidate::bigint AND run_id = $run::uuid RETURNING id`,
);

export const dropCandidate = statement<'run' | 'candidate'>(
  'verify-drop-candidate',
  'DELETE FROM verify_discrepancy WHERE id = $candidate::bigint AND run_id = $run::uuid',
);
