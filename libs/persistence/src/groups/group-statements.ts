import { statusesBefore } from '@foyer/shared';
import { statement, wordList } from '../database/statement.ts';
import {
  endings,
  fenced,
  lease,
  leaseEnd,
  leasing,
  succeeding,
  type Extending,
  type Fenced,
  type Holder,
  type Taking,
} from '../convergence/attempt-statements.ts';

/** The statements of an attempt for a group, each one round trip and one transaction. */

const groups: Holder = { table: 'scim_group', column: 'group_id' };

const take = statement<Taking>(
  'take-group',
  `WITH ${lease(groups)}
  SELECT l.display_name, l.deleted_at IS NOT NULL AS is_deleted, l.generation, l.box_group_id, l.box_name, l.is_surveyed,
    l.begun_name, l.taken_name, l.surveyed_to, EXISTS (
      SELECT FROM scim_group o WHERE o.tenant_id = l.tenant_id AND o.deleted_at IS NULL AND o.id <> l.id
        AND scim_group_name(o.display_name) = scim_group_name(l.box_name)) AS is_in_the_way,
        st.effect, ${leasing}`,
);

/** How each attempt begins and ends. */
export const attempts = { take, ...endings(groups) };

/** Adds a line to the timeline, and sets what the request has done so far. */
const told = (effect: string): string => `noted AS (
    UPDATE provisioning_request r SET effect = ${effect}, version = r.version + 1
    FROM saved s WHERE r.id = $request::uuid RETURNING r.id
  ), told AS (
    INSERT INTO request_event (request_id, event, detail) SELECT id, $event::text, $detail::text FROM noted
  )`;

export const save = statement<
  | Extending
  | 'request'
  | 'box_group'
  | 'box_name'
  | 'surveyed'
  | 'surveyed_to'
  | 'effect'
  | 'event'
  | 'detail'
>(
  'save-group',
  fenced(groups, `saved AS (SELECT id FROM fence), ${told('coalesce($effect::text, r.effect)')}`, {
    set: `lease_expires_at = ${leaseEnd}, box_group_id = $box_group::text, box_name = $box_name::text,
      is_surveyed = $surveyed::int = 1, surveyed_to = $surveyed_to::int, begun_name = NULL, taken_name = NULL,
      applied_generation = 0`,
  }),
);

export const begin = statement<Extending | 'name'>(
  'begin-group',
  fenced(groups, 'begun AS (SELECT id FROM fence)', {
    set: `lease_expires_at = ${leaseEnd}, begun_name = $name::text`,
  }),
);

export const noteTaken = statement<Extending | 'name'>(
  'note-taken',
  fenced(groups, 'noted AS (SELECT id FROM fence)', {
    set: `lease_expires_at = ${leaseEnd}, taken_name = $name::text`,
  }),
);

/** The Box group and its memberships do not exist any more: wanted members are added again, the others are removed. */
export const dropMembers = statement<Extending>(
  'drop-members',
  fenced(
    groups,
    `dropped AS (
    DELETE FROM scim_group_member m USING fence f WHERE m.group_id = f.id AND NOT m.is_wanted
  ), reset AS (
    UPDATE scim_group_member m SET box_membership_id = NULL, box_user_id = NULL, is_unsettled = false, trouble = NULL
    FROM fence f WHERE m.group_id = f.id AND m.is_wanted AND (m.box_membership_id IS NOT NULL OR m.is_unsettled)
  )`,
  ),
);

/** $memberships: [{"id": …, "boxUserId": …}]. */
export const noteMemberships = statement<Extending | 'memberships' | 'surveyed_to'>(
  'note-memberships',
  fenced(
    groups,
    `found AS (
    INSERT INTO scim_group_member AS m (group_id, tenant_id, value, identity_id, is_wanted, box_membership_id, box_user_id)
    SELECT f.id, $tenant::uuid, a.identity_id::text, a.identity_id, false, x.id, x."boxUserId"
    FROM fence f, jsonb_to_recordset($memberships::jsonb) AS x (id text, "boxUserId" text)
    JOIN box_account a ON a.tenant_id = $tenant::uuid AND a.box_user_id = x."boxUserId"
    ON CONFLICT (group_id, value) DO UPDATE SET box_membership_id = excluded.box_membership_id,
      box_user_id = excluded.box_user_id, is_unsettled = m.is_unsettled AND NOT m.is_wanted
  )`,
    { set: `lease_expires_at = ${leaseEnd}, surveyed_to = $surveyed_to::int` },
  ),
);

/**
 * The members that need a change, with their Box users; each is marked as unsettled before Box is called. A member without
 * a Box user, or with a missing one, is skipped. If a person's account was replaced, the old account's memberships and answers do not count for the new one.
 */
