import {
  auditDigest,
  auditMonth,
  makeBlock,
  packEntries,
  type AuditHead,
  type AuditKind,
} from '@foyer/provisioning';
import type { PoolClient } from 'pg';
import type { Database } from '../database/database.ts';
import { run, setStatement, statement } from '../database/statement.ts';
import { auditKinds, forEachTable, readAuditLines, type AuditLine } from './tables.ts';
import { inTransaction } from '../database/transaction.ts';

/** The result of one round. `more`: there is more to seal or to scan. */
export interface SealRound {
  readonly rows: number;
  readonly blocks: number;
  /** The newest block of the chain; null while there is none. */
  readonly head: AuditHead | null;
  readonly more: boolean;
}

export interface SealLimits {
  /** The most rows of each table in one round. A block has at most twice as many. */
  readonly roundRows: number;
  /** The most rows read in one round while scanning for rows that may be sealed already. */
  readonly walkRows: number;
}

const LIMITS: SealLimits = { roundRows: 5_000, walkRows: 20_000 };

interface Position {
  readonly kind: AuditKind;
  readonly cluster: string;
  readonly horizon: string;
  readonly walked: string | null;
}

interface Found {
  readonly ids: readonly string[];
  readonly position: Position;
  readonly more: boolean;
}

const readHead = statement<'tenant'>(
  'audit-head',
  `SELECT seq, encode(hash, 'hex') AS hash, sealed_at AS "sealedAt" FROM audit_block
   WHERE tenant_id = $tenant::uuid ORDER BY seq DESC LIMIT 1`,
);

/** Until the end of the transaction. */
const lockChain = statement<'tenant'>(
  'audit-lock',
  `SELECT pg_try_advisory_xact_lock(hashtextextended('foyer audit seal ' || $tenant::text, 0)) AS mine`,
);

/**
 * In a statement before the rows are read, so that every transaction that ended before it is visible to the later
 * statements.
 */
const readOldest = statement<never>(
  'audit-oldest',
  `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, system_identifier::text AS cluster FROM pg_control_system()`,
);

const readPosition = statement<'tenant' | 'kind'>(
  'audit-position',
  `SELECT kind, cluster, horizon::text, walked::text FROM audit_position
   WHERE tenant_id = $tenant::uuid AND kind = $kind::text`,
);

const savePosition = statement<'tenant' | 'kind' | 'cluster' | 'horizon' | 'walked'>(
  'audit-save-position',
  `INSERT INTO audit_position AS p (tenant_id, kind, cluster, horizon, walked)
   VALUES ($tenant::uuid, $kind::text, $cluster::text, $horizon::xid8, $walked::bigint)
   ON CONFLICT (tenant_id, kind) DO UPDATE SET cluster = excluded.cluster, horizon = excluded.horizon, walked = excluded.walked
   WHERE (p.cluster, p.horizon::text, p.walked) IS DISTINCT FROM (excluded.cluster, excluded.horizon::text, excluded.walked)`,
);

const findNew = forEachTable(({ table, id, blockIds }, kind) =>
  setStatement<'tenant' | 'horizon' | 'xmin' | 'limit'>(
    `audit-new-${kind}`,
    `SELECT c.${id}::text AS id, c.tx::text AS tx FROM ${table} c
     WHERE c.tenant_id = $tenant::uuid AND c.tx >= $horizon::xid8 AND c.tx < $xmin::xid8
       AND NOT EXISTS (SELECT FROM audit_block b WHERE b.${blockIds} @> c.${id})
     ORDER BY c.tx, c.${id} LIMIT $limit`,
  ),
);

const walkOn = forEachTable(({ table, id, blockIds }, kind) =>
  setStatement<'tenant' | 'walked' | 'xmin' | 'limit'>(
    `audit-walk-${kind}`,
    `WITH seen AS (
       SELECT ${id} AS id, tx FROM ${table} WHERE tenant_id = $tenant::uuid AND ${id} > $walked::bigint ORDER BY ${id} LIMIT $limit)
     SELECT s.id::text, (s.tx < $xmin::xid8 OR s.tx >= pg_snapshot_xmax(pg_current_snapshot()))
       AND NOT EXISTS (SELECT FROM audit_block b WHERE b.${blockIds} @> s.id) AS due
     FROM seen s ORDER BY s.id`,
  ),
);

const readEnd = statement<'tenant'>(
  'audit-end',
  `SELECT clock_timestamp()::timestamptz(3) AS now, b.seq, b.hash FROM (SELECT) AS one LEFT JOIN LATERAL (
     SELECT seq, hash FROM audit_block WHERE tenant_id = $tenant::uuid ORDER BY seq DESC LIMIT 1) b ON true`,
);

type BlockValue =
  | 'tenant'
  | 'seq'
  | 'month'
  | 'count'
  | 'calls'
  | 'outcomes'
  | 'entries'
  | 'digest'
  | 'previous'
  | 'hash'
  | 'sealed_at';
const addBlock = statement<BlockValue>(
  'audit-add-block',
  `INSERT INTO audit_block (tenant_id, seq, month, count, call_ids, outcome_ids, entries, entries_digest, previous, hash, sealed_at)
   VALUES ($tenant::uuid, $seq::bigint, $month::text, $count::int, $calls::int8multirange, $outcomes::int8multirange,
     $entries::bytea, decode($digest, 'hex'), decode($previous, 'hex'), decode($hash, 'hex'), $sealed_at::timestamptz)`,
);

