import { connect, createServer, type Server } from 'node:net';
import { shownAddress } from './database.ts';
import { directory, migration, newDatabase, problemOf, server, tables } from './migrate.harness.ts';
import { migrate, pendingMigrations, settleMigration } from './migrate.ts';

const FUNCTION_WITH_SEMICOLONS = `
  -- a; comment
  CREATE TABLE note (id int, text text DEFAULT 'a;b');
  CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.text := 'x;y'; RETURN NEW; END $$;
  CREATE TRIGGER stamp BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION stamp();
`;

describe('migrate', () => {
  it('applies the missing migrations in order, and none the second time', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('2_second', 'ALTER TABLE first ADD COLUMN more int;');
    await migration('1_first', 'CREATE TABLE first (id int);');
    const said: string[] = [];
    const onProgress = (line: string) => said.push(line);

    expect(await migrate({ databaseUrl, directory, onProgress })).toEqual({
      applied: ['1_first', '2_second'],
    });
    expect(said).toEqual(['applying 1_first', 'applying 2_second']);
    expect(await migrate({ databaseUrl, directory })).toEqual({ applied: [] });
    await migration('3_third', 'CREATE TABLE third (id int);');
    expect(await migrate({ databaseUrl, directory })).toEqual({ applied: ['3_third'] });
    expect(await tables(client)).toEqual(['first', 'third']);
  });

  it("applies this repository's own migrations", async () => {
    const { databaseUrl, client } = await newDatabase();
    const { applied } = await migrate({ databaseUrl });
    expect(applied.length).toBeGreaterThan(0);
    expect(await tables(client)).toEqual(
      expect.arrayContaining(['api_call', 'identity', 'provisioning_request']),
    );
  });

  it('applies them to a database that is not in UTF-8, too', async () => {
    const { databaseUrl, client } = await newDatabase(`ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`);
    await migrate({ databaseUrl });
    const { rows } = await client.query<{ folded: string }>(`SELECT scim_fold('Ada@Example.com') AS folded`);
    expect(rows).toEqual([{ folded: 'ada@example.com' }]);
  });

  it('sends each file as one text, so semicolons in functions, literals and comments end no statement', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_function', FUNCTION_WITH_SEMICOLONS);
    await migrate({ databaseUrl, directory });
    const answer = await client.query<{ text: string }>('INSERT INTO note (id) VALUES (1) RETURNING text');
    expect(answer.rows).toEqual([{ text: 'x;y' }]);
  });

  it('applies each migration once when three processes run, including an index built concurrently', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration(
      '1_table',
      'CREATE TABLE busy (id int); INSERT INTO busy SELECT generate_series(1, 1000);',
    );
    await migration('2_index', 'CREATE INDEX CONCURRENTLY busy_id ON busy (id);');
    const results = await Promise.all([1, 2, 3].map(() => migrate({ databaseUrl, directory })));
    expect(results.flatMap((result) => result.applied)).toEqual(['1_table', '2_index']);
    const rows = await client.query<{ count: string }>('SELECT count(*) FROM busy');
    expect(rows.rows).toEqual([{ count: '1000' }]);
  });

  it('rolls back a file that fails, reports its line, and applies it once it is corrected', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_good', 'CREATE TABLE good (id int);');
    await migration('2_bad', 'CREATE TABLE half (id int);\n\nCREATE TABLE good (id int);');
    const problem = await problemOf(migrate({ databaseUrl, directory }));
    expect(problem.problem).toBe('statement');
    expect(problem.message).toContain('the migration 2_bad failed');
    expect(problem.message).toContain('relation "good" already exists');
    expect(problem.message).toContain('none of its changes were kept');
    expect(await tables(client)).toEqual(['good']);
    expect(await pendingMigrations(client, directory)).toMatchObject({ pending: ['2_bad'], failed: [] });

    await migration('2_bad', 'CREATE TABLE half (id int);');
    expect(await migrate({ databaseUrl, directory })).toEqual({ applied: ['2_bad'] });
  });

  it('reports the line of a statement with a syntax error', async () => {
    const { databaseUrl } = await newDatabase();
    await migration(
      '1_bad',
      'CREATE TABLE one (id int);\nCREATE TABLE two (id int);\nCREATE TABEL three (id int);',
    );
    const problem = await problemOf(migrate({ databaseUrl, directory }));
    expect(problem.message).toContain(
      'the migration 1_bad failed at line 3: syntax error at or near "TABEL"',
    );
  });

  it('applies nothing more after a failure that may have left changes, until an operator resolves it', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_half', 'BEGIN; CREATE TABLE half (id int); COMMIT; SELECT 1 / 0;');
    expect((await problemOf(migrate({ databaseUrl, directory }))).message).toContain(
      'some of its changes may have been kept',
    );
    expect(await pendingMigrations(client, directory)).toMatchObject({
      pending: ['1_half'],
      failed: ['1_half'],
    });

    const again = await problemOf(migrate({ databaseUrl, directory }));
    expect(again.problem).toBe('failed-before');
    expect(again.message).toContain('npm run migrate -- --rolled-back 1_half');

    const other = await problemOf(settleMigration({ databaseUrl, directory, name: 'other', as: 'applied' }));
    expect(other.message).toContain('the failed ones are: 1_half');
    await client.query('DROP TABLE half');
    await settleMigration({ databaseUrl, directory, name: '1_half', as: 'rolled-back' });
    await migration('1_half', 'CREATE TABLE half (id int);');
    expect(await migrate({ databaseUrl, directory })).toEqual({ applied: ['1_half'] });
  });

  it('treats a failed migration as applied when an operator says so', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_half', 'BEGIN; CREATE TABLE half (id int); COMMIT; SELECT 1 / 0;');
    await problemOf(migrate({ databaseUrl, directory }));
    await settleMigration({ databaseUrl, directory, name: '1_half', as: 'applied' });
    expect(await pendingMigrations(client, directory)).toMatchObject({ pending: [], failed: [] });
    expect(await migrate({ databaseUrl, directory })).toEqual({ applied: [] });
  });

  it('reports a folder without migrations', async () => {
    const { databaseUrl } = await newDatabase();
    expect((await problemOf(migrate({ databaseUrl, directory }))).problem).toBe('files');
  });

  it('gives up waiting for another migration and reports what holds the lock', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'CREATE TABLE waiting (id int);');
    await client.query('SELECT pg_advisory_lock(5550001)');
    const problem = await problemOf(migrate({ databaseUrl, directory, lockWaitMs: 100 }));
    expect(problem.problem).toBe('locked');
  });
});

