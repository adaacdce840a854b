import { setStatement, statement } from '../database/statement.ts';
import { isOpen } from '../requests/open-requests.ts';

/** Whether work on the identity `i` is in progress, so that what is seen of it may change at any moment. */
export const busy = `(coalesce(i.lease_expires_at > clock_timestamp(), false) OR EXISTS (
  SELECT FROM provisioning_request q WHERE q.identity_id = i.id AND ${isOpen('q')}))`;

/** The external id of the Box user of the identity `i`, which no worker has fixed yet while it has none. */
const externalId = 'coalesce(i.box_external_id, i.subject)';

/** Whether the external id is that of the identity `i`; the indexes support both parts. */
export const carries = (value: string): string =>
  `(i.box_external_id = ${value} OR (i.subject = ${value} AND i.box_external_id IS NULL))`;

/** The newest request of the identity `i`. */
export const newestRequest = `LATERAL (
  SELECT r.status, r.error_code FROM provisioning_request r
  WHERE r.tenant_id = i.tenant_id AND r.identity_id = i.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1)`;

/**
 * Whether nothing has settled the write `c` (of the identity `i`, with outcome `o`): it has no outcome or an ambiguous
 * one, and since then
 * - a create was followed neither by a mapping nor by an answered look-up of a worker, which reads before it continues
 *   (a look-up of `verify` counts only for a deactivated person, for whom no worker will continue);
 * - an update was followed neither by a successful one that set at least the same fields, nor by any answered look-up.
 */
export const unsettled = `((o.call_id IS NULL OR o.result = 'ambiguous') AND CASE c.operation
  WHEN 'create_user' THEN
    NOT EXISTS (SELECT FROM box_account a WHERE a.identity_id = i.id AND a.updated_at >= c.at)
    AND NOT EXISTS (${laterCall(`l.operation IN ('find_user', 'read_user')
      AND lo.result IN ('ok', 'refused') AND (l.request_id IS NOT NULL OR NOT i.active)`)})
  ELSE
    NOT EXISTS (${laterCall(`(l.operation IN ('find_user', 'read_user') AND lo.result IN ('ok', 'refused'))
      OR (l.operation = 'update_user' AND lo.status = 404)
      OR (l.operation = 'update_user' AND lo.result = 'ok'
        AND l.parameters ?& ARRAY(SELECT jsonb_object_keys(c.parameters)))`)})
  END)`;

function laterCall(condition: string): string {
  return `SELECT FROM api_call l JOIN api_call_outcome lo ON lo.call_id = l.id
    WHERE l.tenant_id = c.tenant_id AND l.identity_id = c.identity_id AND l.id > c.id AND (${condition})`;
}

/**
 * Add discrepancies of the run. Identities with work in progress are left out.
 */
const columns = 'run_id, kind, identity_id, box_user_id, other_box_users, external_id, call_id, detail';
const add = `INSERT INTO verify_discrepancy (${columns})`;
/** Those need no recheck. */
const addConfirmed = `INSERT INTO verify_discrepancy (${columns}, confirmed)`;
const none = `'{}'::text[]`;

/** Two listed Box users with one external id, or the mapped user and another one with the identity's external id. */
const duplicates = setStatement<'run' | 'tenant'>(
  'verify-duplicates',
  `${add}
  SELECT $run::uuid, 'duplicate', NULL, min(box_user_id), (array_agg(box_user_id ORDER BY box_user_id))[2:], external_id, NULL,
    'More than one Box user has this external id.'
  FROM (
    SELECT external_id, box_user_id FROM verify_box_user WHERE run_id = $run::uuid AND external_id IS NOT NULL
    UNION ALL
    SELECT ${externalId}, a.box_user_id FROM box_account a JOIN identity i ON i.id = a.identity_id
    JOIN verify_box_user b ON b.run_id = $run::uuid AND b.box_user_id = a.box_user_id
    WHERE a.tenant_id = $tenant::uuid AND b.external_id IS DISTINCT FROM ${externalId}
  ) carrier
  WHERE NOT EXISTS (SELECT FROM identity i WHERE i.tenant_id = $tenant::uuid AND ${carries('carrier.external_id')} AND ${busy})
  GROUP BY external_id HAVING count(*) > 1`,
);

/**
 * Box users without a mapping: of no identity, or of an identity that is not mapped, or is mapped to a user that does
 * not exist.
 */
