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
import { transactionOn } from '../database/transaction.ts';
import { listedColumns, VerifyRecheckStore } from './verify-recheck-store.ts';
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
const DIGEST_ROWS = 5_000;

const run = `id, started_at AS "startedAt", marker, listed, listed_at IS NOT NULL AS "isListed"`;

/**
 * The database operations of `verify`. Null when another run of this tenant is in progress. The database must be opened
 * with VERIFY_STATEMENT_MS as its `silenceMs`, because a comparison of a million identities takes many seconds.
 */
export async function openVerifyStore(
  database: Database,
  tenantId: string,
): Promise<PostgresVerifyStore | null> {
  const client = await database.connect();
  await client.query(`SET statement_timeout = ${VERIFY_STATEMENT_MS}`);
  const { rows } = await client.query<{ mine: boolean }>(
    `SELECT pg_try_advisory_lock(hashtextextended('verify ' || $1, 0)) AS mine`,
    [tenantId],
  );
  if (rows[0]?.mine) return new PostgresVerifyStore(database, client, tenantId);
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
    const { rows } = await this.client.query<VerifyRun & { isWhole: boolean }>(
      `SELECT ${run}, listed = (SELECT count(*) FROM verify_box_user WHERE run_id = r.id) AS "isWhole"
       FROM (SELECT * FROM verify_run WHERE tenant_id = $1 ORDER BY started_at DESC LIMIT 1) r
       WHERE finished_at IS NULL AND touched_at > clock_timestamp() - $2 * interval '1 millisecond'`,
      [this.tenantId, maxAgeMs],
    );
    const [found] = rows;
    // A crash of the database empties the staging tables.
    if (!found?.isWhole) return null;
    return found;
  }

  /** Begins a new run; what earlier runs have staged is deleted. */
  async begin(): Promise<VerifyRun> {
    await this.client.query('DELETE FROM verify_run WHERE tenant_id = $1 AND finished_at IS NULL', [
      this.tenantId,
    ]);
    await this.client.query(
      'DELETE FROM verify_discrepancy WHERE run_id IN (SELECT id FROM verify_run WHERE tenant_id = $1)',
      [this.tenantId],
    );
    const { rows } = await this.client.query<VerifyRun>(
      `INSERT INTO verify_run AS r (tenant_id) VALUES ($1) RETURNING ${run}`,
      [this.tenantId],
    );
    return rows[0]!;
  }

  async savePage(runId: string, users: readonly BoxUser[], nextMarker: string | null): Promise<number> {
    const column = (pick: (user: BoxUser) => string | null) => users.map(pick);
    const { rows } = await this.client.query<{ listed: number }>(
      `WITH page AS (
         INSERT INTO verify_box_user (run_id, box_user_id, external_id, name, status)
         SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
         ON CONFLICT (run_id, box_user_id) DO NOTHING RETURNING 1
       )
       UPDATE verify_run SET marker = $6, touched_at = clock_timestamp(), listed = listed + (SELECT count(*) FROM page),
         listed_at = CASE WHEN $6::text IS NULL THEN clock_timestamp() END
       WHERE id = $1 RETURNING listed`,
      [
        runId,
        column((user) => user.id),
        column((user) => user.externalId?.replaceAll('\0', '') ?? null),
        column((user) => user.name.replaceAll('\0', '')),
        column((user) => user.status),
        nextMarker,
      ],
    );
    return rows[0]!.listed;
  }

  async listAgain(runId: string): Promise<void> {
    await this.client.query('DELETE FROM verify_box_user WHERE run_id = $1', [runId]);
    await this.client.query(
      `UPDATE verify_run SET marker = NULL, listed = 0, listed_at = NULL, started_at = clock_timestamp() WHERE id = $1`,
      [runId],
    );
  }

  async expected(): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM box_account WHERE tenant_id = $1',
      [this.tenantId],
    );
    return rows[0]!.count;
  }

  /** Uses one snapshot for all comparisons, counts and the digest, so that they are consistent. */
  async compare(runId: string, writeAgeMs: number): Promise<VerifyCounts> {
    await this.client.query('ANALYZE verify_box_user');
    return transactionOn(this.client, 'repeatable-read', async () => {
      await this.client.query('DELETE FROM verify_discrepancy WHERE run_id = $1', [runId]);
      for (const text of sql.comparisons) await this.client.query(text, [runId, this.tenantId]);
      await this.client.query(sql.writeComparison, [runId, this.tenantId, writeAgeMs]);
      const counts = await this.client.query<Omit<VerifyCounts, 'digest' | 'notProvisioned'>>(sql.counts, [
        runId,
        this.tenantId,
      ]);
      const reasons = await this.client.query<{ why: string; count: number }>(sql.notProvisioned, [
        this.tenantId,
      ]);
      const notProvisioned = Object.fromEntries(reasons.rows.map(({ why, count }) => [why, count]));
      const digest = await this.digest();
      return { ...counts.rows[0]!, notProvisioned, digest };
    });
  }

  private async digest(): Promise<string> {
    const hash = createHash('sha256');
    await this.client.query(`DECLARE mapping NO SCROLL CURSOR FOR ${sql.mapping}`, [this.tenantId]);
    for (;;) {
      const { rows } = await this.client.query<{ issuer: string; subject: string; box_user_id: string }>(
        `FETCH ${DIGEST_ROWS} FROM mapping`,
      );
      for (const { issuer, subject, box_user_id: boxUserId } of rows)
        hash.update(`${JSON.stringify([issuer, subject, boxUserId])}\n`);
      if (rows.length < DIGEST_ROWS) break;
    }
    await this.client.query('CLOSE mapping');
    return hash.digest('hex');
  }

  /** Keeps the digest and the discrepancies, and deletes the listing. */
  async finish(runId: string, digest: string): Promise<void> {
    await this.client.query('DELETE FROM verify_box_user WHERE run_id = $1', [runId]);
    await this.client.query(
      'UPDATE verify_run SET finished_at = clock_timestamp(), marker = NULL, digest = $2 WHERE id = $1',
      [runId, digest],
    );
  }

  /** The last finished run before this one. */
  async former(runId: string): Promise<FormerRun | null> {
    const { rows } = await this.client.query<FormerRun>(
      `SELECT finished_at AS "finishedAt", digest FROM verify_run
       WHERE tenant_id = $1 AND id <> $2 AND finished_at IS NOT NULL ORDER BY started_at DESC LIMIT 1`,
      [this.tenantId, runId],
    );
    return rows[0] ?? null;
  }

  /** The number of discrepancies of each kind, and how many of these were not rechecked. */
  async discrepancyCounts(
    runId: string,
  ): Promise<{ kind: DiscrepancyKind; count: number; unconfirmed: number }[]> {
    const { rows } = await this.client.query<{ kind: DiscrepancyKind; count: number; unconfirmed: number }>(
      `SELECT kind, count(*)::int AS count, (count(*) FILTER (WHERE NOT confirmed))::int AS unconfirmed
       FROM verify_discrepancy WHERE run_id = $1 GROUP BY kind`,
      [runId],
    );
    return rows;
  }

  /** A page of one kind, after the discrepancy `after`. */
  async discrepancies(
    runId: string,
    kind: DiscrepancyKind,
    { after, limit }: { after: string | null; limit: number },
  ): Promise<ReportedDiscrepancy[]> {
    const { rows } = await this.client.query<ReportedDiscrepancy>(
      `SELECT ${listedColumns}, e.confirmed, i.issuer, i.username, g.display_name AS "groupName",
         coalesce(newest.id, "newestOfGroup".id) AS "requestId"
       FROM verify_discrepancy e LEFT JOIN identity i ON i.id = e.identity_id LEFT JOIN scim_group g ON g.id = e.group_id
       LEFT JOIN LATERAL (
         SELECT r.id FROM provisioning_request r WHERE r.tenant_id = i.tenant_id AND r.identity_id = i.id
         ORDER BY r.created_at DESC, r.id DESC LIMIT 1
       ) newest ON true
       LEFT JOIN LATERAL (
         SELECT r.id FROM provisioning_request r WHERE r.tenant_id = g.tenant_id AND r.group_id = g.id
         ORDER BY r.created_at DESC, r.id DESC LIMIT 1
       ) "newestOfGroup" ON true
       WHERE e.run_id = $1 AND e.kind = $2 AND e.id > $3 ORDER BY e.id LIMIT $4`,
      [runId, kind, after ?? '0', limit],
    );
    return rows;
  }
}
