import {
  openStatuses,
  RequestOutcome,
  type BatchCounts,
  type BatchFailure,
  type BatchFormat,
  type BatchListQuery,
  type BatchState,
  type Page,
  type ProvisioningBatch,
  type ProvisioningBatchStatus,
} from '@foyer/shared';
import { z } from 'zod';
import type { Database } from '../database/database.ts';
import { run, setStatement, statement } from '../database/statement.ts';
import { badCursor, decodeCursor, toPage } from '../database/paging.ts';
import { READER_GONE_MS } from './batch-intake.ts';

interface Row {
  readonly id: string;
  readonly format: BatchFormat;
  readonly lines: number;
  readonly lastLine: number;
  readonly refused: number;
  readonly inStep: number;
  readonly stoppedLine: number | null;
  readonly stoppedWhy: string | null;
  readonly createdAt: Date;
  readonly receivedAt: Date | null;
  readonly readerGone: boolean;
  readonly settled: Work | null;
}

/** The results of a batch's requests. Times are ISO 8601. */
interface Work {
  readonly waiting: number;
  readonly failed: number;
  readonly outcomes: Readonly<Partial<Record<RequestOutcome, number>>>;
  /** How many of these became final within the last minute. */
  readonly recent: number;
  readonly lastEnd: string | null;
  readonly now: string;
}

interface WorkRow {
  readonly status: string;
  readonly outcome: RequestOutcome | null;
  readonly count: number;
  readonly recent: number;
  readonly lastEnd: Date | null;
}

const MINUTE_S = 60;
const GONE_WHY =
  'The process that read the file stopped here. The lines before were accepted; send the same file again for the rest.';

const columns = `b.id, b.format, b.lines, b.last_line AS "lastLine", b.refused, b.in_step AS "inStep",
  b.stopped_line AS "stoppedLine", b.stopped_why AS "stoppedWhy", b.created_at AS "createdAt",
  b.received_at AS "receivedAt", b.settled,
  b.received_at IS NULL AND b.heartbeat_at < clock_timestamp() - ${READER_GONE_MS} * interval '1 millisecond' AS "readerGone"`;

/** One pass over the requests, grouped by status and outcome. */
const workOf = setStatement<'batch'>(
  'batch-work',
  `SELECT r.status, r.outcome, count(*)::int AS count, max(r.finished_at) AS "lastEnd",
    (count(*) FILTER (WHERE r.finished_at > clock_timestamp() - interval '${MINUTE_S} seconds'))::int AS recent
  FROM provisioning_batch_line l JOIN provisioning_request r ON r.id = l.request_id
  WHERE l.batch_id = $batch::uuid GROUP BY r.status, r.outcome`,
);

const readClock = statement<never>('batch-clock', 'SELECT clock_timestamp() AS now');

const settle = statement<'batch' | 'work'>(
  'batch-settle',
  'UPDATE provisioning_batch SET settled = $work::jsonb WHERE id = $batch::uuid AND settled IS NULL',
);

const readBatch = statement<'tenant' | 'batch'>(
  'batch',
  `SELECT ${columns} FROM provisioning_batch b WHERE b.id = $batch::uuid AND b.tenant_id = $tenant::uuid`,
);

const listBatches = setStatement<'tenant' | 'after_at' | 'after_id' | 'limit'>(
  'batches',
  `SELECT ${columns} FROM provisioning_batch b WHERE b.tenant_id = $tenant::uuid
     AND ($after_at::timestamptz IS NULL OR (b.created_at, b.id) < ($after_at::timestamptz, $after_id::uuid))
   ORDER BY b.created_at DESC, b.id DESC LIMIT $limit`,
);

const failures = setStatement<'batch' | 'after' | 'limit'>(
  'batch-failures',
  `SELECT l.line, l.subject, coalesce(l.code, r.error_code) AS code, r.error_detail AS detail,
    coalesce(l.errors, '[]') AS errors, l.request_id AS "requestId"
  FROM provisioning_batch_line l LEFT JOIN provisioning_request r ON r.id = l.request_id
  WHERE l.batch_id = $batch::uuid AND l.line > $after::int AND (l.code IS NOT NULL OR r.status = 'failed')
  ORDER BY l.line LIMIT $limit`,
);

/** Reads batches for the API. */
export class Batches {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** Null when it does not exist. */
  async progress(id: string): Promise<ProvisioningBatch | null> {
    const [row] = await run<Row>(this.database, readBatch, { tenant: this.tenantId, batch: id });
    return row ? this.describe(row) : null;
  }

  /** With a page of its failures, in the order of the file. Null when it does not exist. */
  async find(id: string, { cursor, limit }: BatchListQuery): Promise<ProvisioningBatchStatus | null> {
    const after = decodeLine(cursor);
    const batch = await this.progress(id);
    if (batch === null) return null;
    const rows = await run<BatchFailure>(this.database, failures, { batch: id, after, limit: limit + 1 });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const nextCursor = rows.length > limit && last !== undefined ? encodeLine(last.line) : null;
    return { ...batch, failures: { items, nextCursor } };
  }

