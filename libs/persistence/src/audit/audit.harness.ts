import {
  auditFileLines,
  AuditChainCheck,
  checkAuditFile,
  hashOfBlock,
  NO_BLOCK,
  readAct,
  type AuditHead,
  type AuditSummary,
  type CallIntent,
  type CallOutcome,
} from '@foyer/provisioning';
import type { AuditMonths } from '@foyer/shared';
import pg from 'pg';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { transactionsEnded, type TestDatabase } from '../database/database.harness.ts';
import type { Database } from '../database/database.ts';
import { AuditPruner, type PrunedBlocks, type PruneOptions } from './pruner.ts';
import { readAudit } from './reader.ts';
import { AuditSealer } from './sealer.ts';

const nobody = { requestId: null, identityId: null, lease: null };

export const intentOf = (operation: string, parameters: Record<string, unknown> = {}): CallIntent => ({
  direction: 'out',
  system: 'box',
  operation,
  method: 'GET',
  path: '/2.0/users',
  actor: null,
  parameters,
});

export const wentWell: CallOutcome = {
  result: 'ok',
  status: 200,
  error: null,
  answer: { id: '1' },
  durationMs: 1.5,
};

/** Writes `count` calls with their outcomes, as the apps do. */
export async function writeCalls(database: Database, tenantId: string, count: number): Promise<void> {
  const log = new PrismaCallLog(database, tenantId, 30_000);
  for (let at = 0; at < count; at++) await log.record(nobody, intentOf('find_user', { at }), wentWell);
}

/** Seals until nothing is left. Returns how many rows were sealed. */
export async function sealAll(database: Database, tenantId: string): Promise<number> {
  const sealer = new AuditSealer(database, tenantId);
  await transactionsEnded(database);
  for (let rows = 0; ;) {
    const round = await sealer.round();
    rows += round?.rows ?? 0;
    if (round && !round.more) return rows;
  }
}

export async function verify(
  database: Database,
  tenantId: string,
  head: AuditHead | null = null,
): Promise<AuditSummary & { waiting: number }> {
  return readAudit(database, tenantId, async (snapshot) => {
    const check = new AuditChainCheck({
      heads: head === null ? [] : [head],
      strays: snapshot.unsealed.strays,
      acts: snapshot.prunings.flatMap(({ line }) => readAct(line) ?? []),
    });
    for await (const part of snapshot.parts()) check.add(part);
    return { ...check.finish(), waiting: snapshot.unsealed.waiting };
  });
}

/** Prunes to the end, as an operator does. */
export async function prune(
  { database }: TestDatabase,
  tenantId: string,
  month: string,
  options: Partial<PruneOptions> = {},
): Promise<PrunedBlocks[]> {
  const acts: PrunedBlocks[] = [];
  const all = { actor: 'operator:ada', stopping: new AbortController().signal, ...options };
  for await (const act of new AuditPruner(database, tenantId).prune(month, all)) acts.push(act);
  return acts;
}

/** The lines of an export. */
export const exported = (database: Database, tenantId: string, months: AuditMonths): Promise<string[]> =>
  readAudit(database, tenantId, async ({ prunings, parts }) => {
    const about = { tenant: 'acme', months, exportedAt: '2026-11-30T00:00:00.000Z', unsealed: 0, prunings };
    const lines: string[] = [];
    for await (const line of auditFileLines(about, parts())) lines.push(line);
    return lines;
  });

export async function verifyFile(lines: readonly string[]): Promise<AuditSummary> {
  const check = new AuditChainCheck();
  await checkAuditFile(
    (async function* () {
      yield* lines;
    })(),
    check,
  );
  return check.finish();
}

/** Does what only the tables' owner can do: with the triggers disabled. */
export async function asOwner(
  test: Pick<TestDatabase, 'url'>,
  sql: string,
  values: unknown[] = [],
): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: test.url });
  await client.connect();
  try {
    await client.query('BEGIN');
    for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
    const result = await client.query(sql, values);
    for (const table of tables) {
      await client.query(`ALTER TABLE ${table} ENABLE TRIGGER ALL`);
      await client.query(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER append_only`);
    }
    await client.query('COMMIT');
    return result;
  } finally {
    await client.end();
  }
}

const tables = ['api_call', 'api_call_outcome', 'audit_block'];

/** Writes and seals calls as of a past month, because the triggers decide by the time of sealing. */
export async function writeMonth(
  test: TestDatabase,
  tenantId: string,
  month: string,
  count: number,
): Promise<void> {
  const { rows } = await test.database.pool.query<{ id: string }>(
    'SELECT coalesce(max(id), 0) AS id FROM api_call',
  );
  await writeCalls(test.database, tenantId, count);
  const time = `${month}-15T12:00:00Z`;
  await asOwner(test, 'UPDATE api_call SET at = $2 WHERE id > $1', [rows[0]!.id, time]);
  await asOwner(test, 'UPDATE api_call_outcome SET at = $2, call_at = $2 WHERE call_id > $1', [
    rows[0]!.id,
    time,
  ]);
  await sealAll(test.database, tenantId);
  await sealedAt(test, tenantId, month);
}

/** Sets the sealing time of a month's blocks, and rehashes the chain, as only a forger could. */
export async function sealedAt(
  test: Pick<TestDatabase, 'url' | 'database'>,
  tenantId: string,
  month: string,
): Promise<void> {
  const { rows: blocks } = await test.database.pool.query<Parameters<typeof hashOfBlock>[0]>(
    `SELECT tenant_id AS "tenantId", seq::int, month, count, call_ids::text AS calls, outcome_ids::text AS outcomes,
       encode(entries_digest, 'hex') AS "entriesDigest", sealed_at AS "sealedAt" FROM audit_block WHERE tenant_id = $1 ORDER BY seq`,
    [tenantId],
  );
  let previous = NO_BLOCK;
  for (const block of blocks) {
    const time = block.month === month ? `${month}-20T12:00:00.000Z` : new Date(block.sealedAt).toISOString();
    const hash = hashOfBlock({ ...block, previous, sealedAt: time });
    await asOwner(
      test,
      `UPDATE audit_block SET sealed_at = $3, previous = decode($4, 'hex'), hash = decode($5, 'hex') WHERE tenant_id = $1 AND seq = $2`,
      [tenantId, block.seq, time, previous, hash],
    );
    previous = hash;
  }
}
