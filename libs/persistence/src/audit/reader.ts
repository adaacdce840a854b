import {
  auditKey,
  MAX_BLOCK_ROWS,
  unpackEntries,
  type AuditEntry,
  type AuditKind,
  type AuditPart,
  type AuditRowRef,
} from '@foyer/provisioning';
import type { AuditBlock } from '@foyer/shared';
import type { PoolClient } from 'pg';
import type { Database } from '../database/database.ts';
import { run, setStatement } from '../database/statement.ts';
import { auditKinds, forEachTable, readAuditLines, readPrunings } from './tables.ts';
import { inTransaction } from '../database/transaction.ts';

/** The chain of one tenant in one snapshot. */
export interface AuditSnapshot {
  readonly totals: { readonly blocks: number; readonly rows: number };
  /** Rows in no block: `waiting` for the sealer, or `strays` that were inserted behind it (the first thousand). */
  readonly unsealed: {
    readonly waiting: number;
    readonly oldestAt: Date | null;
    readonly strays: readonly AuditRowRef[];
  };
  /** The rows that record pruning runs. */
  readonly prunings: readonly { readonly id: string; readonly line: string }[];
  /** The chain in order, each block with its rows. */
  readonly parts: () => AsyncGenerator<AuditPart>;
}

const PAGE_BLOCKS = 200;
const SCAN_IDS = 500_000;
const STRAYS = 1_000;

interface BlockRow extends Omit<AuditBlock, 'seq' | 'sealedAt' | 'prunedAt'> {
  readonly seq: string;
  readonly sealedAt: Date;
  readonly prunedAt: Date | null;
}

const countChain = setStatement<'tenant'>(
  'audit-totals',
  `SELECT count(*)::int AS blocks, coalesce(sum(count) FILTER (WHERE entries IS NOT NULL), 0)::float8 AS rows
   FROM audit_block WHERE tenant_id = $tenant::uuid`,
);

/** Of all tenants. */
const readBounds = forEachTable(({ table, id }, kind) =>
  setStatement<never>(
    `audit-bounds-${kind}`,
    `SELECT min(${id})::text AS from, max(${id})::text AS to FROM ${table}`,
  ),
);

const findUnsealed = forEachTable(({ table, id, blockIds }, kind) =>
  setStatement<'tenant' | 'from' | 'to' | 'kind'>(
    `audit-unsealed-${kind}`,
    `WITH sealed AS (
       SELECT coalesce(range_agg(${blockIds}), '{}') AS ids FROM audit_block WHERE ${blockIds} && int8range($from::bigint, $to::bigint)
     ), loose AS (
       SELECT c.${id}::text AS id, c.at,
         p.kind IS NULL OR p.cluster <> (SELECT system_identifier::text FROM pg_control_system())
           OR (p.walked IS NOT NULL AND c.${id} > p.walked)
           OR (c.tx >= p.horizon AND c.tx < pg_snapshot_xmax(pg_current_snapshot())) AS waits
       FROM ${table} c LEFT JOIN audit_position p ON p.tenant_id = c.tenant_id AND p.kind = $kind::text
       WHERE c.tenant_id = $tenant::uuid AND c.${id} >= $from::bigint AND c.${id} < $to::bigint AND NOT (SELECT ids FROM sealed) @> c.${id}
     )
     SELECT count(*) FILTER (WHERE waits)::int AS waiting, min(at) FILTER (WHERE waits) AS "oldestAt",
       (SELECT json_agg(json_build_object('id', id, 'at', at)) FROM (
         SELECT id, at FROM loose WHERE NOT waits ORDER BY id::bigint LIMIT ${STRAYS}) s) AS strays
     FROM loose`,
  ),
);

const readBlocks = setStatement<'tenant' | 'after'>(
  'audit-blocks',
  `SELECT tenant_id AS "tenantId", seq, month, count, call_ids::text AS calls, outcome_ids::text AS outcomes,
      encode(entries_digest, 'hex') AS "entriesDigest", encode(previous, 'hex') AS previous, encode(hash, 'hex') AS hash,
      sealed_at AS "sealedAt", pruned_at AS "prunedAt"
    FROM audit_block WHERE tenant_id = $tenant::uuid AND seq > $after::bigint ORDER BY seq LIMIT ${PAGE_BLOCKS}`,
);

const readEntries = setStatement<'tenant' | 'seqs'>(
  'audit-entries',
  `SELECT seq, entries FROM audit_block
   WHERE tenant_id = $tenant::uuid AND seq = ANY($seqs::bigint[]) AND entries IS NOT NULL`,
);

const findLeftovers = forEachTable(({ table, id, blockIds }, kind) =>
  setStatement<'tenant' | 'seqs'>(
    `audit-leftovers-${kind}`,
    `SELECT b.seq, c.${id}::text AS id, c.at FROM audit_block b
     JOIN ${table} c ON c.${id} >= lower(b.${blockIds}) AND c.${id} < upper(b.${blockIds}) AND b.${blockIds} @> c.${id}
     WHERE b.tenant_id = $tenant::uuid AND b.seq = ANY($seqs::bigint[]) ORDER BY c.${id} LIMIT ${STRAYS}`,
  ),
);

/**
 * Reads a tenant's chain in one transaction, so that concurrent sealing and pruning are not visible. Memory is bounded.
 */
