import { PRUNE_OPERATION, unpackEntries, type AuditKind } from '@foyer/provisioning';
import type { AuditPruning } from '@foyer/shared';
import type { PoolClient } from 'pg';
import { PrismaCallLog } from '../call-log/call-log.ts';
import type { Database } from '../database/database.ts';
import { run } from '../database/statement.ts';
import { inTransaction } from '../database/transaction.ts';
import * as sql from './pruner-sql.ts';
import { AuditSealer } from './sealer.ts';
import { auditKinds } from './tables.ts';
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
    return run(this.database, sql.countMonths, { tenant: this.tenantId, month });
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
    const rows = await run<Block>(this.database, sql.nextBlocks, {
      ...{ tenant: this.tenantId, month, before, limit },
    });
    let sum = 0;
    const end = rows.findIndex(({ count }) => (sum += count) > ACT_ROWS);
    return rows.slice(0, end === -1 ? rows.length : Math.max(1, end));
  }

  /** Null: every remaining row of these blocks is needed. */
  private async plan(client: PoolClient, month: string, blocks: readonly Block[]): Promise<Plan | null> {
    const there = await this.rowsOf(client, blocks);
    const kept = await neededRows(client, there);
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
      const values = { tenant: this.tenantId, seq };
      const [block] = await run<{ entries: Buffer }>({ client }, sql.readEntries, values);
      for (const { kind, id } of (block && unpackEntries(block.entries)) ?? []) found[kind].push(id);
    }
    for (const kind of auditKinds) {
      const rows = await run<{ id: string }>({ client }, sql.findRows[kind], {
        ...{ tenant: this.tenantId, ids: found[kind] },
      });
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
      const sealed = await run(this.database, sql.findSealed, { tenant: this.tenantId, call: callId });
      if (sealed.length > 0) return;
      if (performance.now() > until)
        throw new PruningHeldUp(
          `The pruning (call ${callId}) was not sealed within ${withinMs / 1000} s, so nothing was removed by it. A transaction ` +
            'that stays open delays sealing. Find it in pg_stat_activity (ORDER BY xact_start), end it, then prune again.',
        );
      await run(this.database, sql.pause, {});
    }
  }

  private async remove(client: PoolClient, { blocks, kept, goes }: Plan, callId: string): Promise<void> {
    const seqs = blocks.map(({ seq }) => seq);
    await run({ client }, sql.holdBlocks, { tenant: this.tenantId, seqs });
    const stays = new Set(kept.map(({ kind, id }) => `${kind} ${id}`));
    const needed = await neededRows(client, await this.rowsOf(client, blocks));
    if (needed.some(({ kind, id }) => !stays.has(`${kind} ${id}`)))
      throw new PruningHeldUp(
        'Some of the rows to remove are needed again, so this run removed nothing. Prune again.',
      );
    const keptOf = (kind: AuditKind) => ranges(kept.filter((row) => row.kind === kind).map(({ id }) => id));
    await run({ client }, sql.markPruned, {
      ...{ tenant: this.tenantId, seqs, by: callId },
      ...{ calls: keptOf('call'), outcomes: keptOf('outcome') },
    });
    for (const kind of [...auditKinds].reverse())
      await run({ client }, sql.removeRows[kind], { ids: goes[kind] });
  }
}
