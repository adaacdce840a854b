import { findTenant, openDatabase, requireMigrated, type Database } from '@foyer/persistence';
import type { OperatorConfig } from '@foyer/platform';
import { OperatorProblem } from './command.ts';

/** A command needs few connections, unlike a process that serves people. */
const CONNECTIONS = 4;

/**
 * Opens the database for one command and closes it again. `silenceMs`: the time limit of a statement, when it is more
 * than usual. Throws OperatorProblem for a tenant that does not exist (it is not created), and MigrationError for a
 * database that this version has not migrated.
 */
export async function withTenant<T>(
  config: OperatorConfig,
  work: (parts: { database: Database; tenantId: string }) => Promise<T>,
  { silenceMs }: { silenceMs?: number } = {},
): Promise<T> {
  const database = openDatabase({ url: config.DATABASE_URL, poolSize: CONNECTIONS, silenceMs });
  try {
    await requireMigrated(database.pool);
    const tenantId = await findTenant(database, config.FOYER_TENANT);
    if (tenantId === null) {
      throw new OperatorProblem(
        `There is no tenant "${config.FOYER_TENANT}" in this database. Check --tenant or FOYER_TENANT. Nothing was created.`,
      );
    }
    return await work({ database, tenantId });
  } finally {
    await database.close();
  }
}
