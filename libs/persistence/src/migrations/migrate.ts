import { connectWhenReady, withMigrationLock, type OnProgress } from './database.ts';
import { type MigrationEngine, type StatementFailure } from './engine.ts';
import { MigrationError } from './error.ts';
import { migrationsDirectory, readMigrations, type MigrationFile } from './files.ts';
import { pendingMigrations, type MigrationState } from './pending.ts';

export { MigrationError } from './error.ts';
export { pendingMigrations, type MigrationState } from './pending.ts';

export interface MigrateOptions {
  databaseUrl: string;
  /** Found by itself when absent. */
  directory?: string;
  /** One line per step, and every second or two while it waits. */
  onProgress?: OnProgress;
  /** How long a database that is still starting is waited for. */
  waitMs?: number;
  /** How long another migration of the same database is waited for. */
  lockWaitMs?: number;
}

/**
 * Brings the database to the newest migration, each file in one transaction. Safe to run at once from several places,
 * and again at any time. Needs no generated client and no download.
 * @returns the names applied by this call, in order
 * @throws MigrationError with one sentence that says what is wrong and what to do
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const onProgress = options.onProgress ?? (() => undefined);
  const directory = options.directory ?? migrationsDirectory();
  const files = await readMigrations(directory);
  return exclusively(options, onProgress, async (engine, state) => {
    const [stuck] = state.failed;
    if (stuck !== undefined) throw failedBefore(stuck);
    const applied: string[] = [];
    for (const name of state.pending) {
      onProgress(`applying ${name}`);
      const upTo = files.slice(0, files.findIndex((file) => file.name === name) + 1);
      applied.push(...(await applyLast(engine, upTo, directory)));
    }
    return { applied };
  });
}

/**
 * Settles a migration that was begun and not finished, after somebody looked at what it left: `rolled-back` lets it
 * run again, `applied` takes it as done.
 */
export async function settleMigration(
  options: MigrateOptions & { name: string; as: 'rolled-back' | 'applied' },
): Promise<void> {
  const directory = options.directory ?? migrationsDirectory();
  const files = await readMigrations(directory);
  await exclusively(options, options.onProgress ?? (() => undefined), async (engine, state) => {
    if (!state.failed.includes(options.name)) {
      const known = state.failed.length === 0 ? 'none is' : `these are: ${state.failed.join(', ')}`;
      throw new MigrationError(
        'files',
        `"${options.name}" is not a migration that failed in this database; ${known}`,
      );
    }
    if (options.as === 'rolled-back') await engine.markRolledBack(options.name);
    else await engine.markApplied(options.name, files, directory);
  });
}

async function exclusively<T>(
  { databaseUrl, directory = migrationsDirectory(), waitMs = 30_000, lockWaitMs = 600_000 }: MigrateOptions,
  onProgress: OnProgress,
  work: (engine: MigrationEngine, state: MigrationState) => Promise<T>,
): Promise<T> {
  const client = await connectWhenReady(databaseUrl, waitMs, onProgress);
  try {
    return await withMigrationLock(client, lockWaitMs, onProgress, async () => {
      const state = await pendingMigrations(client, directory);
      // Loaded here, so that an app which only asks what is pending does not carry the engine.
      const { openEngine } = await import('./engine.ts');
      const engine = await openEngine(databaseUrl);
      try {
        return await work(engine, state);
      } finally {
        await engine.close();
      }
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function applyLast(
  engine: MigrationEngine,
  files: readonly MigrationFile[],
  directory: string,
): Promise<string[]> {
  const last = files.at(-1);
  if (!last) return [];
  try {
    return await engine.applyUpTo(files, directory);
  } catch (error) {
    const failure = engine.failure();
    if (!failure) {
      const why = error instanceof Error ? error.message : String(error);
      throw new MigrationError(
        'statement',
        `the migration ${last.name} was not applied: ${oneLine(why)}`,
        error,
      );
    }
    const undone = !failure.connectionLost && leavesNothing(last.sql);
    if (undone) await engine.markRolledBack(last.name);
    throw failed(last, failure, undone, error);
  }
}

/** A file without these words ran as one implicit transaction, so a failure undid all of it. */
const leavesNothing = (sql: string): boolean => !/\b(commit|rollback|concurrently|vacuum)\b/i.test(sql);

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

function failed(
  file: MigrationFile,
  failure: StatementFailure,
  undone: boolean,
  cause: unknown,
): MigrationError {
  const line =
    failure.position === undefined
      ? ''
      : ` at line ${file.sql.slice(0, failure.position - 1).split('\n').length}`;
  const more = [failure.detail, failure.hint]
    .filter((part) => part !== undefined)
    .map((part) => ` (${oneLine(part)})`);
  const next = undone
    ? 'nothing of it was kept: correct it and run npm run migrate again'
    : `part of it may have been kept: ${settleAdvice(file.name)}`;
  return new MigrationError(
    'statement',
    `the migration ${file.name} failed${line}: ${oneLine(failure.message)}${more.join('')}; ${next}`,
    cause,
  );
}

function failedBefore(name: string): MigrationError {
  return new MigrationError(
    'failed-before',
    `the migration ${name} was begun earlier and never finished: ${settleAdvice(name)}`,
  );
}

const settleAdvice = (name: string): string =>
  'look at what it left in the database, undo or finish it by hand, then run ' +
  `npm run migrate -- --rolled-back ${name} (it will run again) or npm run migrate -- --applied ${name} (it counts as done)`;
