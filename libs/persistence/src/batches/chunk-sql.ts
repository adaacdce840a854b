import { priorityOf } from '@foyer/shared';
import { setStatement, statement } from '../database/statement.ts';
import { isLinkOf, linkMade } from '../identities/links.ts';
import { openRequests } from '../requests/open-requests.ts';

/** The statements that store the people of a chunk. They run in one transaction. */

const isTheirs = isLinkOf({ tenant: '$tenant::uuid', directory: 'p.issuer', subject: 'p.subject' });

/**
 * Locks the identities of the chunk in the order of their ids, as every statement does that locks several. A concurrent
 * sign-in or attempt waits for the chunk's end.
 */
export const holdPeople = setStatement<'tenant' | 'issuers' | 'subjects'>(
  'batch-hold',
  `SELECT i.id FROM unnest($issuers::text[], $subjects::text[]) AS p (issuer, subject)
   JOIN identity_link l ON ${isTheirs} JOIN identity i ON i.id = l.identity_id
   ORDER BY i.id FOR NO KEY UPDATE OF i`,
);

const names = 'username, email, name, username_source, email_source';
export type NamesValue = 'usernames' | 'emails' | 'names' | 'username_sources' | 'email_sources';
const namesGiven = `$usernames::text[], $emails::text[], $names::text[], $username_sources::text[],
      $email_sources::text[]`;

/**
 * Sorted, so that two files with the same people wait for each other instead of deadlocking. A person whom another
 * transaction adds at the same moment is left out of the result.
 */
export const addPeople = setStatement<'tenant' | 'issuers' | 'subjects' | NamesValue>(
  'batch-add',
  `WITH made AS (
    INSERT INTO identity (tenant_id, issuer, subject, ${names})
    SELECT $tenant::uuid, p.* FROM unnest($issuers::text[], $subjects::text[], ${namesGiven})
      AS p (issuer, subject, ${names})
    ORDER BY p.issuer, p.subject ON CONFLICT (tenant_id, issuer, subject) DO NOTHING
    RETURNING id, tenant_id, issuer, subject
  ), ${linkMade('same_subject', "'batch'", { mayMove: false })}
  SELECT id, issuer, subject FROM made`,
);

/** `bumps`: 1 where Box has to be changed, too. */
export const changePeople = setStatement<'tenant' | 'ids' | 'bumps' | NamesValue>(
  'batch-change',
  `UPDATE identity i SET username = p.username, email = p.email, name = p.name, username_source = p.username_source,
     email_source = p.email_source, generation = i.generation + p.bump,
     updated_at = CASE p.bump WHEN 0 THEN i.updated_at ELSE clock_timestamp() END
   FROM unnest($ids::uuid[], $bumps::int[], ${namesGiven}) AS p (id, bump, ${names})
   WHERE i.tenant_id = $tenant::uuid AND i.id = p.id`,
);

/** Due at once, because the gateway does not enqueue them: the relay does, as there is room. */
export const requestPeople = setStatement<'tenant' | 'ids'>(
  'batch-request',
  `WITH ${openRequests({
    ...{ of: 'identity', from: 'identity WHERE tenant_id = $tenant::uuid AND id = ANY($ids::uuid[])' },
    ...{ tenant: '$tenant::uuid', cause: "'batch'", priority: priorityOf.batch },
  })} SELECT FROM request`,
);

/** A line for each person who is not in step: with the request that converges them, or a code instead. */
export const addLines = setStatement<'tenant' | 'batch' | 'lines' | 'subjects' | 'ids' | 'codes'>(
  'batch-lines',
  `INSERT INTO provisioning_batch_line (batch_id, line, subject, request_id, code)
   SELECT $batch::uuid, n.line, n.subject, newest.id, n.code
   FROM unnest($lines::int[], $subjects::text[], $ids::uuid[], $codes::text[]) AS n (line, subject, id, code)
   JOIN identity i ON i.tenant_id = $tenant::uuid AND i.id = n.id
   LEFT JOIN LATERAL (
     SELECT r.id FROM provisioning_request r
     WHERE r.tenant_id = i.tenant_id AND r.identity_id = i.id AND r.generation = i.generation
     ORDER BY r.created_at DESC, r.id DESC LIMIT 1
   ) newest ON n.code IS NULL`,
);

export const addRefused = setStatement<'batch' | 'lines' | 'subjects' | 'errors'>(
  'batch-refused',
  `INSERT INTO provisioning_batch_line (batch_id, line, subject, code, errors)
   SELECT $batch::uuid, r.line, r.subject, 'invalid_request', r.errors::jsonb
   FROM unnest($lines::int[], $subjects::text[], $errors::text[]) AS r (line, subject, errors)`,
);

/**
 * `read` lines were read up to `last_line`, `people` of them people. Their lines exist by now: people without one are
 * in step.
 */
export const countLines = statement<'tenant' | 'batch' | 'read' | 'last_line' | 'people'>(
  'batch-count',
  `UPDATE provisioning_batch b SET lines = lines + $read::int, last_line = $last_line::int,
     heartbeat_at = clock_timestamp(), refused = refused + ($read::int - $people::int) + kept.deactivated,
     in_step = in_step + $people::int - kept.people
   FROM (
     SELECT (count(*) FILTER (WHERE errors IS NULL))::int AS people,
       (count(*) FILTER (WHERE errors IS NULL AND request_id IS NULL))::int AS deactivated
     FROM provisioning_batch_line WHERE batch_id = $batch::uuid
       AND line > (SELECT last_line FROM provisioning_batch WHERE id = $batch::uuid)
   ) kept WHERE b.id = $batch::uuid AND b.tenant_id = $tenant::uuid`,
);
