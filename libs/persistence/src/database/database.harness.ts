import { randomUUID } from 'node:crypto';
import type { Person } from '@foyer/shared';
import { openDatabase, openTenant, type Database } from './database.ts';
import pg from 'pg';

/** A migrated database of its own for one test file, as a copy of the template that the test run made. */
export interface TestDatabase {
  readonly url: string;
  readonly database: Database;
  /** A new tenant, which keeps the tests of one file apart. */
  tenant(): Promise<string>;
  drop(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.FOYER_TEST_POSTGRES_URL;
  if (!server) throw new Error('FOYER_TEST_POSTGRES_URL is not set: run the tests through `npm test`.');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(server, `CREATE DATABASE ${name} TEMPLATE foyer_template`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const database = openDatabase({ url });
  return {
    url,
    database,
    tenant: () => openTenant(database, `t-${randomUUID()}`),
    async drop() {
      await database.close();
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/**
 * Waits until every transaction on the server that was open at the call has ended, including those of other tests: the
 * audit log is sealed only up to the oldest open one.
 */
export async function transactionsEnded({ pool }: Database): Promise<void> {
  const { rows } = await pool.query<{ tx: string }>('SELECT pg_current_xact_id()::text AS tx');
  for (;;) {
    const { rowCount } = await pool.query(
      'SELECT 1 WHERE pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8',
      [rows[0]!.tx],
    );
    if (rowCount === 1) return;
  }
}

/** Runs a statement without the triggers that stamp rows, for audit log rows that need a given time. */
export async function plant<Row extends object>(
  { connect }: Pick<Database, 'connect'>,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = await connect();
  try {
    await client.query('SET session_replication_role = replica');
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // A template is busy while another test copies it, which lasts only as long as a copy.
  for (let tries = 1; ; tries++) {
    try {
      await client.query(sql);
      break;
    } catch (error) {
      const busy = error instanceof pg.DatabaseError && error.code === '55006';
      if (!busy || tries === 50) {
        await client.end();
        throw error;
      }
    }
  }
  await client.end();
}

export const samplePerson = (difference: Partial<Person> = {}): Person => ({
  issuer: 'https://example.okta.com',
  subject: `00u${randomUUID().slice(0, 8)}`,
  username: 'ada@example.com',
  email: 'ada@example.com',
  name: 'Ada Example',
  ...difference,
});
