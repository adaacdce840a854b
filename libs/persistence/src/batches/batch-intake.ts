import type { BatchBegun, BatchChunk, BatchStore, NewBatch } from '@foyer/provisioning';
import type { BatchStop } from '@foyer/shared';
import type pg from 'pg';
import type { Database } from '../database/database.ts';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { inTransaction, UNIQUE_VIOLATION } from '../database/transaction.ts';
import { run } from '../database/statement.ts';
import * as sql from './batch-sql.ts';
import * as chunk from './chunk-sql.ts';
import { storePeople } from './chunk.ts';

/** How long a reader may go without a heartbeat before it counts as gone, in milliseconds by the database's clock. */
export const READER_GONE_MS = 30_000;

/** Stores files of people, with the same rules as `Intake`, for hundreds at a time. */
export class BatchIntake implements BatchStore {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  /** A key is free again when the process that read its body stopped before the end. */
  async begin(batch: NewBatch): Promise<BatchBegun> {
    const { pool } = this.database;
    const { actor, key } = batch;
    for (;;) {
      const named = { tenant: this.tenantId, actor, key };
      await run({ pool }, sql.releaseKey, { ...named, gone_ms: READER_GONE_MS });
      const begun = await inTransaction(pool, 'read-committed', (client) => this.beginOnce(client, batch));
      if (begun) return begun;
      const [earlier] = await run<{ id: string; bodyHash: string | null }>({ pool }, sql.earlier, named);
      // None: the batch released its key between the two statements.
      if (earlier) return { kind: 'earlier', ...earlier };
    }
  }

  private async beginOnce(
    client: pg.PoolClient,
    { actor, format, key, call }: NewBatch,
  ): Promise<BatchBegun | null> {
    const values = { tenant: this.tenantId, actor, format, key };
    const [made] = await run<{ id: string }>({ client }, sql.begin, values);
    if (!made) return null;
    const callId = await new PrismaCallLog({ client }, this.tenantId, 0).intend(
      { requestId: null, identityId: null, lease: null },
      call(made.id),
    );
    return { kind: 'begun', id: made.id, callId };
  }

  async take(batchId: string, chunk: BatchChunk): Promise<void> {
    // An operator's retry may open the same request at the same moment: the next try finds it.
    await inTransaction(
      this.database.pool,
      'read-committed',
      (client) => this.takeOnce(client, batchId, chunk),
      { alsoOn: [UNIQUE_VIOLATION] },
    );
  }

  async beat(batchId: string): Promise<void> {
    await run(this.database, sql.beat, { tenant: this.tenantId, batch: batchId });
  }

  async end(
    batchId: string,
    { bodyHash, stopped }: { bodyHash: string; stopped: BatchStop | null },
  ): Promise<void> {
    await run(this.database, sql.end, {
      ...{ tenant: this.tenantId, batch: batchId, body_hash: bodyHash },
      ...{ stopped_line: stopped?.line ?? null, stopped_why: stopped?.why ?? null },
    });
  }

  private async takeOnce(
    client: pg.PoolClient,
    batchId: string,
    { people, refused }: BatchChunk,
  ): Promise<void> {
    if (people.length > 0) await storePeople(client, { tenantId: this.tenantId, batchId }, people);
    if (refused.length > 0)
      await run({ client }, chunk.addRefused, {
        batch: batchId,
        lines: refused.map(({ line }) => line),
        subjects: refused.map(({ subject }) => subject),
        errors: refused.map(({ errors }) => JSON.stringify(errors)),
      });
    const lines = [...people, ...refused].map(({ line }) => line);
    await run({ client }, chunk.countLines, {
      ...{ tenant: this.tenantId, batch: batchId, read: lines.length, people: people.length },
      last_line: Math.max(...lines),
    });
  }
}