export async function readAudit<T>(
  { pool }: Database,
  tenantId: string,
  work: (snapshot: AuditSnapshot) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, 'snapshot', async (client) => {
    const reader = new Reader(client, tenantId);
    return work({
      totals: await reader.totals(),
      unsealed: await reader.unsealed(),
      prunings: await readPrunings(client, tenantId),
      parts: () => reader.parts(),
    });
  });
}

class Reader {
  readonly client: PoolClient;
  private readonly tenantId: string;

  constructor(client: PoolClient, tenantId: string) {
    this.client = client;
    this.tenantId = tenantId;
  }

  async totals(): Promise<{ blocks: number; rows: number }> {
    const [totals] = await run<{ blocks: number; rows: number }>(this, countChain, { tenant: this.tenantId });
    return totals!;
  }

  async unsealed(): Promise<AuditSnapshot['unsealed']> {
    const found = { waiting: 0, oldestAt: null as Date | null, strays: [] as AuditRowRef[] };
    for (const kind of auditKinds) {
      const [bounds] = await run<{ from: string | null; to: string }>(this, readBounds[kind], {});
      if (bounds?.from == null) continue;
      const last = BigInt(bounds.to);
      for (let from = BigInt(bounds.from); from <= last; from += BigInt(SCAN_IDS)) {
        const window = await this.unsealedBetween(kind, from, from + BigInt(SCAN_IDS));
        found.waiting += window.waiting;
        if (window.oldestAt && (!found.oldestAt || window.oldestAt < found.oldestAt))
          found.oldestAt = window.oldestAt;
        found.strays.push(...window.strays.slice(0, STRAYS - found.strays.length));
      }
    }
    return found;
  }

  /** Rows that the sealer will still reach are waiting; rows behind its position did not exist when it passed. */
  private async unsealedBetween(kind: AuditKind, from: bigint, to: bigint) {
    const [found] = await run<{
      waiting: number;
      oldestAt: Date | null;
      strays: { id: string; at: Date | number }[] | null;
    }>(this, findUnsealed[kind], { tenant: this.tenantId, from, to, kind });
    const { waiting, oldestAt, strays } = found!;
    return {
      waiting,
      oldestAt,
      strays: (strays ?? []).map((row) => ({ kind, id: row.id, at: timeOf(new Date(row.at)) })),
    };
  }

  async *parts(): AsyncGenerator<AuditPart> {
    for (let after = '0'; ;) {
      const blocks = await run<BlockRow>(this, readBlocks, { tenant: this.tenantId, after });
      if (blocks.length === 0) return;
      const page = firstOf(blocks, MAX_BLOCK_ROWS);
      yield* await this.partsOf(page);
      after = page.at(-1)!.seq;
    }
  }

  private async partsOf(blocks: readonly BlockRow[]): Promise<AuditPart[]> {
    const entries = await this.entriesOf(blocks);
    const all = [...entries.values()].flat();
    const rows = new Map<string, { line: string; at: string }>();
    for (const kind of auditKinds) {
      const ids = all.filter((entry) => entry.kind === kind).map(({ id }) => id);
      for (const row of await readAuditLines(this.client, kind, ids))
        rows.set(auditKey(row), { line: row.line, at: timeOf(row.at) });
    }
    const leftovers = await this.leftoversOf(blocks.filter(({ seq }) => !entries.has(seq)));
    return blocks.map((block) => ({
      block: toBlock(block),
      entries: entries.get(block.seq) ?? null,
      rows,
      leftovers: leftovers.filter(({ seq }) => seq === block.seq),
    }));
  }

  /** By the block's number; without the blocks that keep no entries. */
  private async entriesOf(blocks: readonly BlockRow[]): Promise<Map<string, AuditEntry[]>> {
    const rows = await run<{ seq: string; entries: Buffer }>(this, readEntries, {
      ...{ tenant: this.tenantId, seqs: blocks.map(({ seq }) => seq) },
    });
    return new Map(rows.map(({ seq, entries }) => [seq, unpackEntries(entries) ?? []]));
  }

  /** Rows of pruned blocks that still exist. */
  private async leftoversOf(blocks: readonly BlockRow[]): Promise<(AuditRowRef & { seq: string })[]> {
    if (blocks.length === 0) return [];
    const found: (AuditRowRef & { seq: string })[] = [];
    for (const kind of auditKinds) {
      const rows = await run<{ seq: string; id: string; at: Date | number }>(this, findLeftovers[kind], {
        ...{ tenant: this.tenantId, seqs: blocks.map(({ seq }) => seq) },
      });
      found.push(...rows.map((row) => ({ seq: row.seq, kind, id: row.id, at: timeOf(row.at) })));
    }
    return found;
  }
}

/** The first blocks that have `limit` rows together; at least one. */
function firstOf(blocks: readonly BlockRow[], limit: number): BlockRow[] {
  let rows = 0;
  const end = blocks.findIndex(({ count }) => (rows += count) > limit);
  return blocks.slice(0, end === -1 ? blocks.length : Math.max(1, end));
}

const timeOf = (at: Date | number): string =>
  at instanceof Date && !Number.isNaN(at.getTime()) ? at.toISOString() : String(Number(at));

const toBlock = ({ seq, sealedAt, prunedAt, ...rest }: BlockRow): AuditBlock => ({
  ...rest,
  seq: Number(seq),
  sealedAt: timeOf(sealedAt),
  prunedAt: prunedAt && timeOf(prunedAt),
});
