import type { Pool, PoolClient } from 'pg';

/** Runs `work` in one transaction on a connection of its own; one that broke is not used again. */
export async function inTransaction<T>(
  pool: Pool,
  mode: 'ISOLATION LEVEL READ COMMITTED' | 'ISOLATION LEVEL REPEATABLE READ READ ONLY',
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // The pool listens to idle connections only, and an error that nobody hears ends the process.
  const note = (error: Error) => (broken = error);
  client.on('error', note);
  try {
    await client.query(`BEGIN ${mode}`);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(note);
    throw error;
  } finally {
    client.off('error', note);
    client.release(broken);
  }
}
