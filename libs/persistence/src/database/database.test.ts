import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { openDatabase, openTenant } from './database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('the database', () => {
  it('makes one tenant for many processes that start at once', async () => {
    const slug = `t-${randomUUID()}`;
    const ids = await Promise.all(Array.from({ length: 20 }, () => openTenant(test.database, slug)));
    expect(new Set(ids).size).toBe(1);
  });

  it('reports within its time limit that it does not answer', async () => {
    const nobody = openDatabase({ url: 'postgresql://foyer@127.0.0.1:9/foyer' });
    await expect(nobody.ping(2_000)).rejects.toThrow();
    await nobody.close();
  });

  it('limits statements, locks and idle transactions on every connection that it opens', async () => {
    const of = async (client: Pick<typeof test.database.pool, 'query'>) => {
      const { rows } = await client.query<{ name: string; setting: string }>(
        `SELECT name, setting FROM pg_settings WHERE name IN
           ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'application_name')`,
      );
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    };
    const limits = {
      application_name: 'foyer',
      idle_in_transaction_session_timeout: '30000',
      lock_timeout: '10000',
      statement_timeout: '15000',
    };
    expect(await of(test.database.pool)).toEqual(limits);
    const own = await test.database.connect();
    expect(await of(own)).toEqual({ ...limits, statement_timeout: '0' });
    await own.end();
  });

  it('gets rid of a transaction that was never ended: the server ends its connection', async () => {
    const database = openDatabase({ url: test.url, poolSize: 1 });
    const client = await database.pool.connect();
    const ended = new Promise<Error>((resolve) => client.once('error', resolve));
    await client.query("SET idle_in_transaction_session_timeout = '50ms'");
    await client.query('BEGIN');
    expect((await ended).message).toMatch(/idle-in-transaction timeout/);
    client.release(true);
    await expect(database.ping(10_000)).resolves.toBeUndefined();
    await database.close();
  });

  it('says plainly, at the start, that there is no server or no such database', async () => {
    const away = openDatabase({ url: 'postgresql://foyer@127.0.0.1:9/foyer' });
    await expect(openTenant(away, 'default')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await away.close();
    const url = Object.assign(new URL(test.url), { pathname: '/no_such' }).href;
    const unknown = openDatabase({ url });
    await expect(openTenant(unknown, 'default')).rejects.toThrow(/^database "no_such" does not exist$/);
    await unknown.close();
  });
});
