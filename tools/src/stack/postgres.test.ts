import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase, startPostgres } from './postgres.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-kept-'));
  // As root the server runs as another user, and data that this user cannot reach would be stored elsewhere.
  await chmod(folder, 0o711);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a PostgreSQL server with kept data', () => {
  it('has its data again after a restart, and requires a password', async () => {
    const dataDir = join(folder, 'inner', 'postgres');
    let server = await startPostgres({ dataDir });
    await ask(await createDatabase(server.url, 'foyer'), 'CREATE TABLE kept AS SELECT 42 AS answer');
    await server.stop();
    server = await startPostgres({ dataDir });
    expect(await ask(server.databaseUrl('foyer'), 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    const stranger = new URL(server.url);
    stranger.password = 'wrong';
    await expect(ask(stranger.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    await server.stop();
  });

  it('of another version is refused, with a remedy', async () => {
    await writeFile(join(folder, 'PG_VERSION'), '15\n');
    await expect(startPostgres({ dataDir: folder })).rejects.toThrow(
      /written by PostgreSQL 15, not 18\n.*delete that folder/,
    );
  });

  it('is never set up over other files', async () => {
    await writeFile(join(folder, 'foreign'), 'not ours');
    await expect(startPostgres({ dataDir: folder })).rejects.toThrow(/is no PostgreSQL data, and not empty/);
    expect(await readdir(folder)).toEqual(['foreign']);
  });

  it('is set up again when an earlier setup was interrupted', async () => {
    const dataDir = join(folder, 'inner', 'postgres');
    await mkdir(`${dataDir}.making`, { recursive: true });
    await writeFile(join(`${dataDir}.making`, 'PG_VERSION'), '18\n');
    const server = await startPostgres({ dataDir });
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(await readdir(join(folder, 'inner'))).toEqual(['postgres']);
  });
});