export const memberTasks = statement<Extending | 'after' | 'limit'>(
  'member-tasks',
  fenced(
    groups,
    `todo AS (
    SELECT m.value, m.identity_id, m.is_wanted, m.box_membership_id, m.box_user_id, a.box_user_id AS account,
      CASE WHEN NOT m.is_wanted OR m.box_user_id = a.box_user_id THEN m.box_answer END AS answer
    FROM fence f JOIN scim_group_member m ON m.group_id = f.id
    LEFT JOIN box_account a ON a.identity_id = m.identity_id AND a.missing_since IS NULL
    WHERE (NOT m.is_wanted OR (m.box_membership_id IS NULL AND m.identity_id IS NOT NULL))
      AND m.value > $after::text AND (NOT m.is_wanted OR a.box_user_id IS NOT NULL)
    ORDER BY m.value LIMIT $limit::int
  ), begun AS (
    UPDATE scim_group_member m SET is_unsettled = true, trouble = NULL, box_answer = t.answer,
      box_user_id = CASE WHEN t.is_wanted THEN t.account ELSE m.box_user_id END
    FROM fence f, todo t
    WHERE m.group_id = f.id AND m.value = t.value AND m.is_wanted = t.is_wanted
    RETURNING m.value
  )`,
    {
      select: `SELECT t.value, t.identity_id, t.is_wanted, t.box_membership_id, coalesce(t.account, t.box_user_id) AS add_to,
      t.box_user_id, t.answer, b.value IS NOT NULL AS is_begun
    FROM fence f LEFT JOIN todo t ON true LEFT JOIN begun b ON b.value = t.value ORDER BY t.value`,
    },
  ),
);

export const memberAnswered = statement<Extending | 'value' | 'answer'>(
  'member-answered',
  fenced(
    groups,
    `saved AS (
    UPDATE scim_group_member m SET box_answer = $answer::text FROM fence f WHERE m.group_id = f.id AND m.value = $value::text
  )`,
  ),
);

export const memberAdded = statement<Extending | 'value' | 'membership' | 'box_user'>(
  'member-added',
  fenced(
    groups,
    `saved AS (
    UPDATE scim_group_member m SET box_membership_id = $membership::text, box_user_id = $box_user::text,
      is_unsettled = false, box_answer = NULL, trouble = NULL
    FROM fence f WHERE m.group_id = f.id AND m.value = $value::text
  )`,
  ),
);

/**
 * The membership that is about to be removed. The row stays unsettled: if the answer to the removal is lost, Box may or
 * may not have the member. A member who is wanted again by now is settled by the next task.
 */
export const memberFound = statement<Extending | 'value' | 'membership' | 'box_user'>(
  'member-found',
  fenced(
    groups,
    `saved AS (
    UPDATE scim_group_member m SET box_membership_id = $membership::text, box_user_id = $box_user::text, box_answer = NULL
    FROM fence f WHERE m.group_id = f.id AND m.value = $value::text AND NOT m.is_wanted
  )`,
  ),
);

/** A member who is wanted again by now will be added again. */
export const memberRemoved = statement<Extending | 'value'>(
  'member-removed',
  fenced(
    groups,
    `gone AS (
    DELETE FROM scim_group_member m USING fence f WHERE m.group_id = f.id AND m.value = $value::text AND NOT m.is_wanted
  ), back AS (
    UPDATE scim_group_member m SET box_membership_id = NULL, box_user_id = NULL, box_answer = NULL, is_unsettled = false
    FROM fence f WHERE m.group_id = f.id AND m.value = $value::text AND m.is_wanted
  )`,
  ),
);

export const memberRefused = statement<Extending | 'value' | 'why'>(
  'member-refused',
  fenced(
    groups,
    `saved AS (
    UPDATE scim_group_member m SET trouble = $why::text, box_answer = NULL, is_unsettled = false
    FROM fence f WHERE m.group_id = f.id AND m.value = $value::text
  )`,
  ),
);

export const noteMembers = statement<Extending | 'request' | 'effect' | 'event' | 'detail'>(
  'note-members',
  fenced(groups, `saved AS (SELECT id FROM fence), ${told('coalesce(r.effect, $effect::text)')}`),
);

/**
 * Marks the group as in step with its generation, unless it was changed since it was taken or a member needs a change.
 * If a member gets a Box user after this statement began, that opens another request for the group.
 */
export const finish = statement<Fenced | 'request' | 'outcome' | 'generation'>(
  'finish-group',
  `WITH fence AS (
    UPDATE scim_group g SET lease_expires_at = NULL, applied_generation = $generation::int
    WHERE g.id = $holder::uuid AND g.tenant_id = $tenant::uuid
      AND g.lease_token = $token::bigint AND g.lease_expires_at > clock_timestamp()
      AND (g.generation <> $generation::int OR g.deleted_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM scim_group_member m
        LEFT JOIN box_account a ON a.identity_id = m.identity_id AND a.missing_since IS NULL
        WHERE m.group_id = g.id AND (NOT m.is_wanted OR (m.box_membership_id IS NULL AND m.identity_id IS NOT NULL))
          AND (NOT m.is_wanted OR a.box_user_id IS NOT NULL)))
    RETURNING id
  ), ended AS (
    UPDATE provisioning_request r SET ${succeeding}
    FROM fence WHERE r.id = $request::uuid AND r.status IN (${wordList(statusesBefore('succeeded'))})
    RETURNING r.id
  ), told AS (
    INSERT INTO request_event (request_id, event, detail) SELECT id, 'succeeded', $outcome::text FROM ended
  ) SELECT 1 AS held FROM fence`,
);

/** Whether the lease is still held, which tells a lost lease from a `finish` with changed members. */
export const holds = statement<Fenced>(
  'holds-group',
  `SELECT 1 AS held FROM scim_group WHERE id = $holder::uuid AND tenant_id = $tenant::uuid
     AND lease_token = $token::bigint AND lease_expires_at > clock_timestamp()`,
);
