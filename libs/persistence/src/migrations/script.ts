import { type MigrationFile } from './files.ts';

/** Held, shared, by the transaction of a file that is being applied: see `whileNoneRuns`. Ours alone. */
export const RUNNING_KEY = 5_550_002;

/**
 * How long a migration may wait for a lock: whoever uses the table waits behind it, so it gives up its place and tries
 * again.
 */
const LOCK_TIMEOUT_MS = 3_000;

/** Whether a failure undoes all of a file: one without these words runs as one implicit transaction. */
export const isOneTransaction = (sql: string): boolean =>
  !/\b(commit|rollback|concurrently|vacuum)\b/i.test(withoutComments(sql));

const withoutComments = (sql: string): string => sql.replaceAll(/--.*$/gm, '');

/** What is sent for a file, and where in it the file's own text begins. */
export interface Script {
  readonly text: string;
  readonly offset: number;
}

/**
 * A file that is one transaction takes its own record along: however it is broken off, both are there or neither is. Others
 * are sent as they are.
 */
export function scriptOf({ name, sql }: MigrationFile): Script {
  if (!isOneTransaction(sql)) return { text: sql, offset: 0 };
  const before = `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}; SELECT pg_advisory_xact_lock_shared(${RUNNING_KEY}); `;
  return { text: `${before}${sql}\n;\n${recordOf(name)}`, offset: before.length };
}

const recordOf = (name: string): string => `DO $foyer_migrate$
BEGIN
  UPDATE public._prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1
  WHERE migration_name = '${name.replaceAll("'", "''")}' AND finished_at IS NULL AND rolled_back_at IS NULL;
  IF NOT FOUND THEN RAISE EXCEPTION 'another run of the migrations has taken over'; END IF;
END $foyer_migrate$`;