describe('pendingMigrations', () => {
  it('counts everything as pending in a database without a migrations table', async () => {
    const { client } = await newDatabase();
    await migration('1_table', 'SELECT 1;');
    expect(await pendingMigrations(client, directory)).toMatchObject({
      migrated: false,
      pending: ['1_table'],
      failed: [],
    });
  });

  it('queries the database once', async () => {
    const { databaseUrl, client } = await newDatabase();
    await migration('1_table', 'SELECT 1;');
    await migrate({ databaseUrl, directory });
    let asked = 0;
    const counting = { query: (sql: string) => (asked++, client.query<{ name: string }>(sql)) };
    expect(await pendingMigrations(counting, directory)).toMatchObject({ pending: [], failed: [] });
    expect(asked).toBe(1);
  });
});

describe('a database that cannot be reached', () => {
  const change = (part: (url: URL) => void): string => {
    const url = new URL(server);
    part(url);
    return url.href;
  };

  it('has its own error: no such database', async () => {
    const databaseUrl = change((url) => (url.pathname = '/nowhere'));
    const problem = await problemOf(migrate({ databaseUrl }));
    expect(problem.problem).toBe('database');
    expect(problem.message).toContain('"nowhere"');
  });

  it('has its own error: wrong user', async () => {
    const databaseUrl = change((url) => {
      url.username = 'stranger';
      url.password = 'not-to-be-shown';
    });
    const problem = await problemOf(migrate({ databaseUrl }));
    expect(problem.problem).toBe('password');
    expect(problem.message).toContain('"stranger"');
    expect(problem.message).not.toContain('not-to-be-shown');
  });

  it.each(['', 'mysql://localhost/x', 'localhost:5432'])(
    'has its own error: "%s" is not an address',
    async (databaseUrl) => {
      const problem = await problemOf(migrate({ databaseUrl }));
      expect(problem.problem).toBe('url');
      expect(problem.message).toContain('DATABASE_URL=postgresql://');
    },
  );

  it('is waited for, with progress, and no longer than allowed', async () => {
    const closed = await refusingPort();
    const said: string[] = [];
    const problem = await problemOf(
      migrate({
        databaseUrl: `postgresql://x@127.0.0.1:${closed}/x`,
        waitMs: 300,
        onProgress: (line) => said.push(line),
      }),
    );
    expect(problem.problem).toBe('unreachable');
    expect(said[0]).toContain('waiting for the database');
  });

  it('is used as soon as it answers', async () => {
    const { databaseUrl } = await newDatabase();
    const port = await refusingPort();
    const late = new URL(databaseUrl);
    const target = { host: late.hostname, port: Number(late.port) };
    late.port = String(port);
    let proxy: Server | undefined;
    const started = migrate({
      databaseUrl: late.href,
      waitMs: 20_000,
      onProgress: (line) => {
        if (line.startsWith('waiting')) proxy ??= forward(port, target);
      },
    });
    expect((await started).applied.length).toBeGreaterThan(0);
    expect(proxy).toBeDefined();
    await new Promise((resolve) => proxy?.close(resolve));
  });

  it('is shown without its password', () => {
    expect(shownAddress('postgresql://me:secret@db.example.com:5433/foyer')).toBe(
      '"foyer" on db.example.com:5433',
    );
  });
});

/** A port that no process listens on. */
async function refusingPort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function forward(port: number, target: { host: string; port: number }): Server {
  const listener = createServer((socket) => {
    const far = connect(target);
    socket.pipe(far).pipe(socket);
    socket.on('error', () => far.destroy());
    far.on('error', () => socket.destroy());
  });
  return listener.listen(port, '127.0.0.1');
}
