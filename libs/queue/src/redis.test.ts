import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Bench, everyLane, jobFor, over, until } from './bench.harness.ts';
import { queueContract } from './contract.harness.ts';
import { faultsContract } from './faults.contract.harness.ts';
import { findRedis, redisServer, type Server } from './servers.harness.ts';
import { startSwitch } from './switch.harness.ts';

const binary = findRedis();
const reason = 'neither redis-server nor valkey-server is on the PATH';
const isCi = process.env['CI'] === 'true';

if (binary === undefined && isCi) {
  it('has a Redis to run against', () => {
    throw new Error(reason);
  });
}

const suite = binary === undefined ? describe.skip : describe;
suite(`the queue on Redis${binary === undefined ? ' [needs redis-server]' : ''}`, () => {
  let server: Server;
  beforeAll(async () => {
    server = await redisServer(binary ?? '');
    await server.start();
  });
  afterAll(() => server.remove());

  queueContract(
    () => server,
    (port) => ({ redisUrl: `redis://127.0.0.1:${port}`, databaseUrl: 'postgres://nobody@127.0.0.1:1/none' }),
    async () => {
      const client = new Redis(server.address.redisUrl ?? '');
      await client.client('PAUSE', 1_500, 'ALL');
      return async () => {
        await client.ping();
        await client.quit();
      };
    },
  );

  faultsContract(() => server, 'redisUrl');

  describe('as a Redis client', () => {
    let admin: Redis;
    let bench: Bench;
    beforeEach(() => {
      admin = new Redis(server.address.redisUrl ?? '');
      bench = new Bench(server);
    });
    afterEach(async () => {
      await bench.close();
      await admin.quit();
    });

    it('continues after all data in Redis was deleted', async () => {
      const queue = bench.queue();
      await bench.consumer(() => over);
      await queue.add([jobFor(randomUUID())], 5_000);
      await until('the first job', () => bench.taken.length === 1);
      await admin.flushall();
      await admin.script('FLUSH');
      const id = randomUUID();
      await queue.add([jobFor(id)], 5_000);
      await until('the job', () => bench.taken.includes(id));
    });

    it('keeps no finished jobs, and few events', async () => {
      const queue = bench.queue();
      await bench.consumer(() => over, { concurrency: everyLane(8) });
      await queue.add(
        Array.from({ length: 300 }, () => jobFor(randomUUID())),
        5_000,
      );
      await bench.empty(queue);
      const keys = await admin.keys(`*${bench.prefix}*`);
      expect(bench.taken).toHaveLength(300);
      expect(keys.filter((key) => key.includes('converge'))).toEqual([]);
      expect(await admin.xlen(`foyer-queue:${bench.prefix}.interactive:events`)).toBeLessThan(500);
    });

    it('does not retry in a busy loop while Redis refuses every command', async () => {
      const queue = bench.queue();
      await bench.consumer(() => over, { concurrency: everyLane(4) });
      await queue.ping(5_000);
      await admin.config('RESETSTAT');
      await admin.config('SET', 'maxmemory', '1');
      await expect(queue.add([jobFor(randomUUID())], 1_000)).rejects.toThrow('OOM');
      await until('a refused consumer', () => bench.errors.some(({ message }) => message.includes('OOM')));
      const before = Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1]);
      const began = performance.now();
      await until('a second', () => performance.now() - began > 1_000);
      const after = Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1]);
      expect(after - before).toBeLessThan(100);
      await admin.config('SET', 'maxmemory', '0');
      const id = randomUUID();
      await queue.add([jobFor(id)], 5_000);
      await until('the job', () => bench.taken.includes(id));
    });

    it('reconnects to the new master at the address of the old one, which has become a replica', async () => {
      const other = await redisServer(binary ?? '');
      await other.start();
      // The address stays; new connections go to the new master, existing ones stay where they are.
      const way = await startSwitch(server.address.redisUrl ?? '');
      const failedOver = new Bench({ ...server, address: { ...server.address, redisUrl: way.url } });
      try {
        const queue = failedOver.queue();
        await failedOver.consumer(() => over, { concurrency: everyLane(2) });
        await queue.add([jobFor(randomUUID())], 5_000);
        await until('the first job', () => failedOver.taken.length === 1);
        const { hostname, port } = new URL(other.address.redisUrl ?? '');
        way.lead(other.address.redisUrl ?? '');
        await admin.replicaof(hostname, Number(port));
        const id = randomUUID();
        await until('an add', () =>
          queue.add([jobFor(id)], 1_000).then(
            () => true,
            () => false,
          ),
        );
        await until('the job', () => failedOver.taken.includes(id));
        await until('a ping', () =>
          queue.ping(1_000).then(
            () => true,
            () => false,
          ),
        );
      } finally {
        await failedOver.close();
        await way.close();
        await admin.replicaof('NO', 'ONE');
        await other.remove();
      }
    });

    it('is not ready on a replica, which only answers reads', async () => {
      const queue = bench.queue();
      await queue.ping(5_000);
      await admin.replicaof('127.0.0.1', 1);
      try {
        await expect(queue.ping(3_000)).rejects.toThrow();
        await expect(queue.ping(3_000)).rejects.toThrow();
      } finally {
        await admin.replicaof('NO', 'ONE');
      }
      await until('a ping', () =>
        queue.ping(1_000).then(
          () => true,
          () => false,
        ),
      );
    });

    it('reports a wrong password without the password', async () => {
      const url = new URL(server.address.redisUrl ?? '');
      url.password = 'not-the-password';
      await admin.config('SET', 'requirepass', 'the-password');
      const outsider = new Bench({ ...server, address: { ...server.address, redisUrl: url.href } });
      try {
        await expect(outsider.queue().ping(1_000)).rejects.toThrow();
        await until('a fault', () => outsider.errors.length > 0);
        const told = outsider.errors.map(({ error }) =>
          JSON.stringify([error, error.message, Object.keys(error)]),
        );
        expect(told.join()).toContain('WRONGPASS');
        expect(told.join()).not.toContain('the-password');
      } finally {
        await outsider.close();
        await admin.config('SET', 'requirepass', '');
      }
    });
  });
});
