import { statusesBefore } from '@foyer/shared';
import {
  createsSettled,
  forgetAccount,
  markMissing,
  restoreAccount,
  changesSettled,
} from '../box-accounts/missing-account.ts';
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
} from './attempt-statements.ts';

/** The statements of an attempt for a person, each one round trip and one transaction. */

/**
 * The first worker that takes a person fixes the external id that Box has for them: the id of the directory, unless it
 * stands for another person's Box user already. An id that moves later takes no Box user with it.
 */
const boxExternalId = `CASE WHEN EXISTS (
        SELECT FROM identity o WHERE o.tenant_id = i.tenant_id AND o.box_external_id = i.subject AND o.id <> i.id)
      THEN 'foyer:' || i.id ELSE i.subject END`;

const people: Holder = {
  table: 'identity',
  column: 'identity_id',
  fixed: { column: 'box_external_id', value: boxExternalId },
};

/** True for a mapping `a` when such a call, made since it exists and not included in it, may have changed Box. */
export const mayHave = (operation: 'update_user' | 'delete_user'): string => `EXISTS (
      SELECT FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
      WHERE call.identity_id = a.identity_id AND call.operation = '${operation}' AND call.id > a.settled_update
        AND call.at >= a.created_at
        AND (o.result IS NULL OR o.result IN ('ok', 'ambiguous')))`;

/** Whether Box may have other values than the mapping `a`: an update may have succeeded, or `verify` found a difference. */
export const isUncertain = `(a.found_different IS NOT NULL OR ${mayHave('update_user')})`;

const take = statement<Taking>(
  'take',
  `WITH ${lease(people)}
  SELECT l.subject, l.box_external_id AS own_external_id, l.username, l.name, l.active, l.generation, l.box_profile, l.is_removed, st.effect, st.cause,
    a.box_user_id, a.external_id AS box_external_id, a.name AS box_name, a.profile AS applied_profile, a.status AS box_status, a.applied_generation,
    a.missing_since IS NOT NULL AS box_missing, ${isUncertain} AS box_uncertain, ${mayHave('delete_user')} AS box_may_be_deleted,
    c.id AS create_id, c.result AS create_result, c.status AS create_status,
    c.external_id AS create_external_id, w.operation AS word_operation, w.named AS word_named, ${leasing}
  LEFT JOIN box_account a ON a.identity_id = l.id
  LEFT JOIN LATERAL (
    SELECT call.id, o.result, o.status,
      min(call.id) FILTER (WHERE o.result IS NULL OR o.result IN ('ok', 'ambiguous') OR o.status = 409) OVER () AS first_doubt,
      CASE WHEN o.result IS NULL OR o.result IN ('ok', 'ambiguous') THEN call.parameters ->> 'externalId' END AS external_id
    FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
    WHERE call.identity_id = l.id AND call.operation = 'create_user' AND call.id > l.creates_after
    ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1
  ) c ON a.identity_id IS NULL
  LEFT JOIN LATERAL (
    SELECT (array_agg(call.operation ORDER BY call.id DESC))[1] AS operation,
      (array_agg(coalesce(o.answer ->> 'conflictId', o.answer ->> 'id') ORDER BY call.id DESC))[1] AS named
    FROM api_call call JOIN api_call_outcome o ON o.call_id = call.id
    WHERE call.tenant_id = $tenant::uuid AND call.identity_id = l.id AND call.id >= c.first_doubt AND (
      (call.operation = 'read_user' AND (o.result = 'ok' OR o.status = 404))
      OR (call.parameters ->> 'externalId' = coalesce(c.external_id, l.box_external_id)
        AND ((call.operation IN ('find_user', 'create_user') AND o.result = 'ok')
          OR (call.operation = 'create_user' AND o.status = 409))))
  ) w ON c.first_doubt IS NOT NULL`,
);

/** How each attempt begins and ends. */
export const attempts = { take, ...endings(people) };

const saved = `saved AS (
    INSERT INTO box_account AS a (identity_id, tenant_id, box_user_id, external_id, name, profile, status,
      applied_generation, settled_update)
    SELECT id, $tenant::uuid, $box_user::text, $external_id::text, $name::text, $profile::jsonb, $status::text,
      $generation::int, ${changesSettled} FROM fence
    ON CONFLICT (identity_id) DO UPDATE SET box_user_id = excluded.box_user_id, external_id = excluded.external_id,
      name = excluded.name, profile = excluded.profile, status = excluded.status, applied_generation = excluded.applied_generation,
      settled_update = excluded.settled_update, found_different = NULL, updated_at = clock_timestamp()
  )`;
type Saving =
  'box_user' | 'external_id' | 'profile' | 'name' | 'status' | 'generation' | 'effect' | 'event' | 'detail';

export const save = statement<Extending | 'request' | Saving>(
  'save',
  fenced(
    people,
    `${saved}, noted AS (
    UPDATE provisioning_request r SET effect = $effect::text, version = r.version + 1
    FROM fence, provisioning_request before
    WHERE r.id = $request::uuid AND before.id = r.id
    RETURNING r.id, before.effect IS DISTINCT FROM $effect::text AS is_news
  ), told AS (
    INSERT INTO request_event (request_id, event, detail)
    SELECT id, $event::text, $detail::text FROM noted WHERE is_news AND $event::text IS NOT NULL
  )`,
  ),
);

export const saveAndSucceed = statement<Fenced | 'request' | Saving | 'outcome'>(
  'save-and-succeed',
  fenced(
    people,
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
    { set: 'lease_expires_at = NULL' },
  ),
);

type Gone = Extending | 'request' | 'box_user' | 'detail';

export const noteMissing = statement<Gone>('note-missing', fenced(people, markMissing));

export const restore = statement<Gone | 'name' | 'status' | 'generation'>(
  'restore',
  fenced(people, restoreAccount),
);

export const forget = statement<Gone>(
  'forget',
  fenced(people, forgetAccount, { set: `lease_expires_at = ${leaseEnd}, ${createsSettled}` }),
);