const unmappedUsers = setStatement<'run' | 'tenant'>(
  'verify-unmapped',
  `${add}
  SELECT $run::uuid, CASE WHEN i.id IS NULL THEN 'orphan' ELSE 'unmapped' END, i.id, b.box_user_id, ${none}, b.external_id, NULL,
    CASE WHEN i.id IS NULL THEN 'This Box user belongs to no identity here.'
      ELSE 'This Box user has the external id of the identity, but is not mapped to it.' END
  FROM verify_box_user b
  LEFT JOIN box_account mine ON mine.tenant_id = $tenant::uuid AND mine.box_user_id = b.box_user_id
  LEFT JOIN LATERAL (
    SELECT i.* FROM identity i WHERE i.tenant_id = $tenant::uuid AND ${carries('b.external_id')} ORDER BY i.created_at DESC LIMIT 1
  ) i ON mine.identity_id IS NULL
  LEFT JOIN box_account a ON a.identity_id = i.id
  LEFT JOIN verify_box_user listed ON listed.run_id = $run::uuid AND listed.box_user_id = a.box_user_id
  WHERE b.run_id = $run::uuid AND mine.identity_id IS NULL AND listed.box_user_id IS NULL
    AND CASE WHEN i.id IS NULL THEN b.status <> 'inactive' ELSE NOT ${busy} END`,
);

const missing = setStatement<'run' | 'tenant'>(
  'verify-missing',
  `${add}
  SELECT $run::uuid, 'missing', i.id, a.box_user_id, ${none}, ${externalId}, NULL, 'Box does not list this Box user.'
  FROM box_account a JOIN identity i ON i.id = a.identity_id
  LEFT JOIN verify_box_user b ON b.run_id = $run::uuid AND b.box_user_id = a.box_user_id
  WHERE a.tenant_id = $tenant::uuid AND b.box_user_id IS NULL AND NOT ${busy}
    AND a.created_at < (SELECT started_at FROM verify_run WHERE id = $run::uuid)`,
);

const forgotten = setStatement<'run' | 'tenant'>(
  'verify-forgotten',
  `${add}
  SELECT $run::uuid, 'missing', i.id, NULL, ${none}, ${externalId}, NULL, 'There is no Box user, and no request that would create one.'
  FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id LEFT JOIN ${newestRequest} newest ON true
  WHERE i.tenant_id = $tenant::uuid AND a.identity_id IS NULL AND i.active AND newest.status IS DISTINCT FROM 'failed' AND NOT ${busy}`,
);

const differing = setStatement<'run' | 'tenant'>(
  'verify-differing',
  `${add}
  SELECT $run::uuid, CASE WHEN b.external_id IS DISTINCT FROM ${externalId} THEN 'mismatched' ELSE 'drifted' END,
    i.id, a.box_user_id, ${none}, ${externalId}, NULL, 'This Box user differs from what Foyer wrote.'
  FROM box_account a JOIN identity i ON i.id = a.identity_id
  JOIN verify_box_user b ON b.run_id = $run::uuid AND b.box_user_id = a.box_user_id
  WHERE a.tenant_id = $tenant::uuid AND (b.external_id, b.name, b.status) IS DISTINCT FROM (${externalId}, a.name, a.status) AND NOT ${busy}`,
);

/** Needs no recheck: Box has no part in it, and an identity and its links change in one transaction. */
const unlinked = setStatement<'run' | 'tenant'>(
  'verify-unlinked',
  `${addConfirmed}
  SELECT $run::uuid, 'unlinked', i.id, a.box_user_id, ${none}, ${externalId}, NULL::bigint,
    CASE WHEN l.identity_id IS NULL THEN 'No link leads to this identity under its id.'
      ELSE format('Its id leads to the identity %s.', l.identity_id) END, true
  FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id
  LEFT JOIN identity_link l ON l.tenant_id = i.tenant_id AND l.directory = i.issuer AND l.subject = i.subject
  WHERE i.tenant_id = $tenant::uuid AND l.identity_id IS DISTINCT FROM i.id
  UNION ALL
  SELECT $run::uuid, 'unlinked', l.identity_id, NULL, ${none}, NULL, NULL::bigint,
    format('%s of the links lead to an identity that does not exist, such as the id %s of %s.',
      count(*), min(l.subject), min(l.directory)), true
  FROM identity_link l LEFT JOIN identity i ON i.id = l.identity_id
  WHERE l.tenant_id = $tenant::uuid AND i.id IS NULL GROUP BY l.identity_id`,
);

/** `age_ms`: how old a write must be before its outcome is no longer expected. */
export const compareWrites = setStatement<'run' | 'tenant' | 'age_ms'>(
  'verify-writes',
  `${add}
  SELECT $run::uuid, 'unverified', i.id, a.box_user_id, ${none}, ${externalId}, c.id,
    format('A call %s of %s has an unknown result.', c.operation, to_char(c.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
  FROM api_call c JOIN identity i ON i.id = c.identity_id
  LEFT JOIN api_call_outcome o ON o.call_id = c.id LEFT JOIN box_account a ON a.identity_id = i.id
  WHERE c.tenant_id = $tenant::uuid AND c.system = 'box' AND c.operation IN ('create_user', 'update_user')
    AND c.at < clock_timestamp() - $age_ms::float8 * interval '1 millisecond' AND ${unsettled} AND NOT ${busy}
    AND NOT (i.merged_into IS NOT NULL AND a.identity_id IS NULL)`,
);

