import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { MigrationError } from './migrate.ts';

export const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';
const admin = new pg.Client({ connectionString: server });
const opened: pg.Client[] = [];
const databases: string[] = [];
/** The migrations folder of one test. */
export let directory = '';

export async function newDatabase(options = ''): Promise<{ databaseUrl: string; client: pg.Client }> {
  const name = `migrate_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name} ${options}`);
  databases.push(name);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  opened.push(client);
  return { databaseUrl: url.href, client };
}

export async function migration(name: string, sql: string): Promise<void> {
  await mkdir(join(directory, name), { recursive: true });
  await writeFile(join(directory, name, 'migration.sql'), sql);
}

export async function problemOf(promise: Promise<unknown>): Promise<MigrationError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MigrationError) return error;
    throw error;
  }
  throw new Error('it should have failed');
}

export async function tables(client: pg.Client): Promise<string[]> {
  const answer = await client.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations' ORDER BY 1",
  );
  return answer.rows.map((row) => row.name);
}

beforeAll(() => admin.connect());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'foyer-migrations-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((client) => client.end()));
  for (const name of databases.splice(0)) await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await rm(directory, { recursive: true, force: true });
});
afterAll(() => admin.end());
