import { createHash } from 'node:crypto';
import type {
  BoxUser,
  DiscrepancyKind,
  VerifyCounts,
  Discrepancy,
  VerifyRun,
  VerifyStore,
} from '@foyer/provisioning';
import type pg from 'pg';
import type { Database } from '../database/database.ts';
import { run } from '../database/statement.ts';
import { transactionOn } from '../database/transaction.ts';
import { VerifyRecheckStore } from './verify-recheck-store.ts';
import * as runs from './verify-run-sql.ts';
import * as sql from './verify-sql.ts';

/**
 * A discrepancy with the person or group that it is about; `requestId` is their newest request, to explain or retry.
 */
export interface ReportedDiscrepancy extends Discrepancy {
  readonly id: string;
  readonly confirmed: boolean;
  readonly issuer: string | null;
  readonly username: string | null;
  /** For groups: the group's name in Foyer. */
  readonly groupName: string | null;
  readonly requestId: string | null;
}

export interface FormerRun {
  readonly finishedAt: Date;
  readonly digest: string;
}

/** The statement limit, in milliseconds: statements over a whole tenant take longer than any others. */
export const VERIFY_STATEMENT_MS = 30 * 60_000;

/**
 * The database operations of `verify`. Null when another run of this tenant is in progress. The database must be opened
 * with VERIFY_STATEMENT_MS as its `silenceMs`, because a comparison of a million identities takes many seconds.
 */
export async function openVerifyStore(
  database: Database,
  tenantId: string,
): Promise<PostgresVerifyStore | null> {
  const client = await database.connect();
  await run({ client }, runs.limitTime, { limit: String(VERIFY_STATEMENT_MS) });
  const [lock] = await run<{ mine: boolean }>({ client }, runs.lockRun, { tenant: tenantId });
  if (lock?.mine) return new PostgresVerifyStore(database, client, tenantId);
  await client.end();
  return null;
}

export class PostgresVerifyStore extends VerifyRecheckStore implements VerifyStore {
  /** Holds the lock on the tenant's run, and runs the long statements. */
  private readonly client: pg.Client;

  constructor(database: Database, client: pg.Client, tenantId: string) {
    super(database, tenantId);
    this.client = client;
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  /** The last interrupted run, if it was active within `maxAgeMs`. */
  async unfinished(maxAgeMs: number): Promise<VerifyRun | null> {
    const values = { tenant: this.tenantId, age_ms: maxAgeMs };
    const [found] = await run<VerifyRun & { isWhole: boolean }>(
      { client: this.client },
      runs.findUnfinished,
      values,
    );
    // A crash of the database empties the staging tables.
    if (!found?.isWhole) return null;
    return found;
  }

  /** Begins a new run; what earlier runs have staged is deleted. */
  async begin(): Promise<VerifyRun> {
    const tenant = this.tenantId;
    await run({ client: this.client }, runs.dropUnfinished, { tenant });
    await run({ client: this.client }, runs.dropDiscrepancies, { tenant });
    const [begun] = await run<VerifyRun>({ client: this.client }, runs.beginRun, { tenant });
    return begun!;
  }

  async savePage(runId: string, users: readonly BoxUser[], nextMarker: string | null): Promise<number> {
    const column = (pick: (user: BoxUser) => string | null) => users.map(pick);
    const [row] = await run<{ listed: number }>({ client: this.client }, runs.savePage, {
      run: runId,
      ids: column((user) => user.id),
      external_ids: column((user) => user.externalId?.replaceAll('\0', '') ?? null),
      names: column((user) => user.name.replaceAll('\0', '')),
      statuses: column((user) => user.status),
      marker: nextMarker,
    });
    return row!.listed;
  }

  async listAgain(runId: string): Promise<void> {
    await run({ client: this.client }, runs.dropListing, { run: runId });
    await run({ client: this.client }, runs.restartRun, { run: runId });
  }

  async expected(): Promise<number> {
    const [row] = await run<{ count: number }>({ client: this.client }, runs.countExpected, {
      tenant: this.tenantId,
    });
    return row!.count;
  }

  /** Uses one snapshot for all comparisons, counts and the digest, so that they are consistent. */
  async compare(runId: string, writeAgeMs: number): Promise<VerifyCounts> {
    const about = { run: runId, tenant: this.tenantId };
    await run({ client: this.client }, runs.analyzeListing, {});
    return transactionOn(this.client, 'repeatable-read', async () => {
      await run({ client: this.client }, runs.dropOfRun, { run: runId });
      for (const comparison of sql.comparisons) await run({ client: this.client }, comparison, about);
      await run({ client: this.client }, sql.compareWrites, { ...about, age_ms: writeAgeMs });
      const [counts] = await run<Omit<VerifyCounts, 'digest' | 'notProvisioned'>>(
        { client: this.client },
        sql.counts,
        about,
      );
      const reasons = await run<{ why: string; count: number }>({ client: this.client }, sql.notProvisioned, {
        tenant: this.tenantId,
      });
      const notProvisioned = Object.fromEntries(reasons.map(({ why, count }) => [why, count]));
      const digest = await this.digest();
      return { ...counts!, notProvisioned, digest };
    });
  }

  private async digest(): Promise<string> {
    const hash = createHash('sha256');
    await run({ client: this.client }, sql.openMapping, { tenant: this.tenantId });
    for (;;) {
      const rows = await run<{ issuer: string; subject: string; box_user_id: string }>(
        { client: this.client },
        sql.fetchMapping,
        {},
      );
      for (const { issuer, subject, box_user_id: boxUserId } of rows)
        hash.update(`${JSON.stringify([issuer, subject, boxUserId])}\n`);
      if (rows.length < sql.DIGEST_ROWS) break;
    }
    await run({ client: this.client }, sql.closeMapping, {});
    return hash.digest('hex');
  }

  /** Keeps the digest and the discrepancies, and deletes the listing. */
  async finish(runId: string, digest: string): Promise<void> {
    await run({ client: this.client }, runs.dropListing, { run: runId });
    await run({ client: this.client }, runs.finishRun, { run: runId, digest });
  }

  /** The last finished run before this one. */
  async former(runId: string): Promise<FormerRun | null> {
    const [former] = await run<FormerRun>({ client: this.client }, runs.findFormer, {
      tenant: this.tenantId,
      run: runId,
    });
    return former ?? null;
  }

  /** The number of discrepancies of each kind, and how many of these were not rechecked. */
  async discrepancyCounts(
    runId: string,
  ): Promise<{ kind: DiscrepancyKind; count: number; unconfirmed: number }[]> {
    return run({ client: this.client }, runs.countDiscrepancies, { run: runId });
  }

  /** A page of one kind, after the discrepancy `after`. */
  async discrepancies(
    runId: string,
    kind: DiscrepancyKind,
    { after, limit }: { after: string | null; limit: number },
  ): Promise<ReportedDiscrepancy[]> {
    return run({ client: this.client }, runs.listDiscrepancies, {
      run: runId,
      kind,
      after: after ?? '0',
      limit,
    });
  }
}
