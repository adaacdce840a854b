import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';

export interface DatabaseFacts {
  readonly version: string;
  readonly role: string;
  readonly isSuperuser: boolean;
  /** The server, a replica perhaps, or a setting allows no writes. */
  readonly isReadOnly: boolean;
  /** The database's clock, in milliseconds since 1970. */
  readonly clock: number;
}

const facts = statement<never>(
  'database-facts',
  `SELECT current_setting('server_version') AS version, current_user::text AS role,
     coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false) AS "isSuperuser",
     current_setting('transaction_read_only') = 'on' AS "isReadOnly",
     (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS clock`,
);
const someBoxUserOf = statement<'tenant'>(
  'some-box-user',
  `SELECT box_user_id AS "boxUserId" FROM box_account
   WHERE tenant_id = $tenant::uuid AND status = 'active' AND missing_since IS NULL LIMIT 1`,
);

/** The server's version and clock, and the role that uses it. */
export async function databaseFacts(database: Database): Promise<DatabaseFacts> {
  return (await run<DatabaseFacts, never>(database, facts, {}))[0]!;
}

/** An active Box user of the tenant, for checks that need one; null when there is none. */
export async function someBoxUser(database: Database, tenantId: string): Promise<string | null> {
  const [row] = await run<{ boxUserId: string }, 'tenant'>(database, someBoxUserOf, { tenant: tenantId });
  return row?.boxUserId ?? null;
}
