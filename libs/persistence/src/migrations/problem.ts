import { MigrationError } from './error.ts';
import { migrationsDirectory } from './files.ts';
import { pendingMigrations, type MigrationState, type Queryable } from './pending.ts';

/** The command to run, from a checkout and with docker compose. */
const COMMAND = 'npm run migrate (docker compose run --rm migrate)';

/**
 * Why a program of this version cannot use a database in this state, in one sentence with what to do; null when it can.
 * Contains file names and no values, so that it may be shown to any client.
 */
export function migrationProblem(state: MigrationState): string | null {
  return (
    alteredProblem(state) ??
    unfinishedProblem(state) ??
    (state.unknown.length === 0 ? null : newerProblem(state.unknown))
  );
}

/** A difference that running the migrations cannot remove. */
export function alteredProblem({ changed }: MigrationState): string | null {
  if (changed.length === 0) return null;
  const files = changed.map((name) => `prisma/migrations/${name}/migration.sql`).join(', ');
  return (
    `this database was migrated with another version of ${files}: the checksum differs from the one that was applied. ` +
    'A migration that was applied must never change: restore the file, and write a new migration for the change'
  );
}

/**
 * The problem of a program that finds migrations of a later version: the schema may differ from the one that it
 * expects.
 */
export const newerProblem = (unknown: readonly string[]): string =>
  `the database has ${listed(unknown)}, which this version of Foyer does not have: another version, most likely a ` +
  'newer one, migrated it. Run that version, or restore the back-up from before the upgrade';

/** A problem that `npm run migrate` fixes, or explains further. */
function unfinishedProblem({ migrated, failed, pending }: MigrationState): string | null {
  if (failed.length > 0)
    return `${listed(failed)} was started in this database and is not finished: run ${COMMAND}, which continues or states what to do`;
  if (pending.length === 0) return null;
  return migrated
    ? `the database is older than this version of Foyer and lacks ${listed(pending)}: run ${COMMAND}`
    : `the database is not migrated and has no tables of Foyer: run ${COMMAND}`;
}

const listed = (names: readonly string[]): string =>
  `the migration${names.length === 1 ? '' : 's'} ${names.join(', ')}`;

/**
 * For a running program. `problem`: it cannot continue; `warning`: a later version has migrated the database, as during
 * an upgrade, and this program will soon be replaced.
 */
export async function migrationReadiness(
  database: Queryable,
): Promise<{ problem: string | null; warning: string | null }> {
  const state = await pendingMigrations(database);
  return {
    problem: alteredProblem(state) ?? unfinishedProblem(state),
    warning: state.unknown.length === 0 ? null : newerProblem(state.unknown),
  };
}

/**
 * Lets a program start only on a database that has exactly this version's migrations.
 * @throws MigrationError with the sentence of `migrationProblem`
 */
export async function requireMigrated(
  database: Queryable,
  directory: string = migrationsDirectory(),
): Promise<void> {
  const problem = migrationProblem(await pendingMigrations(database, directory));
  if (problem !== null) throw new MigrationError('not-migrated', problem);
}
