import type pg from 'pg';
import type { Database } from '../database/database.ts';

/** How many connections of this database wait for a lock that another one holds. */
async function waitingIn({ pool }: Database): Promise<number> {
  const { rows } = await pool.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM pg_stat_activity
     WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`,
  );
  return rows[0]!.waiting;
}

/**
 * Waits until `count` statements of this database wait for a lock, or until `ended` is settled: if the expected lock is
 * missing, no statement waits, and the test continues to check the result.
 */
export async function untilWaiting(
  database: Database,
  count: number,
  ended: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  ended.then(over, over);
  while (!isOver && (await waitingIn(database)) < count);
}

/**
 * Runs `work` in a transaction that is committed when `count` statements of `waiter` wait for it, or for each other
 * behind it. Returns the result of `waiter`.
 */
export async function whileWaiting<T>(
  database: Database,
  work: (client: pg.PoolClient) => Promise<unknown>,
  waiter: () => Promise<T>,
  count = 1,
): Promise<T> {
  const client = await database.pool.connect();
  try {
    await client.query('BEGIN');
    await work(client);
    const waiting = waiter();
    await untilWaiting(database, count, waiting);
    await client.query('COMMIT');
    return await waiting;
  } finally {
    client.release();
  }
}
