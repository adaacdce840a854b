import { asOwner, sealAll, sealedAt } from '../audit/audit.harness.ts';
import { findTenant, openDatabase, type Database } from '../database/database.ts';

/** The newest block of a chain, as an operator noted it outside the database. */
export interface NotedHead {
  readonly seq: number;
  readonly hash: string;
}

/** Three calls of `month` with their outcomes, written as before the database set the time of a row itself. */
const CALLS = `
WITH c AS (
  INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path)
  SELECT $1, $2::timestamptz + n * interval '1 second', 'out', 'box', 'find_user', 'GET', '/2.0/users'
  FROM generate_series(1, 3) n RETURNING id, tenant_id, at
) INSERT INTO api_call_outcome (call_id, tenant_id, call_at, at, result, status, duration_ms)
  SELECT id, tenant_id, at, at, 'ok', 200, 3 FROM c`;

/**
 * Gives the tenant of an earlier version's database a chain that this version has pruned by its own rules: two blocks of
 * `month`, of which the first was pruned but for one call that was still needed, and the second wholly, and blocks of
 * now. Returns the head that was noted before the pruning, and the call that was kept.
 */
export async function buildPrunedChain(
  url: string,
  month: string,
): Promise<{ head: NotedHead; keptCall: string }> {
  const database = openDatabase({ url, poolSize: 2 });
  try {
    const tenantId = (await findTenant(database, 'acme')) ?? '';
    for (let block = 0; block < 2; block++) {
      await database.pool.query(CALLS, [tenantId, `${month}-15T12:00:00Z`]);
      await sealAll(database, tenantId);
    }
    await sealedAt({ url, database }, tenantId, month);
    const { rows: heads } = await database.pool.query<NotedHead>(
      `SELECT seq::int, encode(hash, 'hex') AS hash FROM audit_block WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1`,
      [tenantId],
    );
    return { head: heads[0]!, keptCall: await pruneAsBefore(database, tenantId, month) };
  } finally {
    await database.close();
  }
}

/** The earlier way, with the triggers of that version on: mark the blocks, then delete their rows. */
async function pruneAsBefore({ pool }: Database, tenantId: string, month: string): Promise<string> {
  const { rows: blocks } = await pool.query<{ seq: string; first: string }>(
    `SELECT seq::text, lower(call_ids)::text AS first FROM audit_block WHERE tenant_id = $1 AND month = $2 ORDER BY seq`,
    [tenantId, month],
  );
  const [partly, wholly, ...others] = blocks;
  if (!partly || !wholly || others.length > 0)
    throw new Error(`There are ${blocks.length} blocks of ${month}.`);
  await pool.query(
    `UPDATE audit_block SET pruned_at = clock_timestamp(), entries = CASE WHEN seq = $3 THEN entries END
     WHERE tenant_id = $1 AND month = $2`,
    [tenantId, month, partly.seq],
  );
  for (const [table, id, ids] of [
    ['api_call_outcome', 'call_id', 'outcome_ids'],
    ['api_call', 'id', 'call_ids'],
  ] as const)
    await pool.query(
      `DELETE FROM ${table} t USING audit_block b WHERE b.tenant_id = $1 AND b.month = $2 AND b.${ids} @> t.${id} AND t.${id} <> $3`,
      [tenantId, month, partly.first],
    );
  return partly.first;
}

/** Removes a call and its outcome behind the product's back. */
export async function removeCall(url: string, id: string): Promise<void> {
  await asOwner({ url }, 'DELETE FROM api_call_outcome WHERE call_id = $1', [id]);
  await asOwner({ url }, 'DELETE FROM api_call WHERE id = $1', [id]);
}
