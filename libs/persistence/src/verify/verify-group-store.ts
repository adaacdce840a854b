import type { GroupDifference, SeenGroup, StandingGroup } from '@foyer/provisioning';
import type { Database } from '../database/database.ts';
import { run } from '../database/statement.ts';
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
    return run(this.database, sql.groups, { tenant: this.tenantId, after, limit });
  }

  async groupDifference(
    { id, boxGroupId }: StandingGroup,
    memberships: NonNullable<SeenGroup>['memberships'],
  ): Promise<GroupDifference | null> {
    const [difference] = await run<GroupDifference>(this.database, sql.groupDifference, {
      ...{ tenant: this.tenantId, group: id, box_group: boxGroupId },
      memberships: JSON.stringify(memberships),
    });
    return difference ?? null;
  }

  async keepGroup(
    runId: string,
    { id, boxGroupId }: StandingGroup,
    seen: SeenGroup,
    detail: string,
  ): Promise<void> {
    const about = { tenant: this.tenantId, group: id };
    const listed = { ...about, memberships: JSON.stringify(seen?.memberships ?? []) };
    await inTransaction(this.database.pool, 'read-committed', async (client) => {
      const asRead = { ...about, box_group: boxGroupId, name: seen?.name ?? null };
      const [held] = await run({ client }, sql.holdGroup, asRead);
      if (held === undefined) return;
      await run({ client }, sql.forgetMemberships, listed);
      await run({ client }, sql.keepMemberships, listed);
      await run({ client }, sql.addGroup, { run: runId, group: id, detail: detail.replaceAll('\0', '') });
    });
  }
}