export const comparisons = [duplicates, unmappedUsers, missing, forgotten, differing, unlinked] as const;

export const counts = setStatement<'run' | 'tenant'>(
  'verify-counts',
  `SELECT
  (SELECT count(*)::int FROM identity WHERE tenant_id = $tenant::uuid) AS identities,
  (SELECT count(*)::int FROM verify_box_user WHERE run_id = $run::uuid) AS "boxUsers",
  (SELECT count(*)::int FROM box_account WHERE tenant_id = $tenant::uuid) AS mapped,
  (SELECT count(DISTINCT r.identity_id)::int FROM provisioning_request r WHERE r.tenant_id = $tenant::uuid AND ${isOpen('r')}) AS "inProgress",
  (SELECT count(*)::int FROM verify_box_user b WHERE b.run_id = $run::uuid AND b.status = 'inactive'
    AND NOT EXISTS (SELECT FROM box_account a WHERE a.tenant_id = $tenant::uuid AND a.box_user_id = b.box_user_id)
    AND NOT EXISTS (SELECT FROM identity i WHERE i.tenant_id = $tenant::uuid AND ${carries('b.external_id')})) AS "settledOrphans",
  (SELECT count(*)::int FROM box_account a LEFT JOIN verify_box_user b ON b.run_id = $run::uuid AND b.box_user_id = a.box_user_id
    WHERE a.tenant_id = $tenant::uuid AND b.box_user_id IS NULL
      AND a.created_at >= (SELECT started_at FROM verify_run WHERE id = $run::uuid)) AS "tooNew"`,
);

export const notProvisioned = setStatement<'tenant'>(
  'verify-not-provisioned',
  `SELECT CASE WHEN i.active THEN newest.error_code ELSE 'deactivated' END AS why, count(*)::int AS count
  FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id LEFT JOIN ${newestRequest} newest ON true
  WHERE i.tenant_id = $tenant::uuid AND a.identity_id IS NULL AND NOT ${busy} AND (NOT i.active OR newest.status = 'failed')
  GROUP BY 1 ORDER BY 1`,
);

/** How many rows of the mapping one FETCH reads. */
export const DIGEST_ROWS = 5_000;

/** In the order of the digest. */
export const openMapping = setStatement<'tenant'>(
  'verify-mapping',
  `DECLARE mapping NO SCROLL CURSOR FOR SELECT i.issuer, i.subject, a.box_user_id FROM box_account a JOIN identity i ON i.id = a.identity_id
  WHERE a.tenant_id = $tenant::uuid ORDER BY i.issuer COLLATE "C", i.subject COLLATE "C"`,
);
export const fetchMapping = setStatement<never>('verify-mapping-fetch', `FETCH ${DIGEST_ROWS} FROM mapping`);
export const closeMapping = setStatement<never>('verify-mapping-close', 'CLOSE mapping');

const standing = (
  condition: string,
): string => `SELECT i.id AS "identityId", ${externalId} AS "externalId", ${busy} AS "isBusy",
    a.box_user_id AS "boxUserId", a.name, a.status
  FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id
  WHERE i.tenant_id = $tenant::uuid AND ${condition} ORDER BY (a.identity_id IS NULL), i.created_at DESC LIMIT 1`;

/** How a person stands by now, found by one of their ids. */
export const standingBy = {
  identityId: statement<'tenant' | 'id'>('verify-standing', standing('i.id = $id::uuid')),
  boxUserId: statement<'tenant' | 'id'>(
    'verify-standing-of-account',
    standing('a.tenant_id = $tenant::uuid AND a.box_user_id = $id::text'),
  ),
  externalId: statement<'tenant' | 'id'>('verify-standing-of-subject', standing(carries('$id::text'))),
} as const;

/** Whether work on the group `g` is in progress. */
export const groupBusy = `(coalesce(g.lease_expires_at > clock_timestamp(), false) OR EXISTS (
  SELECT FROM provisioning_request q WHERE q.group_id = g.id AND ${isOpen('q')}))`;

/**
 * Records on a mapping that Box differs. Also writes the identity's row, so that this and a worker that takes the
 * identity at the same time see each other. `is_missing`: whether the Box user does not exist.
 */
export const keepDifference = statement<'tenant' | 'id' | 'box_user' | 'is_missing'>(
  'verify-keep-difference',
  `WITH held AS (
    UPDATE identity i SET lease_token = i.lease_token WHERE i.tenant_id = $tenant::uuid AND i.id = $id::uuid AND NOT ${busy} RETURNING i.id
  ) UPDATE box_account a SET found_different = clock_timestamp(), applied_generation = 0,
      missing_since = CASE WHEN $is_missing::boolean THEN coalesce(a.missing_since, clock_timestamp()) ELSE a.missing_since END
    FROM held WHERE a.identity_id = held.id AND a.box_user_id = $box_user::text`,
);

