import type { GroupDifference, SeenGroup, StandingGroup } from '@foyer/provisioning';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import * as sql from './verify-sql.ts';

/** What `verify` reads and records of groups; `VerifyStore` describes each method. */
export class VerifyGroupStore {
  protected readonly database: Database;
  protected readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  async groups(after: string | null, limit: number): Promise<StandingGroup[]> {
    const { rows } = await this.database.pool.query<StandingGroup>(sql.groups, [this.tenantId, after, limit]);
    return rows;
  }

  async groupDifference(
    { id, boxGroupId }: StandingGroup,
    memberships: NonNullable<SeenGroup>['memberships'],
  ): Promise<GroupDifference | null> {
    const values = [this.tenantId, id, boxGroupId, JSON.stringify(memberships)];
    const { rows } = await this.database.pool.query<GroupDifference>(sql.groupDifference, values);
    return rows[0] ?? null;
  }

  async keepGroup(
    runId: string,
    { id, boxGroupId }: StandingGroup,
    seen: SeenGroup,
    detail: string,
  ): Promise<void> {
    const memberships = JSON.stringify(seen?.memberships ?? []);
    await inTransaction(this.database.pool, 'read-committed', async (client) => {
      const held = await client.query(sql.holdGroup, [this.tenantId, id, boxGroupId, seen?.name ?? null]);
      if (held.rowCount === 0) return;
      await client.query(sql.forgetMemberships, [id, memberships]);
      await client.query(sql.keepMemberships, [id, memberships, this.tenantId]);
      await client.query(sql.addGroup, [runId, id, detail.replaceAll('\0', '')]);
    });
  }
}
