import { type MigrationFile } from './files.ts';

/** Locked, shared, by the transaction of a file that is being applied; see `whileNoneRuns`. Used only by Foyer. */
export const RUNNING_KEY = 5_550_002;

/** How long a migration waits for a lock before it tries again, because all users of the table queue up behind it. */
const LOCK_TIMEOUT_MS = 3_000;

/** Whether a failure rolls back the whole file: a file without these words runs as one implicit transaction. */
export const isOneTransaction = (sql: string): boolean =>
  !/\b(commit|rollback|concurrently|vacuum)\b/i.test(withoutComments(sql));

const withoutComments = (sql: string): string => sql.replaceAll(/--.*$/gm, '');

/** The SQL that is sent for a file, and the offset of the file's own text in it. */
export interface Script {
  readonly text: string;
  readonly offset: number;
}

/**
 * Adds a file's own record to its transaction, so that both are committed or neither is. A file that is not one
 * transaction is sent as it is.
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