export const groups = setStatement<'tenant' | 'after' | 'limit'>(
  'verify-groups',
  `SELECT g.id, g.box_group_id AS "boxGroupId", g.box_name AS name FROM scim_group g
  WHERE g.tenant_id = $tenant::uuid AND g.deleted_at IS NULL AND g.box_group_id IS NOT NULL AND g.is_surveyed
    AND ($after::uuid IS NULL OR g.id > $after::uuid) ORDER BY g.id LIMIT $limit`,
);

/** `memberships`: what Box lists, [{"id": …, "boxUserId": …}]. */
export const groupDifference = setStatement<'tenant' | 'group' | 'box_group' | 'memberships'>(
  'verify-group-difference',
  `WITH seen AS (
    SELECT x.id, x."boxUserId" AS box_user_id FROM jsonb_to_recordset($memberships::jsonb) AS x (id text, "boxUserId" text)
  ) SELECT ${groupBusy} AS "isBusy",
    (SELECT count(*)::int FROM scim_group_member m WHERE m.group_id = g.id AND m.is_wanted
      AND m.box_membership_id IS NOT NULL AND m.box_membership_id NOT IN (SELECT id FROM seen)) AS lacking,
    (SELECT count(*)::int FROM seen JOIN box_account a ON a.tenant_id = g.tenant_id AND a.box_user_id = seen.box_user_id
      WHERE NOT EXISTS (SELECT FROM scim_group_member m
        WHERE m.group_id = g.id AND m.identity_id = a.identity_id AND m.is_wanted)) AS extra
  FROM scim_group g WHERE g.tenant_id = $tenant::uuid AND g.id = $group::uuid AND g.box_group_id = $box_group::text AND g.deleted_at IS NULL`,
);

/** `name`: the group's name in Box; null: the Box group does not exist. No row: the group is busy, or has another Box group. */
export const holdGroup = statement<'tenant' | 'group' | 'box_group' | 'name'>(
  'verify-hold-group',
  `UPDATE scim_group g SET applied_generation = 0, box_name = $name::text,
    box_group_id = CASE WHEN $name::text IS NULL THEN NULL ELSE g.box_group_id END
  WHERE g.tenant_id = $tenant::uuid AND g.id = $group::uuid AND g.box_group_id = $box_group::text AND NOT ${groupBusy}
  RETURNING g.id`,
);

/**
 * Memberships that Box does not have: wanted members will be added again, the others are deleted.
 */
export const forgetMemberships = setStatement<'group' | 'memberships'>(
  'verify-forget-memberships',
  `WITH seen AS (
    SELECT x.id FROM jsonb_to_recordset($memberships::jsonb) AS x (id text)
  ), done AS (
    DELETE FROM scim_group_member m WHERE m.group_id = $group::uuid AND NOT m.is_wanted AND NOT m.is_unsettled
      AND m.box_membership_id NOT IN (SELECT id FROM seen)
  ) UPDATE scim_group_member m SET box_membership_id = NULL, box_user_id = NULL, is_unsettled = false
    WHERE m.group_id = $group::uuid AND m.is_wanted AND m.box_membership_id NOT IN (SELECT id FROM seen)`,
);

/** Memberships that Box has of our Box users: applied if they are wanted, to be removed if not. */
export const keepMemberships = setStatement<'tenant' | 'group' | 'memberships'>(
  'verify-keep-memberships',
  `INSERT INTO scim_group_member AS m
    (group_id, tenant_id, value, identity_id, is_wanted, box_membership_id, box_user_id)
  SELECT $group::uuid, $tenant::uuid, coalesce(known.value, a.identity_id::text), a.identity_id, false, x.id, x."boxUserId"
  FROM jsonb_to_recordset($memberships::jsonb) AS x (id text, "boxUserId" text)
  JOIN box_account a ON a.tenant_id = $tenant::uuid AND a.box_user_id = x."boxUserId"
  LEFT JOIN scim_group_member known ON known.group_id = $group::uuid AND known.identity_id = a.identity_id
  ON CONFLICT (group_id, value) DO UPDATE SET box_membership_id = excluded.box_membership_id,
    box_user_id = excluded.box_user_id, is_unsettled = m.is_unsettled AND NOT m.is_wanted`,
);

/** Adds the discrepancy. */
export const addGroup = statement<'run' | 'group' | 'detail'>(
  'verify-add-group',
  `INSERT INTO verify_discrepancy (run_id, kind, group_id, detail, confirmed)
  VALUES ($run::uuid, 'group', $group::uuid, $detail::text, true)`,
);
