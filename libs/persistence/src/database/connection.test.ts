import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as tick } from 'node:timers/promises';
import { startFaultProxy, type Fault, type FaultProxy } from '@foyer/testing';
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

describe('a pool whose connections have all become silent', () => {
  it('loses one query, and opens new connections for the next ones', async () => {
    await warm();
    proxy.set('half-open');
    proxy.set(null);
    expect(await lostQuestions()).toBe(1);
  });

  it.each<Fault>(['black-hole', 'eat-answers', 'trickle'])(
    'loses no more than one query after that ends: %s',
    async (fault) => {
      await warm();
      proxy.set(fault);
      await expect(database.pool.query(`SELECT repeat('x', 1000)`)).rejects.toThrow();
      proxy.set(null);
      expect(await lostQuestions()).toBeLessThanOrEqual(1);
    },
  );

  it('loses only the running queries when they are closed', async () => {
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

describe('a caller that waits for a connection of a pool that is in use', () => {
  const WAIT_MS = 1_500;
  /** For a busy machine; without its limit each of these waits would be longer or endless. */
  const SLACK_MS = 5_000;
  const opened: Database[] = [];
  /** A pool of two connections that are both open. */
  const smallPool = async (limits: { connectionWaitMs: number; silenceMs: number }): Promise<Database> => {
    const small = openDatabase({ url: proxy.url, poolSize: 2, ...limits });
    opened.push(small);
    const clients = await Promise.all([small.pool.connect(), small.pool.connect()]);
    clients.forEach((client) => client.release());
    return small;
  };
  afterEach(async () => {
    proxy.cut();
    for (const small of opened.splice(0)) await small.close();
  });
  const timed = async (work: Promise<unknown>): Promise<{ error: string; ms: number }> => {
    const began = performance.now();
    const error = await work.then(
      () => 'none',
      (reason: unknown) => String(reason),
    );
    return { error, ms: performance.now() - began };
  };
  it.each<Fault>(['black-hole', 'eat-answers'])(
    'fails within the time to wait for a connection when those in use are silent: %s',
    async (fault) => {
      const small = await smallPool({ connectionWaitMs: WAIT_MS, silenceMs: 10 * WAIT_MS });
      proxy.set(fault);
      const silent = [timed(small.pool.query('SELECT 1')), timed(small.pool.query('SELECT 1'))];
      const waited = await timed(small.pool.query('SELECT 1'));
      expect(waited.error).toContain('timeout exceeded when trying to connect');
      expect(waited.ms).toBeLessThan(WAIT_MS + SLACK_MS);
      proxy.cut();
      await Promise.all(silent);
      proxy.set(null);
      await until('an answer', async () => !(await fails(small.pool.query('SELECT 1'))));
    },
  );

  it.each<Fault>(['black-hole', 'eat-answers', 'half-open'])(
    'gets a new connection when the silent ones are closed before that: %s',
    async (fault) => {
      const small = await smallPool({ connectionWaitMs: 20 * SILENCE_MS, silenceMs: SILENCE_MS });
      proxy.set(fault);
      const silent = [timed(small.pool.query('SELECT 1')), timed(small.pool.query('SELECT 1'))];
      const waiter = timed(small.pool.query('SELECT 1'));
      await tick(SILENCE_MS / 2);
      proxy.set(null);
      expect((await waiter).error).toBe('none');
      for (const { error, ms } of await Promise.all(silent)) {
        expect(error).not.toBe('none');
        expect(ms).toBeLessThan(SILENCE_MS + SLACK_MS);
      }
    },
  );

  it('waits for a connection and then for an answer, one after the other', async () => {
    const small = await smallPool({ connectionWaitMs: 4 * WAIT_MS, silenceMs: WAIT_MS });
    const held = await Promise.all([small.pool.connect(), small.pool.connect()]);
    const waiter = timed(small.pool.query('SELECT 1'));
    await tick(WAIT_MS);
    proxy.set('black-hole');
    held[0].release();
    const { error, ms } = await waiter;
    held[1].release(true);
    expect(error).toContain('Query read timeout');
    expect(ms).toBeGreaterThan(1.9 * WAIT_MS);
    expect(ms).toBeLessThan(5 * WAIT_MS + SLACK_MS);
  });

  it('has the limits that the manual states', async () => {
    const small = openDatabase({ url: proxy.url });
    opened.push(small);
    const { connectionTimeoutMillis = 0, query_timeout: silence = 0 } = small.pool.options;
    expect([connectionTimeoutMillis, silence]).toEqual([10_000, 20_000]);
    const manual = (await readFile(join(import.meta.dirname, '../../../../docs/operate.md'), 'utf8')).replace(
      /\s+/g,
      ' ',
    );
    const [wait, answer] = [connectionTimeoutMillis / 1000, silence / 1000];
    expect(manual).toContain(
      `up to ${wait} s for a connection, and then up to ${answer} s for the answer: ${wait + answer} s together`,
    );
  });
});

describe('a transaction on a connection that becomes silent', () => {
  it.each<Fault>(['half-open', 'black-hole', 'eat-answers'])(
    'ends at its one time limit, without a second limit for its rollback: %s',
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

  it('discards its connection, through Prisma as well', async () => {
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

describe('a connection that the server terminates', () => {
  it('does not end the process while a caller holds it idle', async () => {
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
