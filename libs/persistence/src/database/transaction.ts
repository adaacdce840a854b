import { setTimeout as pause } from 'node:timers/promises';
import { insideTransaction } from '@foyer/provisioning';
import type { ClientBase, Pool, PoolClient } from 'pg';
import type { Database } from './database.ts';
import type { Prisma } from '../generated/client.ts';

/**
 * The only place where transactions begin, end and are retried. Code inside a transaction is marked, so that a call to
 * Box or to the queue from there is refused; and only code inside is ever repeated.
 */

export type Transaction = Prisma.TransactionClient;

const TRIES = 5;
const FIRST_PAUSE_MS = 20;

/**
 * SQLSTATE serialization_failure, deadlock_detected: the server aborted this transaction in favour of another; a retry
 * succeeds.
 */
const GAVE_WAY = ['40001', '40P01'] as const;
/** The second of two concurrent inserts of the same row: its retry finds the row. */
export const UNIQUE_VIOLATION = '23505';

/** Prisma's names for the SQLSTATEs that its driver adapter translates. */
const translated: Readonly<Record<string, string>> = {
  TransactionWriteConflict: '40001',
  P2034: '40001',
  UniqueConstraintViolation: UNIQUE_VIOLATION,
  P2002: UNIQUE_VIOLATION,
};

/** The SQLSTATE of an error of pg, or of one that Prisma has wrapped; null for anything else. */
export function sqlStateOf(error: unknown, depth = 0): string | null {
  if (typeof error !== 'object' || error === null || depth > 5) return null;
  for (const key of ['originalCode', 'code', 'kind']) {
    const word: unknown = Reflect.get(error, key);
    if (typeof word !== 'string') continue;
    const state = translated[word] ?? word;
    if (/^[0-9A-Z]{5}$/.test(state) && !state.startsWith('P2')) return state;
  }
  for (const key of ['meta', 'driverAdapterError', 'cause']) {
    const state = sqlStateOf(Reflect.get(error, key), depth + 1);
    if (state !== null) return state;
  }
  return null;
}

/** The violated constraint that an error of pg, or one that Prisma has wrapped, names; null when it names none. */
export function constraintOf(error: unknown, depth = 0): string | null {
  if (typeof error !== 'object' || error === null || depth > 5) return null;
  const named: unknown = Reflect.get(error, 'constraint');
  if (typeof named === 'string') return named;
  if (typeof named === 'object' && named !== null) return JSON.stringify(named);
  for (const key of ['meta', 'driverAdapterError', 'cause']) {
    const constraint = constraintOf(Reflect.get(error, key), depth + 1);
    if (constraint !== null) return constraint;
  }
  return null;
}

export interface RetryOptions {
  /** Further SQLSTATEs that a retry may fix, besides those of an aborted transaction. */
  readonly alsoOn?: readonly string[];
}

/**
 * Retries `work`, which must be one transaction. Up to five tries, with pauses that double and are randomized, so that
 * two that collided do not collide again.
 */
export async function again<T>(work: () => Promise<T>, { alsoOn = [] }: RetryOptions = {}): Promise<T> {
  const mended: readonly string[] = [...GAVE_WAY, ...alsoOn];
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !mended.includes(sqlStateOf(error) ?? '')) throw error;
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1) * Math.random());
    }
  }
}

/**
 * Runs `work` in one transaction, repeated from its beginning when it was aborted: `work` must change nothing but the
 * database.
 */
export function transaction<T>(
  { prisma }: Pick<Database, 'prisma'>,
  work: (tx: Transaction) => Promise<T>,
  { alsoOn, ...options }: RetryOptions & { readonly timeout?: number; readonly maxWait?: number } = {},
): Promise<T> {
  return again(() => prisma.$transaction((tx) => insideTransaction(() => work(tx)), options), { alsoOn });
}

/**
 * `snapshot`: reads one moment, whatever is committed meanwhile; never retried, so that `work` may pass on what it
 * reads.
 */
type Mode = 'read-committed' | 'repeatable-read' | 'snapshot';

const begin: Readonly<Record<Mode, string>> = {
  'read-committed': 'BEGIN ISOLATION LEVEL READ COMMITTED',
  'repeatable-read': 'BEGIN ISOLATION LEVEL REPEATABLE READ',
  snapshot: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
};

/** As `transaction`, without Prisma, on a connection of the pool; a broken connection is not reused. */
export async function inTransaction<T>(
  pool: Pool,
  mode: Mode,
  work: (client: PoolClient) => Promise<T>,
  retry: RetryOptions = {},
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // The pool listens only to idle connections, and an error event without a listener ends the process.
  const note = (error: Error) => (broken = error);
  client.on('error', note);
  try {
    return await transactionOn(client, mode, () => work(client), { ...retry, onBroken: note });
  } finally {
    client.off('error', note);
    client.release(broken);
  }
}

/**
 * As `inTransaction`, on a connection of the caller. `onBroken` is called when the connection cannot be used any more.
 */
export function transactionOn<T>(
  client: ClientBase,
  mode: Mode,
  work: () => Promise<T>,
  {
    onBroken = () => undefined,
    ...retry
  }: RetryOptions & { readonly onBroken?: (error: Error) => void } = {},
): Promise<T> {
  const once = async (): Promise<T> => {
    try {
      await client.query(begin[mode]);
      const result = await insideTransaction(work);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(onBroken);
      throw error;
    }
  };
  return mode === 'snapshot' ? once() : again(once, retry);
}