/**
 * Appends the rows of the audit log to their tenant's chain of blocks. Writers do not take part: each row has its
 * transaction's number, and the sealer takes the rows of transactions older than every running one, because no further
 * row can appear among those. Many sealers may run; one works at a time, and a crash in the middle leaves nothing
 * behind.
 */
export class AuditSealer {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly limits: SealLimits;

  constructor(database: Database, tenantId: string, limits: SealLimits = LIMITS) {
    this.database = database;
    this.tenantId = tenantId;
    this.limits = limits;
  }

  /** Seals up to some thousand rows in one transaction. Null: another sealer is running. */
  async round(): Promise<SealRound | null> {
    return inTransaction(this.database.pool, 'read-committed', (client) => this.seal(client));
  }

  /** The newest block of the chain; null while there is none. */
  async head(): Promise<(AuditHead & { readonly sealedAt: Date }) | null> {
    const values = { tenant: this.tenantId };
    const [head] = await run<{ seq: string; hash: string; sealedAt: Date }>(this.database, readHead, values);
    return head ? { ...head, seq: Number(head.seq) } : null;
  }

  private async seal(client: PoolClient): Promise<SealRound | null> {
    const [lock] = await run<{ mine: boolean }>({ client }, lockChain, { tenant: this.tenantId });
    if (!lock?.mine) return null;
    const [oldest] = await run<{ xmin: string; cluster: string }>({ client }, readOldest, {});
    const { xmin, cluster } = oldest!;
    const lines: AuditLine[] = [];
    let more = false;
    for (const kind of auditKinds) {
      const position = await this.position(client, kind, xmin, cluster);
      const found =
        position.walked === null
          ? await this.findNew(client, position, xmin)
          : await this.walk(client, position, xmin);
      more ||= found.more;
      lines.push(...(await readAuditLines(client, kind, found.ids)));
      await this.savePosition(client, found.position);
    }
    const { blocks, head } = await this.append(client, lines);
    return { rows: lines.length, blocks, head, more };
  }

  /** Where the last round ended. Another cluster restarts the transaction numbers, so everything is scanned again. */
  private async position(
    client: PoolClient,
    kind: AuditKind,
    xmin: string,
    cluster: string,
  ): Promise<Position> {
    const [known] = await run<Position>({ client }, readPosition, { tenant: this.tenantId, kind });
    const goesOn = known !== undefined && known.cluster === cluster && BigInt(known.horizon) <= BigInt(xmin);
    return goesOn ? known : { kind, cluster, horizon: xmin, walked: LOWEST_ID };
  }

  private async savePosition(
    client: PoolClient,
    { kind, cluster, horizon, walked }: Position,
  ): Promise<void> {
    await run({ client }, savePosition, { tenant: this.tenantId, kind, cluster, horizon, walked });
  }

  /** The rows of transactions from the horizon up to the oldest running one. */
  private async findNew(client: PoolClient, position: Position, xmin: string): Promise<Found> {
    const { kind, horizon: from } = position;
    const rows = await run<{ id: string; tx: string }>({ client }, findNew[kind], {
      ...{ tenant: this.tenantId, horizon: from, xmin, limit: this.limits.roundRows },
    });
    const more = rows.length === this.limits.roundRows;
    // When the page is full, the last transaction may have more rows: it is read again, without those sealed now.
    const horizon = more ? rows.at(-1)!.tx : xmin;
    return { ids: rows.map((row) => row.id), position: { ...position, horizon }, more };
  }

  /**
   * The next rows by id that are in no block. Rows of running transactions are left to `findNew`; a transaction number
   * from the future belongs to another cluster, was restored here, and is committed.
   */
  private async walk(client: PoolClient, position: Position, xmin: string): Promise<Found> {
    const rows = await run<{ id: string; due: boolean }>({ client }, walkOn[position.kind], {
      ...{ tenant: this.tenantId, walked: position.walked, xmin, limit: this.limits.walkRows },
    });
    const due = rows.filter((row) => row.due);
    const cut = due.length > this.limits.roundRows ? due[this.limits.roundRows - 1]!.id : null;
    const more = cut !== null || rows.length === this.limits.walkRows;
    const walked = more ? (cut ?? rows.at(-1)!.id) : null;
    return {
      ids: due.slice(0, this.limits.roundRows).map((row) => row.id),
      position: { ...position, walked },
      more,
    };
  }

  /** Appends one block per month of the rows. */
  private async append(client: PoolClient, lines: readonly AuditLine[]) {
    const [end] = await run<{ seq: string | null; hash: Buffer; now: Date }>({ client }, readEnd, {
      tenant: this.tenantId,
    });
    const { seq, hash, now } = end!;
    let head: AuditHead | null = seq === null ? null : { seq: Number(seq), hash: hash.toString('hex') };
    const months = Map.groupBy(lines, ({ at }) => auditMonth(at));
    for (const month of [...months.keys()].sort()) {
      const entries = months
        .get(month)!
        .map(({ kind, id, line }) => ({ kind, id, digest: auditDigest(line) }));
      const about = { tenantId: this.tenantId, month, sealedAt: now.toISOString(), entries };
      const made = makeBlock(head, about);
      const { block } = made;
      await run({ client }, addBlock, {
        ...{ tenant: block.tenantId, seq: block.seq, month: block.month, count: block.count },
        ...{ calls: block.calls, outcomes: block.outcomes, entries: packEntries(made.entries) },
        ...{ digest: block.entriesDigest, previous: block.previous, hash: block.hash },
        sealed_at: block.sealedAt,
      });
      head = { seq: block.seq, hash: block.hash };
    }
    return { blocks: months.size, head };
  }
}

const LOWEST_ID = '-9223372036854775808';
