import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { openDatabase, openTenant } from './database.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('the database', () => {
  it('creates one tenant for many processes that start at once', async () => {
    const slug = `t-${randomUUID()}`;
    const ids = await Promise.all(Array.from({ length: 20 }, () => openTenant(test.database, slug)));
    expect(new Set(ids).size).toBe(1);
  });

  it('reports within its time limit that it does not answer', async () => {
    const nobody = openDatabase({ url: 'postgresql://foyer@127.0.0.1:9/foyer' });
    await expect(nobody.ping(2_000)).rejects.toThrow();
    await nobody.close();
  });

  const limitsOf = async (client: Pick<typeof test.database.pool, 'query'>) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      `SELECT name, setting FROM pg_settings WHERE name IN
         ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'application_name')`,
    );
    return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  };

  it('limits statements, locks and idle transactions on every connection that it opens', async () => {
    const limits = {
      application_name: 'foyer',
      idle_in_transaction_session_timeout: '30000',
      lock_timeout: '10000',
      statement_timeout: '15000',
    };
    expect(await limitsOf(test.database.pool)).toEqual(limits);
    const own = await test.database.connect();
    expect(await limitsOf(own)).toEqual({ ...limits, statement_timeout: '0' });
    await own.end();
  });

  it.each([
    [true, 15_000],
    [false, 2 ** 31 - 1],
  ])('limits the time of a transaction: %s', async (hasTimeLimits, limitMs) => {
    const database = openDatabase({ url: test.url, poolSize: 1, hasTimeLimits });
    await database.prisma.$queryRaw`SELECT 1`;
    const timers = jest.spyOn(globalThis, 'setTimeout');
    try {
      await database.prisma.$transaction((tx) => tx.$queryRaw`SELECT 1`);
      const delays = timers.mock.calls.map(([, ms]) => ms);
      expect([15_000, 2 ** 31 - 1].filter((ms) => delays.includes(ms))).toEqual([limitMs]);
    } finally {
      timers.mockRestore();
      await database.close();
    }
  });

  it("has no limits for a simulation, whose time is not the machine's", async () => {
    const database = openDatabase({ url: test.url, poolSize: 1, hasTimeLimits: false });
    expect(await limitsOf(database.pool)).toEqual({
      application_name: 'foyer',
      idle_in_transaction_session_timeout: '0',
      lock_timeout: '0',
      statement_timeout: '0',
    });
    await database.close();
  });

  it('terminates the connection of a transaction that was never ended', async () => {
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

  it('reports clearly at the start that there is no server or no such database', async () => {
    const away = openDatabase({ url: 'postgresql://foyer@127.0.0.1:9/foyer' });
    await expect(openTenant(away, 'default')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await away.close();
    const url = Object.assign(new URL(test.url), { pathname: '/no_such' }).href;
    const unknown = openDatabase({ url });
    await expect(openTenant(unknown, 'default')).rejects.toThrow(/^database "no_such" does not exist$/);
    await unknown.close();
  });
});
