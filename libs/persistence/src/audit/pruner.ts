import { PRUNE_OPERATION, unpackEntries, type AuditKind } from '@foyer/provisioning';
import { openStatuses, type AuditPruning } from '@foyer/shared';
import type { PoolClient } from 'pg';
import { PrismaCallLog } from '../call-log/call-log.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { AuditSealer } from './sealer.ts';
import { auditKinds, auditTables } from './tables.ts';
import { neededRows, ranges, type KeptReason, type NeededRow } from './needed.ts';

/**
 * A month that can be pruned. `blocks` still have rows; `tooFresh` were sealed too recently for the database to allow
 * it.
 */
export interface PrunableMonth {
  readonly month: string;
  readonly blocks: number;
  readonly rows: number;
  readonly tooFresh: number;
}

/** What one pruning run removed. */
export interface PrunedBlocks {
  /** The id of the row that records the run. */
  readonly callId: string;
  readonly blocks: readonly number[];
  readonly removed: number;
  /** How many rows are still needed, by reason. */
  readonly kept: Readonly<Record<KeptReason, number>>;
}

/** A pruning run that could not be sealed, or whose rows were needed by then: it removed nothing. */
export class PruningHeldUp extends Error {
  override readonly name = 'PruningHeldUp';
}

/** The first month that is kept, YYYY-MM, when `keep` whole months before the current one (UTC) are kept. */
export function firstMonthKept(now: Date, keep: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - keep, 1)).toISOString().slice(0, 7);
}

export interface PruneOptions {
  /** Who prunes, for the audit log. */
  readonly actor: string;
  readonly stopping: AbortSignal;
  /** The most blocks in one run. */
  readonly actBlocks?: number;
  /** How long sealing the run's row may take, in milliseconds. */
  readonly sealWithinMs?: number;
}

const ACT_BLOCKS = 500;
/** Roughly the most rows in one run, because they are deleted in one transaction. */
const ACT_ROWS = 50_000;
const SEAL_WITHIN_MS = 60_000;
const nobody = { requestId: null, identityId: null, lease: null };

interface Block {
  readonly seq: string;
  readonly hash: string;
  readonly count: number;
}

interface Plan {
  readonly blocks: readonly Block[];
  readonly pruning: AuditPruning;
  readonly kept: readonly NeededRow[];
  readonly goes: Readonly<Record<AuditKind, readonly string[]>>;
}

/**
 * Removes rows of old months. Each run first writes a row to the log with the blocks, the number of rows, the rows that
 * are kept, and the actor; that row is sealed before anything is removed. The headers and hashes of the blocks stay in
 * the chain.
 */
export class AuditPruner {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** What is left of the months before `month`. Changes nothing. */
  async months(month: string): Promise<PrunableMonth[]> {
    const { rows } = await this.database.pool.query<PrunableMonth>(
      `SELECT month, count(*) FILTER (WHERE NOT fresh)::int AS blocks,
         coalesce(sum(count) FILTER (WHERE NOT fresh), 0)::float8 AS rows, count(*) FILTER (WHERE fresh)::int AS "tooFresh"
       FROM (SELECT month, count, ${isFresh} AS fresh FROM audit_block
             WHERE tenant_id = $1 AND month < $2 AND entries IS NOT NULL) b
       GROUP BY month ORDER BY month`,
      [this.tenantId, month],
    );
    return rows;
  }

  /**
   * Prunes the months before `month`, run by run; can be stopped and continued at any time. Yields each run when it is
   * done. Later blocks are pruned first, because a call must not be removed before its outcome. Throws PruningHeldUp.
   */
  async *prune(month: string, options: PruneOptions): AsyncGenerator<PrunedBlocks> {
    for (let before: string | null = null; !options.stopping.aborted;) {
      const blocks = await this.next(month, before, options.actBlocks ?? ACT_BLOCKS);
      const last = blocks.at(-1);
      if (last === undefined) return;
      before = last.seq;
      const plan = await inTransaction(this.database.pool, 'read-committed', (client) =>
        this.plan(client, month, blocks),
      );
      if (plan !== null) yield await this.carryOut(plan, options);
    }
  }

  /** The next blocks that have rows, from the newest. */
  private async next(month: string, before: string | null, limit: number): Promise<Block[]> {
    const { rows } = await this.database.pool.query<Block>(
      `SELECT seq, encode(hash, 'hex') AS hash, count FROM audit_block
       WHERE tenant_id = $1 AND month < $2 AND entries IS NOT NULL AND NOT ${isFresh}
         AND ($3::bigint IS NULL OR seq < $3)
       ORDER BY seq DESC LIMIT $4`,
      [this.tenantId, month, before, limit],
    );
    let sum = 0;
    const end = rows.findIndex(({ count }) => (sum += count) > ACT_ROWS);
    return rows.slice(0, end === -1 ? rows.length : Math.max(1, end));
  }

  /** Null: every remaining row of these blocks is needed. */
  private async plan(client: PoolClient, month: string, blocks: readonly Block[]): Promise<Plan | null> {
    const there = await this.rowsOf(client, blocks);
    const kept = await neededRows(client, there, openStatuses);
    const stays = new Set(kept.map(({ kind, id }) => `${kind} ${id}`));
    const goes = {
      call: there.call.filter((id) => !stays.has(`call ${id}`)),
      outcome: there.outcome.filter((id) => !stays.has(`outcome ${id}`)),
    };
    const removed = goes.call.length + goes.outcome.length;
    if (removed === 0) return null;
    const keptOf = (kind: AuditKind) => ranges(kept.filter((row) => row.kind === kind).map(({ id }) => id));
    const [newest] = blocks;
    return {
      ...{ blocks, kept, goes },
      pruning: {
        before: month,
        blocks: ranges(blocks.map(({ seq }) => seq)),
        rows: blocks.reduce((sum, { count }) => sum + count, 0) - kept.length,
        head: { seq: Number(newest!.seq), hash: newest!.hash },
        kept: { calls: keptOf('call'), outcomes: keptOf('outcome') },
      },
    };
  }

