import { readFile } from 'node:fs/promises';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';

const FILE = new URL(
  '../../../../prisma/migrations/20261130210000_ids_by_time/migration.sql',
  import.meta.url,
);
const MOST = 300;

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const sql = async <R>(text: string, values: unknown[] = []): Promise<R[]> =>
  (await test.database.pool.query(text, values)).rows as R[];

describe('the ids of new rows', () => {
  it('order rows of the same millisecond by their age', async () => {
    const tenantId = await test.tenant();
    await sql(
      `INSERT INTO scim_group (tenant_id, display_name, created_at)
       SELECT $1, lpad(n::text, 4, '0'), '2026-11-30T12:00:00.123Z' FROM generate_series(1, $2::int) n`,
      [tenantId, MOST],
    );
    const rows = await sql<{ display_name: string }>(
      'SELECT display_name FROM scim_group WHERE tenant_id = $1 ORDER BY created_at, id',
      [tenantId],
    );
    expect(rows.map(({ display_name: name }) => Number(name))).toEqual(
      Array.from({ length: MOST }, (_, n) => n + 1),
    );
  });

  it('are given by the database in every table that has ids of its own', async () => {
    const rows = await sql<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name = 'id' AND column_default LIKE '%gen_random_uuid%'`,
    );
    expect(rows).toEqual([]);
  });
});

describe('the function for servers without uuidv7()', () => {
  it('gives ids of version 7 that grow with the time', async () => {
    const [definition] = /CREATE FUNCTION uuidv7\(\)[\s\S]*?\$f\$;?\n[\s\S]*?\$f\$/.exec(
      (await readFile(FILE, 'utf8')).replaceAll('\r\n', '\n'),
    ) ?? [''];
    expect(definition).toContain('gen_random_uuid()');
    await sql('CREATE SCHEMA earlier');
    await sql(definition.replace('FUNCTION uuidv7()', 'FUNCTION earlier.uuidv7()'));
    const rows = await sql<{ id: string; version: number; off: number }>(
      `SELECT id, uuid_extract_version(id) AS version,
         abs(extract(epoch FROM uuid_extract_timestamp(id) - clock_timestamp()))::float8 AS off
       FROM (SELECT earlier.uuidv7() AS id FROM generate_series(1, $1::int)) made`,
      [MOST],
    );
    // The 60 bits before the random part: milliseconds and their fraction.
    const times = rows.map(({ id }) => id.slice(0, 18));
    expect(times).toEqual(times.toSorted());
    expect(new Set(rows.map(({ id }) => id)).size).toBe(MOST);
    for (const { id, version, off } of rows) {
      expect(version).toBe(7);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
      expect(off).toBeLessThan(60);
    }
  });
});
