import { findTenant, openDatabase, requireMigrated, type Database } from '@foyer/persistence';
import type { OperatorConfig } from '@foyer/platform';
import { OperatorProblem } from './command.ts';

/** A command needs few connections; the pool of a process that serves people would only hold more of them. */
const CONNECTIONS = 4;

/**
 * Opens the database for one command and closes it again. `silenceMs`: how long a statement may take, when that is more
 * than usual. Throws OperatorProblem for a tenant that is not there (it is not made), and MigrationError for a
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
        `There is no tenant "${config.FOYER_TENANT}" in this database. Check --tenant or FOYER_TENANT; nothing was made.`,
      );
    }
    return await work({ database, tenantId });
  } finally {
    await database.close();
  }
}
