import pg from 'pg';
import { createDatabase, type PostgresServer, startPostgres } from '../stack/postgres.ts';
import { type Item } from './figure.ts';

const SHOWN = 110;
const COUNTER = 'bench_counter';

/** A PostgreSQL server that counts the statements of its databases (pg_stat_statements). */
export async function startCountingPostgres(): Promise<PostgresServer> {
  const server = await startPostgres();
  try {
    await administer(server.url, `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
    await server.part.restart('SIGINT');
    await administer(await createDatabase(server.url, COUNTER), 'CREATE EXTENSION pg_stat_statements');
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Forgets all counts. */
export const resetStatements = async (server: PostgresServer): Promise<void> =>
  void (await administer(server.databaseUrl(COUNTER), 'SELECT pg_stat_statements_reset()'));

/** How often each statement of that database ran since the last reset, most frequent first. */
export async function countStatements(server: PostgresServer, ofDatabase: string): Promise<readonly Item[]> {
  const rows = await administer<{ query: string; calls: number }>(
    server.databaseUrl(COUNTER),
    `SELECT trim(regexp_replace(query, '\\s+', ' ', 'g')) AS query, sum(calls)::int AS calls
     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = '${new URL(ofDatabase).pathname.slice(1)}' AND toplevel GROUP BY 1 ORDER BY calls DESC`,
  );
  return rows.map(({ query, calls }) => ({ what: query, count: calls }));
}

/** Each count as a share of `of`, with short texts. */
export const perOne = (items: readonly Item[], of: number): Item[] =>
  items.map(({ what, count }) => ({
    what: what.slice(0, SHOWN),
    count: Math.round((count / of) * 100) / 100,
  }));

export async function administer<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
