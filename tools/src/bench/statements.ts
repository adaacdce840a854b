import pg from 'pg';
import { createDatabase, startPostgres } from '../stack/postgres.ts';
import { startStack } from '../stack/stack.ts';
import { Crowd } from './crowd.ts';
import { type Item, type Scale } from './figure.ts';
import { UNLIMITED } from './unlimited.ts';

const PEOPLE: Record<Scale, number> = { full: 1_000, small: 200 };
/** Rarer statements belong to relay rounds, checks for stalled jobs and the like. */
const LEAST_PER_PERSON = 0.02;
const SHOWN = 110;

/**
 * Every statement that draining one identity costs, including the queue's own, most frequent first; the first item is
 * their sum. The server counts them (pg_stat_statements), in a run of its own because counting costs time.
 */
export async function statementsPerIdentity(scale: Scale): Promise<Item[]> {
  const people = PEOPLE[scale];
  const server = await startPostgres();
  try {
    await administer(server.url, `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
    await server.part.restart('SIGINT');
    const stack = await startStack({
      parts: ['box', 'provisioner'],
      postgresUrl: server.url,
      env: UNLIMITED,
    });
    const crowd = await Crowd.open(stack.databaseUrl);
    try {
      const counter = await createDatabase(server.url, 'bench_counter');
      await administer(counter, 'CREATE EXTENSION pg_stat_statements');
      await crowd.admit(people);
      await administer(counter, 'SELECT pg_stat_statements_reset()');
      await crowd.release();
      return await read(counter, new URL(stack.databaseUrl).pathname.slice(1), people);
    } finally {
      await crowd.close();
      await stack.stop();
    }
  } finally {
    await server.stop();
  }
}

/** The bench's own statements, which release people and check whether they are done. */
const NOT_OURS = String.raw`^(ANALYZE|SELECT EXISTS \(SELECT FROM provisioning_request|UPDATE provisioning_request SET due_at = clock_timestamp\(\) WHERE id = ANY|SELECT count\(\*\) FILTER)`;

async function read(counterUrl: string, database: string, people: number): Promise<Item[]> {
  const rows = await administer<{ query: string; calls: number }>(
    counterUrl,
    `SELECT regexp_replace(query, '\\s+', ' ', 'g') AS query, sum(calls)::int AS calls
     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = '${database}' AND toplevel AND query !~ '${NOT_OURS}'
     GROUP BY 1 ORDER BY calls DESC`,
  );
  const items = rows
    .map(({ query, calls }) => ({ what: query.slice(0, SHOWN), count: calls / people }))
    .filter(({ count }) => count >= LEAST_PER_PERSON);
  const sum = rows.reduce((all, { calls }) => all + calls, 0) / people;
  return [{ what: 'all SQL statements of an identity', count: sum }, ...items].map(({ what, count }) => ({
    what,
    count: Math.round(count * 100) / 100,
  }));
}

async function administer<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
