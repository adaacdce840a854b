import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { checksumOf } from './files.ts';
import { directory, migration, newDatabase, problemOf, tables } from './migrate.harness.ts';
import { migrate, migrationProblem, pendingMigrations, requireMigrated } from './migrate.ts';

const CLI = join(import.meta.dirname, 'cli.ts');
/** A migration that locks tables that are in use, and may be applied twice. */
const LAST = '20261130100000_scim_as_landed';

describe('a migration that was changed after it had been applied', () => {
  const FILE = (name: string) => `prisma/migrations/${name}/migration.sql`;

  it('stops the migrations, names the file, and applies nothing', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int);');
    await migrate({ databaseUrl, directory });
    await migration('1_table', 'CREATE TABLE one (id int, more int);');
    await migration('2_table', 'CREATE TABLE two (id int);');
    const problem = await problemOf(migrate({ databaseUrl, directory }));
    expect(problem.problem).toBe('changed');
    expect(problem.message).toContain(FILE('1_table'));
    expect(await tables(client)).toEqual(['one']);
    const state = await pendingMigrations(client, directory);
    expect(state).toMatchObject({ changed: ['1_table'], pending: ['2_table'] });
    expect(migrationProblem(state)).toContain(FILE('1_table'));
  });

  it('is accepted when its former text is listed as superseded', async () => {
    const { databaseUrl, client } = await newDatabase();
    const former = 'CREATE TABLE one (id int);';
    await migration('1_table', former);
    await migrate({ databaseUrl, directory });
    await migration('1_table', 'CREATE TABLE one (id int, more int);');
    await writeFile(join(directory, 'landed.txt'), `# former\n${checksumOf(former)}  1_table  superseded\n`);
    expect(migrationProblem(await pendingMigrations(client, directory))).toBeNull();
  });

  it('is not applied to a new database', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int, more int);');
    await writeFile(join(directory, 'landed.txt'), `${checksumOf('CREATE TABLE one (id int);')}  1_table\n`);
    const problem = await problemOf(migrate({ databaseUrl, directory }));
    expect(problem.message).toContain(FILE('1_table'));
    expect(await tables(client)).toEqual([]);
  });

  it('is the same text with the line ends of another system', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one\n(id int);\n');
    await migrate({ databaseUrl, directory });
    await migration('1_table', 'CREATE TABLE one\r\n(id int);\r\n');
    expect(migrationProblem(await pendingMigrations(client, directory))).toBeNull();
  });

  it('reports which line of the list cannot be parsed', async () => {
    const { client } = await newDatabase();
    await migration('1_table', 'SELECT 1;');
    await writeFile(join(directory, 'landed.txt'), '<<<<<<< HEAD\n');
    const problem = await problemOf(pendingMigrations(client, directory));
    expect(problem.message).toContain('"<<<<<<< HEAD"');
  });
});

describe('a database of another version', () => {
  it('is not changed when it has migrations that are not on disk', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int);');
    await migration('2_later', 'CREATE TABLE two (id int);');
    await migrate({ databaseUrl, directory });
    await rm(join(directory, '2_later'), { recursive: true });
    await migration('3_other', 'CREATE TABLE three (id int);');
    const problem = await problemOf(migrate({ databaseUrl, directory }));
    expect(problem.message).toContain('the migration 2_later, which this version of Foyer does not have');
    expect(await tables(client)).toEqual(['one', 'two']);
  });

  it('is distinguished from one that was never migrated, and from an older one', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int);');
    expect(await problemOf(requireMigrated(client, directory))).toMatchObject({
      message: expect.stringMatching(/^the database is not migrated.*npm run migrate/) as unknown,
    });
    await migrate({ databaseUrl, directory });
    await requireMigrated(client, directory);
    await migration('2_table', 'CREATE TABLE two (id int);');
    expect(await problemOf(requireMigrated(client, directory))).toMatchObject({
      message: expect.stringMatching(/^the database is older than.*2_table.*npm run migrate/) as unknown,
    });
  });
});

describe('an interrupted migration', () => {
  const begun = async (client: pg.Client): Promise<boolean> => {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'foyer-migrate' AND wait_event_type = 'Lock'
         AND datname = current_database()`,
    );
    return rows.length > 0;
  };

  it('leaves no changes when its program is killed, and the next run continues automatically', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migrate({ databaseUrl });
    await client.query(`DELETE FROM _prisma_migrations WHERE migration_name = $1`, [LAST]);
    const user = new pg.Client({ connectionString: databaseUrl });
    await user.connect();
    await user.query('BEGIN; LOCK TABLE box_account IN ACCESS SHARE MODE');
    const child = spawn(process.execPath, [CLI], {
      env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
    });
    while (!(await begun(client))) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await pendingMigrations(client)).failed).toEqual([LAST]);

    const said: string[] = [];
    const again = migrate({ databaseUrl, onProgress: (line) => said.push(line) });
    while (!said.some((line) => line.includes('waits for a table')))
      await new Promise((resolve) => setTimeout(resolve, 20));
    await user.end();
    expect(await again).toEqual({ applied: [LAST] });
    expect(said).toContain(`${LAST} was interrupted, and none of its changes were kept`);
  });

  it('is recorded even if it was interrupted between its commit and its end', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int);');
    await migrate({ databaseUrl, directory });
    await migration(
      '2_table',
      `CREATE TABLE two (id int);
       CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$;
       CREATE TRIGGER refuse BEFORE UPDATE ON _prisma_migrations FOR EACH ROW WHEN (OLD.finished_at IS NOT NULL)
         EXECUTE FUNCTION refuse();`,
    );
    await problemOf(migrate({ databaseUrl, directory }));
    expect(await pendingMigrations(client, directory)).toMatchObject({ pending: [], failed: [] });
    await client.query('DROP TRIGGER refuse ON _prisma_migrations');
    expect(await migrate({ databaseUrl, directory })).toEqual({ applied: [] });
  });

  it('is left to an operator when it was started by a version without such records', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int);');
    await migrate({ databaseUrl, directory });
    await migration('2_table', 'CREATE TABLE two (id int);');
    await client.query(`COMMENT ON TABLE _prisma_migrations IS NULL`);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', '', '2_table')`,
    );
    expect((await problemOf(migrate({ databaseUrl, directory }))).problem).toBe('failed-before');
  });

  it('retries while a lock is held, and fails in the end', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int);');
    await migrate({ databaseUrl, directory });
    await migration('2_column', 'ALTER TABLE one ADD COLUMN more int;');
    await client.query('BEGIN; LOCK TABLE one IN ACCESS SHARE MODE');
    const problem = await problemOf(migrate({ databaseUrl, directory, lockWaitMs: 100 }));
    expect(problem.message).toContain('lock timeout');
    expect(await pendingMigrations(client, directory)).toMatchObject({ pending: ['2_column'], failed: [] });
    await client.query('ROLLBACK');
  });
});
