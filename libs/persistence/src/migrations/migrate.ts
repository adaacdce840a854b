import type pg from 'pg';
import { grantAppRole, type AppRole } from './app-role.ts';
import { applyLast, failedBefore } from './apply.ts';
import { connectWhenReady, whileNoneRuns, withMigrationLock, type OnProgress } from './database.ts';
import { type MigrationEngine } from './engine.ts';
import { MigrationError } from './error.ts';
import { checksumsOf, migrationsDirectory, readLanded, readMigrations, type MigrationFile } from './files.ts';
import { pendingMigrations, type MigrationState } from './pending.ts';
import { alteredProblem, newerProblem } from './problem.ts';
import { isOneTransaction } from './script.ts';

export { MigrationError } from './error.ts';
export { pendingMigrations, type MigrationState } from './pending.ts';
export { migrationProblem, migrationReadiness, requireMigrated } from './problem.ts';

export interface MigrateOptions {
  databaseUrl: string;
  /** Default: `migrationsDirectory()`. */
  directory?: string;
  /** Called with one line per step, and every second or two while waiting. */
  onProgress?: OnProgress;
  /** How long to wait for a database that is starting, in milliseconds. */
  waitMs?: number;
  /** How long to wait for another migration of the same database, in milliseconds. */
  lockWaitMs?: number;
  /** The role that the programs connect as: it is granted what they need, including tables of earlier migrations. */
  appRole?: AppRole;
}

/**
 * Brings the database to the newest migration, each file in one transaction. Safe to run concurrently from several
 * places, and again at any time. Needs no generated client and no download.
 * @returns the names applied by this call, in order
 * @throws MigrationError with one sentence that says what is wrong and what to do
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const onProgress = options.onProgress ?? (() => undefined);
  const directory = options.directory ?? migrationsDirectory();
  const files = await readMigrations(directory);
  await refuseAlteredFiles(files, directory);
  return exclusively(options, onProgress, async (engine, state, client) => {
    const problem = alteredProblem(state) ?? (state.unknown.length > 0 ? newerProblem(state.unknown) : null);
    if (problem !== null) throw new MigrationError('changed', problem);
    await undoBrokenOff(engine, client, files, state, onProgress);
    if (state.migrated) await markOwnRecords(client);
    const applied: string[] = [];
    for (const name of state.pending) {
      onProgress(`applying ${name}`);
      const upTo = files.slice(0, files.findIndex((file) => file.name === name) + 1);
      applied.push(...(await applyLast(engine, upTo, { ...options, directory, onProgress })));
    }
    if (!state.migrated) await markOwnRecords(client);
    if (options.appRole !== undefined) {
      await grantAppRole(client, options.appRole);
      onProgress(`the role ${options.appRole.name} has the rights that the programs need`);
    }
    return { applied };
  });
}

/** Refuses files that were edited after they had landed, because they would give this database a different schema. */
async function refuseAlteredFiles(files: readonly MigrationFile[], directory: string): Promise<void> {
  const landed = await readLanded(directory);
  for (const { name, sql } of files) {
    const is = landed.get(name);
    if (is !== undefined && !checksumsOf(sql).includes(is.current))
      throw new MigrationError(
        'changed',
        `prisma/migrations/${name}/migration.sql differs from the file that landed (see landed.txt): restore it, and write a new ` +
          'migration for the change',
      );
  }
}

/**
 * Settles a migration that was begun and not finished, after an operator has inspected the database: `rolled-back`
 * makes it run again, `applied` counts it as done.
 */
export async function settleMigration(
  options: MigrateOptions & { name: string; as: 'rolled-back' | 'applied' },
): Promise<void> {
  const directory = options.directory ?? migrationsDirectory();
  const files = await readMigrations(directory);
  await exclusively(options, options.onProgress ?? (() => undefined), async (engine, state) => {
    if (!state.failed.includes(options.name)) {
      const known =
        state.failed.length === 0 ? 'no migration failed' : `the failed ones are: ${state.failed.join(', ')}`;
      throw new MigrationError(
        'files',
        `"${options.name}" is not a migration that failed in this database; ${known}`,
      );
    }
    if (options.as === 'rolled-back') await engine.markRolledBack(options.name);
    else await engine.markApplied(options.name, files, directory);
  });
}

/** A comment on the engine's table: since then, every file's transaction includes its own record. */
const OWN_RECORDS = 'A file that is one transaction and is not finished here left nothing (Foyer).';

async function markOwnRecords(client: pg.Client): Promise<void> {
  await client.query(`COMMENT ON TABLE public._prisma_migrations IS '${OWN_RECORDS}'`);
}

async function hasOwnRecords(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT obj_description(to_regclass('public._prisma_migrations'), 'pg_class') AS comment",
  );
  return rows[0]?.comment === OWN_RECORDS;
}

/**
 * A program that was killed while it applied a file leaves a record without an end. If the file is one transaction,
 * begun by a version that records its end in that same transaction, nothing was kept and it is applied again. Any other
 * file needs an operator.
 */
async function undoBrokenOff(
  engine: MigrationEngine,
  client: pg.Client,
  files: readonly MigrationFile[],
  { failed, migrated }: MigrationState,
  onProgress: OnProgress,
): Promise<void> {
  const ownRecords = failed.length > 0 && (!migrated || (await hasOwnRecords(client)));
  for (const name of failed) {
    const file = files.find((each) => each.name === name);
    if (!ownRecords || file === undefined || !isOneTransaction(file.sql)) throw failedBefore(name);
    onProgress(`${name} was interrupted, and none of its changes were kept`);
    await engine.markRolledBack(name);
  }
}

async function exclusively<T>(
  { databaseUrl, directory = migrationsDirectory(), waitMs = 30_000, lockWaitMs = 600_000 }: MigrateOptions,
  onProgress: OnProgress,
  work: (engine: MigrationEngine, state: MigrationState, client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connectWhenReady(databaseUrl, waitMs, onProgress);
  try {
    return await withMigrationLock(client, lockWaitMs, onProgress, async () => {
      await whileNoneRuns(client, lockWaitMs, onProgress);
      const state = await pendingMigrations(client, directory);
      // Imported here, so that an app that only checks for pending migrations does not load the engine.
      const { openEngine } = await import('./engine.ts');
      const engine = await openEngine(databaseUrl);
      try {
        return await work(engine, state, client);
      } finally {
        await engine.close();
      }
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}
