import type { BoxApp, MappedAccount, RecordedChange } from '@foyer/provisioning';
import { changing } from '../call-log/change-record.ts';
import { isBoundTo } from './box-app.ts';
import type { Database } from '../database/database.ts';
import { Prisma } from '../generated/client.ts';

const PAGE = 500;

/** Records what was seen of Box users outside an attempt: while listing files, or during `verify`. */
export class BoxAccounts {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly boxApp: BoxApp;

  /** `boxApp`: the app used to ask Box. Another app sees none of the users, which proves nothing. */
  constructor(database: Database, tenantId: string, boxApp: BoxApp) {
    this.database = database;
    this.tenantId = tenantId;
    this.boxApp = boxApp;
  }

  /**
   * Records that Box answered 404 to reading this user. Returns whether that is new. Does nothing when the mapping has
   * changed since, or while the tenant's accounts belong to another Box app.
   */
  async markMissing(identityId: string, boxUserId: string): Promise<boolean> {
    const changed = await this.database.prisma.$executeRaw`
      WITH ${this.ours()}
      UPDATE box_account a SET missing_since = clock_timestamp() FROM ours
      WHERE a.tenant_id = ours.id AND a.identity_id = ${identityId}::uuid AND a.box_user_id = ${boxUserId}
        AND a.missing_since IS NULL`;
    return changed > 0;
  }

  /**
   * Box shows the user again, as an operator has found: recorded as `change`. The next request applies what changed
   * since. Returns whether that is new.
   */
  async clearMissing(identityId: string, boxUserId: string, change: RecordedChange): Promise<boolean> {
    return changing(this.database, this.tenantId, change, async (tx, onRecord) => {
      const changed = await tx.$executeRaw`
        WITH ${this.ours()}
        UPDATE box_account a SET missing_since = NULL, applied_generation = 0, updated_at = clock_timestamp() FROM ours
        WHERE a.tenant_id = ours.id AND a.identity_id = ${identityId}::uuid AND a.box_user_id = ${boxUserId}
          AND a.missing_since IS NOT NULL`;
      if (changed > 0) await onRecord(null, identityId);
      return changed > 0;
    });
  }

  /** All accounts that are not known to be missing, read page by page. */
  async *all(): AsyncGenerator<MappedAccount> {
    for (let after: string | null = null; ;) {
      const page: MappedAccount[] = await this.mapped(after, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.identityId;
    }
  }

  /** Accounts that are not known to be missing, ordered by identity, after the one given. */
  async mapped(after: string | null, limit: number): Promise<MappedAccount[]> {
    return this.database.prisma.$queryRaw<MappedAccount[]>`
      SELECT a.identity_id AS "identityId", coalesce(i.box_external_id, i.subject) AS "externalId",
        a.box_user_id AS "boxUserId"
      FROM box_account a JOIN identity i ON i.id = a.identity_id
      WHERE a.tenant_id = ${this.tenantId}::uuid AND a.missing_since IS NULL
        AND (${after}::uuid IS NULL OR a.identity_id > ${after}::uuid)
      ORDER BY a.identity_id LIMIT ${limit}`;
  }

  /** As `mapped`, but `size` accounts at random. */
  async sample(size: number): Promise<MappedAccount[]> {
    return this.database.prisma.$queryRaw<MappedAccount[]>`
      SELECT a.identity_id AS "identityId", coalesce(i.box_external_id, i.subject) AS "externalId",
        a.box_user_id AS "boxUserId"
      FROM box_account a JOIN identity i ON i.id = a.identity_id
      WHERE a.tenant_id = ${this.tenantId}::uuid AND a.missing_since IS NULL
      ORDER BY random() LIMIT ${size}`;
  }

  private ours(): Prisma.Sql {
    return Prisma.sql`ours AS (
      SELECT t.id FROM tenant t WHERE t.id = ${this.tenantId}::uuid AND ${isBoundTo(this.boxApp)} FOR SHARE OF t)`;
  }
}
