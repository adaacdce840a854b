import { priorityOf } from '@foyer/shared';
import { isLinkOf, linkMade } from '../identities/links.ts';
import { isInStep } from '../box-accounts/in-step.ts';
import { isUserNameTaken } from '../identities/name-sources.ts';
import { openRequests } from '../requests/open-requests.ts';

/** Releases the key of a batch without a heartbeat for $4 milliseconds. */
export const releaseKey = `UPDATE provisioning_batch SET idempotency_key = NULL
  WHERE tenant_id = $1 AND actor = $2 AND idempotency_key = $3::text AND received_at IS NULL
    AND heartbeat_at < clock_timestamp() - $4 * interval '1 millisecond'`;

export const begin = `INSERT INTO provisioning_batch (tenant_id, actor, format, idempotency_key) VALUES ($1, $2, $3, $4)
  ON CONFLICT (tenant_id, actor, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id`;

export const earlier = `SELECT id, body_hash AS "bodyHash" FROM provisioning_batch
  WHERE tenant_id = $1 AND actor = $2 AND idempotency_key = $3`;

export const end = `UPDATE provisioning_batch SET received_at = clock_timestamp(), body_hash = $3,
    stopped_line = $4::int, stopped_why = $5::text,
    idempotency_key = CASE WHEN $4::int IS NULL THEN idempotency_key END
  WHERE id = $1 AND tenant_id = $2`;

/** The people of a chunk: $1 tenant, $2 issuers, $3 subjects, and in `profiles` user names, addresses, names. */
const people = 'unnest($2::text[], $3::text[]) AS p (issuer, subject)';
const profiles =
  'unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS p (issuer, subject, username, email, name)';
const isTaken = isUserNameTaken({ tenant: '$1', subject: 'p.subject', username: 'p.username' });
const source = `CASE WHEN ${isTaken} THEN 'claimed' ELSE 'administered' END`;
const isTheirs = isLinkOf({ tenant: '$1', directory: 'p.issuer', subject: 'p.subject' });
/** Joins the link `l` and the identity `i` of each person `p`. */
const theirs = `JOIN identity_link l ON ${isTheirs} JOIN identity i ON i.id = l.identity_id`;

/**
 * Sorted, so that two files with the same people wait for each other instead of deadlocking. A person inserted by
 * another transaction at the same moment is found by the next statement.
 */
export const addIdentities = `WITH made AS (
    INSERT INTO identity (tenant_id, issuer, subject, username, email, name, username_source, email_source)
    SELECT $1, p.*, ${source}, 'administered' FROM ${profiles}
    WHERE NOT EXISTS (SELECT FROM identity_link l WHERE ${isTheirs})
    ORDER BY p.issuer, p.subject ON CONFLICT (tenant_id, issuer, subject) DO NOTHING
    RETURNING id, tenant_id, issuer, subject
  ), ${linkMade(`'same_subject'`, "'batch'", { mayMove: false })}
  SELECT FROM made`;

/**
 * In the order in which every statement locks several identities. A concurrent sign-in or attempt waits for the chunk's
 * end.
 */
export const holdIdentities = `SELECT i.id FROM ${people} ${theirs} ORDER BY i.id FOR NO KEY UPDATE OF i`;

const differs = '(i.username, i.email, i.name) IS DISTINCT FROM (p.username, p.email, p.name)';

/** A file administers the people in it: a name that only a sign-in claimed before is theirs from now on. */
export const changeIdentities = `UPDATE identity i SET username = p.username, email = p.email, name = p.name,
    username_source = ${source}, email_source = 'administered',
    generation = i.generation + CASE WHEN ${differs} THEN 1 ELSE 0 END, updated_at = clock_timestamp()
  FROM ${profiles} JOIN identity_link l ON ${isTheirs} WHERE i.id = l.identity_id AND i.active AND i.scim IS NULL
    AND (${differs} OR (i.username_source, i.email_source) IS DISTINCT FROM ('administered', 'administered'))`;

const standing = `${people} ${theirs} LEFT JOIN box_account a ON a.identity_id = i.id`;
const inStep = isInStep('i', 'a');

/** Due at once, because the gateway does not enqueue them: the relay does, as there is room. */
export const makeRequests = `WITH ${openRequests({
  ...{ of: 'identity', from: `${standing} WHERE i.active AND NOT ${inStep}`, tenant: '$1::uuid' },
  ...{ id: 'i.id', generation: 'i.generation', cause: "'batch'", priority: priorityOf.batch },
})} SELECT FROM request`;

/** The request or the code of each line ($4) of the batch ($5); no row for people who are in step. */
export const addLines = `INSERT INTO provisioning_batch_line (batch_id, line, subject, request_id, code)
  SELECT $5, n.line, n.subject, newest.id, CASE WHEN NOT i.active THEN 'identity_deactivated' END
  FROM unnest($2::text[], $3::text[], $4::int[]) AS n (issuer, subject, line)
  JOIN (SELECT i.id, i.active, i.generation, p.issuer, p.subject, ${inStep} AS in_step FROM ${standing}) i
    ON i.issuer = n.issuer AND i.subject = n.subject
  LEFT JOIN LATERAL (
    SELECT r.id FROM provisioning_request r
    WHERE r.tenant_id = $1 AND r.identity_id = i.id AND r.generation = i.generation
    ORDER BY r.created_at DESC, r.id DESC LIMIT 1
  ) newest ON i.active
  WHERE NOT i.active OR NOT i.in_step`;

export const addRefused = `INSERT INTO provisioning_batch_line (batch_id, line, subject, code, errors)
  SELECT $1, r.line, r.subject, 'invalid_request', r.errors::jsonb
  FROM unnest($2::int[], $3::text[], $4::text[]) AS r (line, subject, errors)`;

/** $3 lines were read up to line $4, $5 of them people. Their lines exist by now: people without one are in step. */
export const count = `UPDATE provisioning_batch b SET lines = lines + $3, last_line = $4, heartbeat_at = clock_timestamp(),
    refused = refused + ($3 - $5) + kept.deactivated, in_step = in_step + $5 - kept.people
  FROM (
    SELECT (count(*) FILTER (WHERE errors IS NULL))::int AS people,
      (count(*) FILTER (WHERE errors IS NULL AND request_id IS NULL))::int AS deactivated
    FROM provisioning_batch_line WHERE batch_id = $1
      AND line > (SELECT last_line FROM provisioning_batch WHERE id = $1)
  ) kept WHERE b.id = $1 AND b.tenant_id = $2`;
