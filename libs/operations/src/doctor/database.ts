import { databaseFacts, migrationProblem, pendingMigrations, type Database } from '@foyer/persistence';
import { failed, ok, warning, type Check, type Finding } from './check.ts';

/** The largest offset of a clock, in seconds: beyond it tokens and signatures fail. */
export const CLOCK_LIMIT_S = 30;

/** If one of these checks fails, the database's content cannot be read. */
export const databaseChecks = (database: Database): Check[] => [
  {
    name: 'database',
    remedy: 'Check DATABASE_URL, that PostgreSQL runs, and that this machine may reach it.',
    run: async () => {
      const began = performance.now();
      const { version, role, isSuperuser } = await databaseFacts(database);
      const detail = `PostgreSQL ${version} as ${role}, ${Math.round(performance.now() - began)} ms`;
      return isSuperuser
        ? warning(
            `${detail}, which is a superuser`,
            'Give the apps their own role: docs/operate.md#the-database-role.',
          )
        : ok(detail);
    },
  },
  {
    name: 'migrations',
    remedy: 'Run npm run migrate as the owner of the tables.',
    run: async () => {
      const problem = migrationProblem(await pendingMigrations(database.pool));
      if (problem !== null)
        return failed(problem, 'Follow the message. docs/operate.md#upgrade shows the order of the steps.');
      return ok('All migrations are applied.');
    },
  },
];

export const clockCheck = (database: Database): Check => ({
  name: 'clock of this machine',
  remedy: 'Check DATABASE_URL.',
  run: async () => {
    const before = Date.now();
    const { clock } = await databaseFacts(database);
    const middle = (before + Date.now()) / 2;
    return clockFinding((middle - clock) / 1000, 'the database');
  },
});

/** The finding for a clock that is `aheadS` seconds ahead of another one. Pure. */
export function clockFinding(aheadS: number, whose: string): Finding {
  if (Math.abs(aheadS) < 1) return ok(`The difference to ${whose} is at most one second.`);
  const detail = `${Math.abs(aheadS).toFixed(1)} s ${aheadS > 0 ? 'ahead of' : 'behind'} ${whose}.`;
  return Math.abs(aheadS) < CLOCK_LIMIT_S ? ok(detail) : failed(detail, 'Synchronize the clock by NTP.');
}
