import { unpackEntries, type AuditKind } from '@foyer/provisioning';
import { openStatuses } from '@foyer/shared';
import type { PoolClient } from 'pg';
import type { Database } from '../database.ts';
import { auditKinds, auditTables } from './tables.ts';
import { inTransaction } from '../transaction.ts';

/** A month that may go. `blocks` still have rows; `tooFresh` were sealed too lately for the database to let them go. */
export interface PrunableMonth {
  readonly month: string;
  readonly blocks: number;
  readonly rows: number;
  readonly tooFresh: number;
}

export interface PrunedBlock {
  readonly seq: number;
  readonly month: string;
  readonly removed: number;
  /** Rows that are needed yet, and by what. */
  readonly kept: Readonly<Record<KeptReason, number>>;
}

/** `unsettled-create`: of a person without a Box user, whose next turn asks for it; `outcome`: a call whose outcome stays. */
export type KeptReason = 'open-request' | 'unsettled-create' | 'outcome';

/** First of the months that must stay, YYYY-MM, when `keep` whole months before the current one (UTC) do. */
export function firstMonthKept(now: Date, keep: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - keep, 1)).toISOString().slice(0, 7);
}

/** Removes rows of old months. Their blocks stay in the chain, marked as pruned; the database lets no other rows go. */
export class AuditPruner {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** What is there of the months before `month`. Changes nothing. */
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
   * Prunes the months before `month`, block by block, each in a transaction of its own: to be stopped and begun again at any
   * time. Gives each block as it is done. Later blocks go first: a call cannot go before its outcome.
   */
  async *prune(month: string, stopping: AbortSignal): AsyncGenerator<PrunedBlock> {
    const { rows } = await this.database.pool.query<{ seq: string }>(
      `SELECT seq FROM audit_block WHERE tenant_id = $1 AND month < $2 AND entries IS NOT NULL AND NOT ${isFresh}
       ORDER BY seq DESC`,
      [this.tenantId, month],
    );
    for (const { seq } of rows) {
      if (stopping.aborted) return;
      const pruned = await inTransaction(this.database.pool, 'read-committed', (client) =>
        this.pruneBlock(client, seq),
      );
      if (pruned !== null) yield pruned;
    }
  }

  private async pruneBlock(client: PoolClient, seq: string): Promise<PrunedBlock | null> {
    const { rows } = await client.query<{ month: string; entries: Buffer }>(
      `SELECT month, entries FROM audit_block WHERE tenant_id = $1 AND seq = $2 AND entries IS NOT NULL FOR UPDATE SKIP LOCKED`,
      [this.tenantId, seq],
    );
    const [block] = rows;
    if (block === undefined) return null;
    const entries = unpackEntries(block.entries) ?? [];
    const ids = (kind: AuditKind) => entries.filter((entry) => entry.kind === kind).map(({ id }) => id);
    const kept = await this.needed(client, ids('call'), ids('outcome'));
    await client.query(
      `UPDATE audit_block SET pruned_at = coalesce(pruned_at, clock_timestamp()), entries = CASE WHEN $3 THEN entries END
       WHERE tenant_id = $1 AND seq = $2`,
      [this.tenantId, seq, kept.length > 0],
    );
    let removed = 0;
    for (const kind of [...auditKinds].reverse()) {
      const stays = new Set(kept.filter((row) => row.kind === kind).map((row) => row.id));
      const { table, id } = auditTables[kind];
      const { rowCount } = await client.query(`DELETE FROM ${table} WHERE ${id} = ANY($1::bigint[])`, [
        ids(kind).filter((each) => !stays.has(each)),
      ]);
      removed += rowCount ?? 0;
    }
    const counts = { 'open-request': 0, 'unsettled-create': 0, outcome: 0 };
    for (const { reason } of kept) counts[reason] += 1;
    return { seq: Number(seq), month: block.month, removed, kept: counts };
  }

  /** Rows that somebody will ask for: the next worker of a person, or the rows' own other half. */
  private async needed(client: PoolClient, calls: readonly string[], outcomes: readonly string[]) {
    const { rows } = await client.query<{ kind: AuditKind; id: string; reason: KeptReason }>(
      `WITH asked AS (
         SELECT c.id, CASE WHEN EXISTS (
             SELECT FROM provisioning_request r
             WHERE r.tenant_id = c.tenant_id AND r.identity_id = c.identity_id AND r.status = ANY($3)) THEN 'open-request'
           WHEN c.operation = 'create_user'
             AND NOT EXISTS (SELECT FROM box_account a WHERE a.identity_id = c.identity_id) THEN 'unsettled-create' END AS reason
         FROM api_call c WHERE c.id = ANY($1::bigint[] || $2::bigint[]) AND c.identity_id IS NOT NULL
       ), calls AS (
         SELECT c.id, coalesce(a.reason, CASE WHEN EXISTS (
             SELECT FROM api_call_outcome o WHERE o.call_id = c.id AND o.call_id <> ALL($2::bigint[])) THEN 'outcome' END) AS reason
         FROM unnest($1::bigint[]) AS c (id) LEFT JOIN asked a ON a.id = c.id
       )
       SELECT 'call' AS kind, id::text, reason FROM calls WHERE reason IS NOT NULL
       UNION ALL
       SELECT 'outcome', id::text, reason FROM asked WHERE reason IS NOT NULL AND id = ANY($2::bigint[])`,
      [calls, outcomes, [...openStatuses]],
    );
    return rows;
  }
}

/** As the database's own guard on `audit_block` has it. */
const isFresh = `(sealed_at AT TIME ZONE 'UTC' >= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '1 month')`;
