import { databaseFacts, migrationProblem, pendingMigrations, type Database } from '@foyer/persistence';
import { failed, ok, warning, type Check, type Finding } from './check.ts';

/** The largest offset of a clock, in seconds: beyond it tokens and signatures fail. */
export const CLOCK_LIMIT_S = 30;

/** When it fails, no check that uses the database can say anything. */
export const databaseCheck = (database: Database): Check => ({
  name: 'database',
  remedy: 'Check DATABASE_URL, and that PostgreSQL runs and this machine can reach it.',
  run: async () => {
    const began = performance.now();
    const { version, role, isSuperuser, isReadOnly } = await databaseFacts(database);
    const detail = `PostgreSQL ${version} as ${role}, ${Math.round(performance.now() - began)} ms`;
    if (isReadOnly)
      return failed(
        `${detail}, which allows no writes.`,
        'Set DATABASE_URL to the primary server, or turn off default_transaction_read_only.',
      );
    return isSuperuser
      ? warning(
          `${detail}, which is a superuser`,
          'Give the apps their own role: docs/operate.md#the-database-role.',
        )
      : ok(detail);
  },
});

/** When it fails, the tables cannot be read. */
export const migrationsCheck = (database: Database): Check => ({
  name: 'migrations',
  remedy: 'Run npm run migrate as the owner of the tables.',
  run: async () => {
    const problem = migrationProblem(await pendingMigrations(database.pool));
    if (problem !== null) return failed(problem, 'docs/operate.md#upgrade has the order of an upgrade.');
    return ok('All migrations are applied.');
  },
});

export const clockCheck = (database: Database): Check => ({
  name: 'clock of this machine',
  remedy: 'Check DATABASE_URL.',
  run: async () => {
    const before = Date.now();
    const { clock } = await databaseFacts(database);
    const middle = (before + Date.now()) / 2;
    return clockFinding((middle - clock) / 1000);
  },
});

/** The finding for a clock that is `aheadS` seconds ahead of the database's. Pure. */
export function clockFinding(aheadS: number): Finding {
  if (Math.abs(aheadS) < 1) return ok('The clock of this machine is within a second of the database’s.');
  const way = aheadS > 0 ? 'ahead of' : 'behind';
  const detail = `The clock of this machine is ${Math.abs(aheadS).toFixed(1)} s ${way} the database’s.`;
  return Math.abs(aheadS) < CLOCK_LIMIT_S
    ? ok(detail)
    : failed(detail, 'Let NTP set this machine’s clock, for example with chrony.');
}
