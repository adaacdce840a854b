import type pg from 'pg';

const CHUNK = 50_000;

/** People `from` to `to` of `count`: their ids, and their arrival times, spread evenly over the last day. */
const people = (from: number, to: number, count: number): string => `
  CREATE TEMP TABLE person AS
  SELECT n, uuidv7() AS id, uuidv7() AS request_id,
    clock_timestamp() - interval '1 day' * (1 - n / ${count}::float8) AS at
  FROM generate_series(${from}, ${to}) n`;

const identities = `
  INSERT INTO identity (id, tenant_id, issuer, subject, username, email, name, created_at, updated_at)
  SELECT id, $1, 'https://example.okta.com', 'load-' || id, 'load-' || id || '@example.com',
    'load-' || id || '@example.com', 'Bench Person ' || n, at, at FROM person`;

/**
 * What a person who signed in once has in the database: the account, the request with its timeline, and the call with
 * its outcome.
 */
const traces = [
  `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation, created_at, updated_at)
   SELECT id, $1, (700000000000 + n)::text, 'Bench Person ' || n, 'active', 1, at, at FROM person`,
  `INSERT INTO provisioning_request (id, tenant_id, identity_id, generation, cause, status, outcome, effect, priority,
     attempts, version, created_at, started_at, finished_at)
   SELECT request_id, $1, id, 1, 'batch', 'succeeded', 'created', 'created', 20, 1, 3, at, at, at FROM person`,
  `INSERT INTO request_event (request_id, at, event)
   SELECT request_id, at, event
   FROM person, unnest(ARRAY['queued', 'started', 'box-user-created', 'succeeded']) AS event WHERE $1::uuid IS NOT NULL`,
  `WITH call AS (
     INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path, request_id, identity_id, parameters)
     SELECT $1, at, 'out', 'box', 'create_user', 'POST', '/2.0/users', request_id, id,
       jsonb_build_object('externalId', 'load-' || id, 'name', 'Bench Person ' || n)
     FROM person RETURNING id, tenant_id, at)
   INSERT INTO api_call_outcome (call_id, tenant_id, call_at, at, result, status, answer, duration_ms)
   SELECT id, tenant_id, at, at, 'ok', 201, '{"status": "active"}', 100 FROM call`,
];

/**
 * Fills a tenant's tables with `count` people, without the intake: `done` with all of their rows, `known` with the
 * identity only. The client must be a superuser's: references are not checked row by row.
 */
export async function load(
  client: pg.Client,
  tenantId: string,
  count: number,
  as: 'known' | 'done',
): Promise<void> {
  await client.query(`SET session_replication_role = replica; SET client_min_messages = warning`);
  for (let from = 1; from <= count; from += CHUNK) {
    const to = Math.min(count, from + CHUNK - 1);
    await client.query(people(from, to, count));
    for (const statement of as === 'done' ? [identities, ...traces] : [identities])
      await client.query(statement, [tenantId]);
    await client.query('DROP TABLE person');
  }
  await client.query('RESET session_replication_role; RESET client_min_messages');
  await client.query('VACUUM ANALYZE');
}
