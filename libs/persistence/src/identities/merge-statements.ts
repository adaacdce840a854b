import { STAND_IN } from '@foyer/scim';
import { statusesBefore } from '@foyer/shared';
import { changesSettled, createsSettled, keepAsFormer } from '../box-accounts/missing-account.ts';
import { mayHave } from '../convergence/convergence-statements.ts';
import { statement, wordList } from '../database/statement.ts';
import { hasOpenCreate } from '../requests/unsettled.ts';
import { takeOut, wantedAgain } from '../scim/groups/group-members.ts';
import { isOpen } from '../requests/open-requests.ts';

/** The statements of a merge. They run in one transaction, which holds the rows of both identities. */

type Two = 'tenant' | 'staying' | 'other';

/** Locks both rows in the order of their ids, so that a merge of A and B waits for one of B and A. */
export const lockBoth = statement<Two>(
  'merge-lock',
  `SELECT id FROM identity WHERE tenant_id = $tenant::uuid AND id IN ($staying::uuid, $other::uuid)
   ORDER BY id FOR UPDATE`,
);

export const readSide = statement<'tenant' | 'id'>(
  'merge-side',
  `SELECT i.id AS "identityId", i.username, i.name, i.active, i.merged_into AS "mergedInto",
     i.scim IS NOT NULL AND i.scim_deleted_at IS NULL AS "isManaged",
     CASE WHEN a.identity_id IS NOT NULL THEN jsonb_build_object('boxUserId', a.box_user_id, 'name', a.name,
       'status', a.status, 'isMissing', a.missing_since IS NOT NULL) END AS account,
     a.identity_id IS NULL AND ${hasOpenCreate} AS "mayHaveBoxUser",
     a.identity_id IS NOT NULL AND ${mayHave('delete_user')} AS "mayBeDeleted",
     coalesce((SELECT jsonb_agg(jsonb_build_object('directory', l.directory, 'subject', l.subject, 'rule', l.rule)
         ORDER BY l.directory, l.subject)
       FROM identity_link l WHERE l.tenant_id = i.tenant_id AND l.identity_id = i.id), '[]') AS links,
     coalesce((SELECT jsonb_agg(jsonb_build_object('groupId', g.id, 'displayName', g.display_name) ORDER BY g.display_name, g.id)
       FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id
       WHERE m.identity_id = i.id AND m.is_wanted AND g.deleted_at IS NULL), '[]') AS groups,
     (SELECT count(*)::int FROM session s WHERE s.sess ->> 'identityId' = i.id::text AND s.expire > clock_timestamp())
       AS sessions,
     (SELECT count(*)::int FROM provisioning_request q WHERE q.identity_id = i.id AND ${isOpen('q')}) AS "openRequests"
   FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id
   WHERE i.tenant_id = $tenant::uuid AND i.id = $id::uuid`,
);

export const endRequests = statement<'tenant' | 'other' | 'detail'>(
  'merge-end-requests',
  `WITH ended AS (
    UPDATE provisioning_request r SET status = 'failed', error_code = 'identity_merged', error_detail = $detail::text,
      finished_at = clock_timestamp(), due_at = NULL, next_attempt_at = NULL, version = r.version + 1
    WHERE r.tenant_id = $tenant::uuid AND r.identity_id = $other::uuid AND r.status IN (${wordList(statusesBefore('failed'))})
    RETURNING r.id
  ) INSERT INTO request_event (request_id, event, detail) SELECT id, 'failed', 'identity_merged' FROM ended`,
);

/** An id that stands in for a missing one leads nowhere else. */
export const moveLinks = statement<Two | 'by'>(
  'merge-links',
  `UPDATE identity_link SET identity_id = $staying::uuid, rule = 'operator_merge', made_at = clock_timestamp(),
     made_by = $by::text
   WHERE tenant_id = $tenant::uuid AND identity_id = $other::uuid AND subject NOT LIKE '${STAND_IN}%'`,
);

const theirExternalId = `coalesce(identity.box_external_id,
      (SELECT coalesce(a.external_id, identity.subject) FROM box_account a WHERE a.identity_id = identity.id
        AND NOT EXISTS (SELECT FROM identity o WHERE o.tenant_id = identity.tenant_id
          AND o.box_external_id = coalesce(a.external_id, identity.subject) AND o.id <> identity.id)))`;

/**
 * The other identity leads nowhere: its id is a stand-in, it is no SCIM resource, its user name finds nobody, and its
 * worker has lost the lease. Its creates say nothing of a next account.
 */
export const switchOff = statement<Two | 'takes_over'>(
  'merge-off',
  `UPDATE identity SET active = false, merged_into = $staying::uuid, merged_at = clock_timestamp(),
     subject = CASE WHEN subject LIKE '${STAND_IN}%' THEN subject ELSE '${STAND_IN}' || gen_random_uuid() END,
     scim = CASE WHEN scim IS NOT NULL THEN jsonb_set(scim, '{active}', 'false') END,
     scim_deleted_at = CASE WHEN scim IS NOT NULL THEN coalesce(scim_deleted_at, clock_timestamp()) END,
     is_removed = false, username_source = 'claimed', email_source = 'claimed', session_epoch = session_epoch + 1,
     lease_token = lease_token + 1, lease_expires_at = NULL, ${createsSettled},
     box_external_id = CASE WHEN $takes_over::int = 0 THEN ${theirExternalId} END,
     gave_box_external_id = CASE WHEN $takes_over::int = 1 THEN ${theirExternalId} END,
     generation = generation + 1, updated_at = clock_timestamp()
   WHERE tenant_id = $tenant::uuid AND id = $other::uuid RETURNING generation`,
);