  /** Newest first. */
  async list({ cursor, limit }: BatchListQuery): Promise<Page<ProvisioningBatch>> {
    const after = decodeCursor(cursor, 'uuid');
    const rows = await run<Row>(this.database, listBatches, {
      ...{ tenant: this.tenantId, limit: limit + 1 },
      ...{ after_at: after?.at ?? null, after_id: after?.id ?? null },
    });
    const page = toPage(
      rows,
      limit,
      (row) => ({ at: row.createdAt, id: row.id }),
      (row) => row,
    );
    const items: ProvisioningBatch[] = [];
    for (const row of page.items) items.push(await this.describe(row));
    return { ...page, items };
  }

  private async describe(row: Row): Promise<ProvisioningBatch> {
    const work = row.settled ?? (await this.work(row));
    return describe(row, work);
  }

  private async work({ id, receivedAt }: Row): Promise<Work> {
    const rows = await run<WorkRow>(this.database, workOf, { batch: id });
    const sum = (of: typeof rows) => of.reduce((total, { count }) => total + count, 0);
    const ends = rows.flatMap(({ lastEnd }) => (lastEnd === null ? [] : [lastEnd.getTime()]));
    const [clock] = await run<{ now: Date }>(this.database, readClock, {});
    const work: Work = {
      waiting: sum(rows.filter(({ status }) => openStatuses.some((one) => one === status))),
      failed: sum(rows.filter(({ status }) => status === 'failed')),
      outcomes: Object.fromEntries(rows.flatMap(({ outcome, count }) => (outcome ? [[outcome, count]] : []))),
      recent: rows.reduce((total, { recent }) => total + recent, 0),
      lastEnd: ends.length === 0 ? null : new Date(Math.max(...ends)).toISOString(),
      now: clock!.now.toISOString(),
    };
    if (receivedAt !== null && work.waiting === 0) {
      await run(this.database, settle, { batch: id, work: JSON.stringify(work) });
    }
    return work;
  }
}

function describe(row: Row, work: Work): ProvisioningBatch {
  const state = stateOf(row, work);
  const received = row.receivedAt?.toISOString() ?? null;
  const lastEnd =
    work.lastEnd !== null && (received === null || work.lastEnd > received) ? work.lastEnd : received;
  const finishedAt = state === 'done' ? lastEnd : null;
  const rate = rateOf(row, work, finishedAt);
  const left = work.waiting > 0 && rate !== null && rate > 0 ? work.waiting / rate : null;
  return {
    id: row.id,
    state,
    format: row.format,
    counts: countsOf(row, work),
    ratePerSecond: rate === null ? null : Math.round(rate * 100) / 100,
    expectedAt:
      left === null || state === 'receiving'
        ? null
        : new Date(Date.parse(work.now) + left * 1000).toISOString(),
    stopped: stopOf(row),
    createdAt: row.createdAt.toISOString(),
    receivedAt: received,
    finishedAt,
  };
}

function stateOf({ receivedAt, readerGone }: Row, { waiting }: Work): BatchState {
  if (receivedAt === null) return readerGone ? 'interrupted' : 'receiving';
  return waiting > 0 ? 'working' : 'done';
}

function stopOf({ stoppedLine, stoppedWhy, readerGone, lastLine }: Row): ProvisioningBatch['stopped'] {
  if (stoppedLine !== null && stoppedWhy !== null) return { line: stoppedLine, why: stoppedWhy };
  return readerGone ? { line: lastLine + 1, why: GONE_WHY } : null;
}

function countsOf({ lines, refused, inStep }: Row, { waiting, failed, outcomes }: Work): BatchCounts {
  const none = { created: 0, adopted: 0, updated: 0, deactivated: 0, reactivated: 0, deleted: 0, kept: 0 };
  const unchanged = (outcomes.unchanged ?? 0) + inStep;
  return { lines, refused, waiting, failed, ...none, ...outcomes, unchanged };
}

/** People per second whose requests ended; null while the number is meaningless. */
function rateOf(row: Row, work: Work, finishedAt: string | null): number | null {
  const ended = work.failed + RequestOutcome.options.reduce((sum, one) => sum + (work.outcomes[one] ?? 0), 0);
  const sinceBegin = (until: string) => (Date.parse(until) - row.createdAt.getTime()) / 1000;
  if (ended === 0) return null;
  if (finishedAt !== null) return ended / Math.max(0.001, sinceBegin(finishedAt));
  return work.recent / Math.min(MINUTE_S, Math.max(1, sinceBegin(work.now)));
}

const Line = z.int().min(0).max(2_147_483_647);
const encodeLine = (line: number): string => Buffer.from(JSON.stringify(line)).toString('base64url');

function decodeLine(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  try {
    return Line.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw badCursor();
  }
}
