import { setTimeout as pause } from 'node:timers/promises';
import { type OnProgress } from './database.ts';
import { type MigrationEngine, type StatementFailure } from './engine.ts';
import { MigrationError } from './error.ts';
import { type MigrationFile } from './files.ts';
import { isOneTransaction } from './script.ts';

interface Applying {
  readonly directory: string;
  readonly onProgress: OnProgress;
  /** How long a migration keeps trying to acquire its locks. */
  readonly lockWaitMs?: number;
}

/** SQLSTATE lock_not_available: the file stopped waiting for a lock, so that other transactions could continue. */
const NO_LOCK = '55P03';
const PAUSE_MS = 1_000;

/** Applies the last of `files`, and retries while another transaction holds the tables that it must lock. */
export async function applyLast(
  engine: MigrationEngine,
  files: readonly MigrationFile[],
  applying: Applying,
): Promise<string[]> {
  const { directory, onProgress, lockWaitMs = 600_000 } = applying;
  const last = files.at(-1);
  if (!last) return [];
  for (const started = Date.now(); ;) {
    try {
      return await engine.applyUpTo(files, directory);
    } catch (error) {
      const failure = engine.failure();
      if (!failure) throw notApplied(last, error);
      const undone = !failure.connectionLost && isOneTransaction(last.sql);
      if (undone) await engine.markRolledBack(last.name);
      const waited = Date.now() - started;
      if (!undone || failure.code !== NO_LOCK || waited >= lockWaitMs)
        throw failed(last, failure, undone, error);
      onProgress(
        `${last.name} waits for a table that another transaction has locked (${(waited / 1000).toFixed(0)} s); see pg_stat_activity`,
      );
      await pause(PAUSE_MS);
    }
  }
}

function notApplied({ name }: MigrationFile, error: unknown): MigrationError {
  const why = error instanceof Error ? error.message : String(error);
  return new MigrationError('statement', `the migration ${name} was not applied: ${oneLine(why)}`, error);
}

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
    ? 'none of its changes were kept: correct the migration and run npm run migrate again'
    : `some of its changes may have been kept: ${settleAdvice(file.name)}`;
  return new MigrationError(
    'statement',
    `the migration ${file.name} failed${line}: ${oneLine(failure.message)}${more.join('')}; ${next}`,
    cause,
  );
}

export function failedBefore(name: string): MigrationError {
  return new MigrationError(
    'failed-before',
    `the migration ${name} was started earlier and never finished: ${settleAdvice(name)}`,
  );
}

const settleAdvice = (name: string): string =>
  'check what it changed in the database, undo or finish these changes by hand, then run ' +
  `npm run migrate -- --rolled-back ${name} (it will run again) or npm run migrate -- --applied ${name} (it counts as applied)`;