/** Who was merged into the other one before is merged into the one that stays, so that no chain arises. */
export const followOn = statement<Two>(
  'merge-follow-on',
  `UPDATE identity SET merged_into = $staying::uuid WHERE tenant_id = $tenant::uuid AND merged_into = $other::uuid`,
);

/**
 * `takes_over`: the Box external id of the other one comes with its Box user, which nothing deletes any more; a worker that
 * has just taken the identity without an account loses the lease.
 */
export const settleStaying = statement<Two | 'takes_over' | 'reactivates' | 'is_work'>(
  'merge-stay',
  `UPDATE identity SET session_epoch = session_epoch + 1,
     active = active OR $reactivates::int = 1,
     scim = CASE WHEN scim IS NOT NULL AND $reactivates::int = 1 THEN jsonb_set(scim, '{active}', 'true') ELSE scim END,
     scim_deleted_at = CASE WHEN $reactivates::int = 0 THEN scim_deleted_at END,
     is_removed = is_removed AND $reactivates::int = 0 AND $takes_over::int = 0,
     box_external_id = CASE WHEN $takes_over::int = 0 THEN box_external_id
       ELSE (SELECT o.gave_box_external_id FROM identity o WHERE o.id = $other::uuid) END,
     lease_token = lease_token + $takes_over::int,
     lease_expires_at = CASE WHEN $takes_over::int = 0 THEN lease_expires_at END,
     generation = generation + $is_work::int,
     updated_at = clock_timestamp()
   WHERE tenant_id = $tenant::uuid AND id = $staying::uuid RETURNING generation`,
);

/**
 * The mapping of the other one becomes that of the one that stays. Whatever was changed for the other identity, and has no
 * known result, is set again: the log has it under the other identity.
 */
export const takeOver = statement<Two>(
  'merge-take-over',
  `WITH theirs AS (
    DELETE FROM box_account WHERE tenant_id = $tenant::uuid AND identity_id = $other::uuid RETURNING *
  ), fence AS (SELECT $staying::uuid AS id)
  INSERT INTO box_account (identity_id, tenant_id, box_user_id, external_id, name, profile, status, applied_generation,
    settled_update, missing_since, found_different, created_at)
  SELECT fence.id, t.tenant_id, t.box_user_id, t.external_id, t.name, t.profile, t.status, 0, ${changesSettled},
    t.missing_since, clock_timestamp(), t.created_at
  FROM theirs t, fence`,
);

/** The Box user that is deactivated stands among the former ones of the person; so do those of the other identity. */
export const keepFormer = statement<Two>(
  'merge-former',
  `WITH earlier AS (
    UPDATE former_box_account SET identity_id = $staying::uuid
    WHERE tenant_id = $tenant::uuid AND identity_id = $other::uuid
  ), removed AS (
    SELECT a.tenant_id, $staying::uuid AS identity_id, a.box_user_id, a.name, a.status, a.created_at
    FROM box_account a WHERE a.tenant_id = $tenant::uuid AND a.identity_id = $other::uuid
  ), ${keepAsFormer('merged', 'removed')}
  SELECT 1 FROM kept`,
);

/** The groups that change, locked in the order of their ids. */
export const lockGroups = statement<'tenant' | 'other'>(
  'merge-groups',
  `SELECT g.id FROM scim_group g WHERE g.tenant_id = $tenant::uuid AND g.deleted_at IS NULL AND g.id IN (
     SELECT m.group_id FROM scim_group_member m WHERE m.identity_id = $other::uuid AND m.is_wanted)
   ORDER BY g.id FOR NO KEY UPDATE OF g`,
);

/** The person becomes a member as the one that stays; the former Box user leaves the groups. */
export const moveMembers = statement<Two>(
  'merge-members',
  `WITH moved AS (
    INSERT INTO scim_group_member AS m (group_id, tenant_id, value, identity_id, display, type)
    SELECT o.group_id, o.tenant_id, $staying::uuid::text, $staying::uuid, o.display, 'User'
    FROM scim_group_member o JOIN scim_group g ON g.id = o.group_id
    WHERE o.tenant_id = $tenant::uuid AND o.identity_id = $other::uuid AND o.is_wanted AND g.deleted_at IS NULL
    ON CONFLICT (group_id, value) DO UPDATE SET ${wantedAgain}
    WHERE NOT m.is_wanted
  ), ${takeOut('m.tenant_id = $tenant::uuid AND m.identity_id = $other::uuid')}
  SELECT 1`,
);

/** The rows of the other one stay, with the memberships of its Box user, under the id of the one that stays. */
export const members = [
  statement<Two>(
    'merge-members-wanted',
    `UPDATE scim_group_member m SET ${wantedAgain}
     WHERE m.tenant_id = $tenant::uuid AND m.identity_id = $other::uuid AND NOT m.is_wanted AND EXISTS (
       SELECT FROM scim_group_member s WHERE s.group_id = m.group_id AND s.identity_id = $staying::uuid AND s.is_wanted)`,
  ),
  statement<Two>(
    'merge-members-own',
    `DELETE FROM scim_group_member s WHERE s.tenant_id = $tenant::uuid AND s.identity_id = $staying::uuid AND EXISTS (
       SELECT FROM scim_group_member m WHERE m.group_id = s.group_id AND m.identity_id = $other::uuid)`,
  ),
  statement<Two>(
    'merge-members-theirs',
    `UPDATE scim_group_member m SET value = $staying::uuid::text, identity_id = $staying::uuid
     WHERE m.tenant_id = $tenant::uuid AND m.identity_id = $other::uuid`,
  ),
] as const;