  /** The existing rows of the blocks; of a block pruned before, the rows that were kept then. */
  private async rowsOf(
    client: PoolClient,
    blocks: readonly Block[],
  ): Promise<Record<AuditKind, readonly string[]>> {
    const found: Record<AuditKind, string[]> = { call: [], outcome: [] };
    for (const { seq } of blocks) {
      const { rows } = await client.query<{ entries: Buffer }>(
        'SELECT entries FROM audit_block WHERE tenant_id = $1 AND seq = $2 AND entries IS NOT NULL',
        [this.tenantId, seq],
      );
      for (const { kind, id } of (rows[0] && unpackEntries(rows[0].entries)) ?? []) found[kind].push(id);
    }
    for (const kind of auditKinds) {
      const { table, id } = auditTables[kind];
      const { rows } = await client.query<{ id: string }>(
        `SELECT ${id}::text AS id FROM ${table} WHERE ${id} = ANY($1::bigint[]) AND tenant_id = $2 ORDER BY ${table}.${id}`,
        [found[kind], this.tenantId],
      );
      found[kind] = rows.map((row) => row.id);
    }
    return found;
  }

  private async carryOut(plan: Plan, { actor, sealWithinMs }: PruneOptions): Promise<PrunedBlocks> {
    const log = new PrismaCallLog(this.database, this.tenantId, 0);
    const began = performance.now();
    const callId = await log.intend(nobody, {
      ...{ direction: 'in', system: 'foyer', operation: PRUNE_OPERATION, method: 'RUN', path: 'audit prune' },
      ...{ actor, parameters: { ...plan.pruning } },
    });
    const conclude = (error: string | null, removed: number) =>
      log.conclude(callId, {
        result: error === null ? 'ok' : 'failed',
        ...{ status: null, error, answer: { removed }, durationMs: performance.now() - began },
      });
    try {
      await this.untilSealed(callId, sealWithinMs ?? SEAL_WITHIN_MS);
      await inTransaction(this.database.pool, 'read-committed', (client) =>
        this.remove(client, plan, callId),
      );
    } catch (error) {
      await conclude(error instanceof PruningHeldUp ? 'held_up' : 'internal_error', 0);
      throw error;
    }
    const removed = plan.goes.call.length + plan.goes.outcome.length;
    await conclude(null, removed);
    const kept: Record<KeptReason, number> = {
      ...{ 'open-request': 0, 'unsettled-create': 0, outcome: 0, pruning: 0 },
    };
    for (const { reason } of plan.kept) kept[reason] += 1;
    return { callId, blocks: plan.blocks.map(({ seq }) => Number(seq)), removed, kept };
  }

  /** Seals here, because a provisioner may not be running. */
  private async untilSealed(callId: string, withinMs: number): Promise<void> {
    const sealer = new AuditSealer(this.database, this.tenantId);
    const until = performance.now() + withinMs;
    for (;;) {
      await sealer.round();
      const { rowCount } = await this.database.pool.query(
        'SELECT 1 FROM audit_block WHERE tenant_id = $1 AND call_ids @> $2::bigint',
        [this.tenantId, callId],
      );
      if (rowCount) return;
      if (performance.now() > until)
        throw new PruningHeldUp(
          `The pruning (call ${callId}) was not sealed within ${withinMs / 1000} s, so nothing was removed by it. A transaction ` +
            'that stays open delays sealing. Find it in pg_stat_activity (ORDER BY xact_start), end it, then prune again.',
        );
      await this.database.pool.query('SELECT pg_sleep(0.2)');
    }
  }

  private async remove(client: PoolClient, { blocks, kept, goes }: Plan, callId: string): Promise<void> {
    const seqs = blocks.map(({ seq }) => seq);
    await client.query(
      'SELECT 1 FROM audit_block WHERE tenant_id = $1 AND seq = ANY($2::bigint[]) ORDER BY seq FOR UPDATE',
      [this.tenantId, seqs],
    );
    const stays = new Set(kept.map(({ kind, id }) => `${kind} ${id}`));
    const needed = await neededRows(client, await this.rowsOf(client, blocks), openStatuses);
    if (needed.some(({ kind, id }) => !stays.has(`${kind} ${id}`)))
      throw new PruningHeldUp(
        'Some of the rows to remove are needed again, so this run removed nothing. Prune again.',
      );
    await client.query(
      `UPDATE audit_block b SET pruned_at = coalesce(pruned_at, clock_timestamp()), pruned_by = $3,
         entries = CASE WHEN b.call_ids && $4::int8multirange OR b.outcome_ids && $5::int8multirange THEN entries END
       WHERE tenant_id = $1 AND seq = ANY($2::bigint[])`,
      [
        this.tenantId,
        seqs,
        callId,
        ...auditKinds.map((kind) => ranges(kept.filter((row) => row.kind === kind).map(({ id }) => id))),
      ],
    );
    for (const kind of [...auditKinds].reverse()) {
      const { table, id } = auditTables[kind];
      await client.query(`DELETE FROM ${table} WHERE ${id} = ANY($1::bigint[])`, [goes[kind]]);
    }
  }
}

/** The same rule as the trigger on `audit_block`. */
const isFresh = `(sealed_at AT TIME ZONE 'UTC' >= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '1 month')`;
