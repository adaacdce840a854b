import { setTimeout as tick } from 'node:timers/promises';
import { startFaultProxy, type Fault, type FaultProxy } from '@foyer/provisioning/testing';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { openDatabase, type Database } from './database.ts';
import { RequestWatch } from '../requests/request-watch.ts';
import { inTransaction, transaction } from './transaction.ts';

const SILENCE_MS = 400;

let test: TestDatabase;
let proxy: FaultProxy;
let database: Database;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());
beforeEach(async () => {
  proxy = await startFaultProxy(test.url);
  database = openDatabase({ url: proxy.url, poolSize: 5, silenceMs: SILENCE_MS });
});
afterEach(async () => {
  proxy.cut();
  await database.close();
  await proxy.close();
});

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited in vain for: ${what}`);
    await tick(10);
  }
}
/** Opens all five connections and leaves them idle. */
const warm = async (): Promise<void> => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => database.pool.connect()));
  clients.forEach((client) => client.release());
};
const fails = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => false,
    () => true,
  );

/** Queries the server repeatedly, and returns how many queries failed before one was answered. */
async function lostQuestions(): Promise<number> {
  for (let lost = 0; ; lost++) {
    if (!(await fails(database.pool.query('SELECT 1')))) return lost;
    if (lost === 20) throw new Error('No connection works any more.');
  }
}

describe('a pool whose connections have all gone silent', () => {
  it('loses one query, and opens new connections for the next ones', async () => {
    await warm();
    proxy.set('half-open');
    proxy.set(null);
    expect(await lostQuestions()).toBe(1);
  });

  it.each<Fault>(['black-hole', 'eat-answers', 'trickle'])(
    'loses no more than one after that ends: %s',
    async (fault) => {
      await warm();
      proxy.set(fault);
      await expect(database.pool.query(`SELECT repeat('x', 1000)`)).rejects.toThrow();
      proxy.set(null);
      expect(await lostQuestions()).toBeLessThanOrEqual(1);
    },
  );

  it('loses what was under way when they are cut, and nothing else', async () => {
    await warm();
    const under = database.pool.query('SELECT pg_sleep(10)');
    await until('the statement runs', async () => {
      const { rows } = await test.database.pool.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(10)'`,
      );
      return rows.length === 1;
    });
    proxy.cut();
    await expect(under).rejects.toThrow();
    await until('the pool noticed', () => database.pool.idleCount === 0);
    expect(await lostQuestions()).toBe(0);
  });
});

describe('a transaction on a connection that goes silent', () => {
  it.each<Fault>(['half-open', 'black-hole', 'eat-answers'])(
    'is given up after the one time limit, not after a second one for its rollback: %s',
    async (fault) => {
      await warm();
      const began = performance.now();
      const work = inTransaction(database.pool, 'read-committed', async (client) => {
        proxy.set(fault);
        await client.query('SELECT 1');
      });
      await expect(work).rejects.toThrow();
      expect(performance.now() - began).toBeLessThan(2 * SILENCE_MS);
      proxy.set(null);
      expect(await lostQuestions()).toBe(0);
    },
  );

  it('gives its connection back to nobody, through Prisma as well', async () => {
    const work = transaction(database, async (tx) => {
      proxy.set('eat-answers');
      await tx.$queryRaw`SELECT 1`;
    });
    await expect(work).rejects.toThrow();
    proxy.set(null);
    expect(await lostQuestions()).toBe(0);
    expect(await fails(database.prisma.tenant.count())).toBe(false);
  });
});

describe('a connection that the server ends', () => {
  it('ends no process while a caller holds it idle', async () => {
    const client = await database.pool.connect();
    expect(client.listenerCount('error')).toBeGreaterThan(0);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const ended = new Promise((resolve) => client.once('end', resolve));
    await test.database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
    await ended;
    client.release();
    expect(await lostQuestions()).toBe(0);
  });

  it('loses only the queries that were running, round after round', async () => {
    for (let round = 0; round < 20; round++) {
      const asked = Array.from({ length: 8 }, (_, n) =>
        inTransaction(database.pool, 'read-committed', (client) => client.query('SELECT $1::int', [n])),
      );
      await test.database.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5`,
      );
      await Promise.allSettled(asked);
    }
    await until('an answer', async () => !(await fails(database.pool.query('SELECT 1'))));
  });
});

describe('the watch of requests', () => {
  const listening = async (): Promise<number> => {
    const { rows } = await test.database.pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(LISTEN|SELECT 1$)'
         AND pid <> pg_backend_pid()`,
    );
    return rows.length;
  };

  it.each<Fault>(['half-open', 'black-hole', 'eat-answers'])(
    'listens again on a new connection after it was silent: %s',
    async (fault) => {
      const errors: Error[] = [];
      const watch = new RequestWatch(database, (error) => errors.push(error), 50);
      await watch.open();
      const before = proxy.made;
      proxy.set(fault);
      if (fault === 'half-open') proxy.set(null);
      await until('the silence was noticed', () => errors.length > 0);
      proxy.set(null);
      await until('a new connection', async () => proxy.made > before && (await listening()) > 0);
      const heard: string[] = [];
      watch.onChange((id) => heard.push(id));
      await until('a word on it', async () => {
        await test.database.pool.query(`SELECT pg_notify('foyer_request', 'one')`);
        return heard.includes('one');
      });
      await watch.close();
    },
  );
});
