import { randomUUID } from 'node:crypto';
import {
  Bench,
  depthOf,
  gate,
  jobFor,
  newJobs,
  over,
  STALLED_MS,
  startProgram,
  until,
} from './bench.harness.ts';
import { freePort, type Server } from './servers.harness.ts';

/** What every backend of the queue must do when its server is unavailable, and when a consumer ends. */
export function outageContract(
  server: () => Server,
  /** An address of the backend's kind without a server. */
  nowhere: (port: number) => Server['address'],
  /** Makes the server accept commands without answering, until the returned function has finished. */
  hush: () => Promise<() => Promise<void>>,
): void {
  let bench: Bench;
  beforeEach(() => (bench = new Bench(server())));
  afterEach(() => bench.close());

  describe('a queue whose server is unavailable', () => {
    it('fails add and ping within their limits, and works again when the server is back', async () => {
      const queue = bench.queue();
      await queue.ping(5_000);
      await server().stop();
      const began = performance.now();
      await expect(queue.add([jobFor(randomUUID())], 500)).rejects.toThrow();
      await expect(queue.ping(500)).rejects.toThrow();
      expect(performance.now() - began).toBeLessThan(3_000);
      await server().start();
      await until('a ping', () =>
        queue.ping(500).then(
          () => true,
          () => false,
        ),
      );
      await queue.add([jobFor(randomUUID())], 5_000);
      expect((await depthOf(queue)).waiting).toBeGreaterThanOrEqual(1);
    });

    it('delivers the waiting jobs and the new ones when the server is back', async () => {
      const queue = bench.queue();
      const [held, waiting, fresh] = newJobs(3);
      const hold = gate();
      await bench.consumer((id) => (id === held ? hold.opened.then(() => over) : over));
      await queue.add([jobFor(held!, 1), jobFor(waiting!)], 5_000);
      await until('the first job', () => bench.taken.length === 1);
      await server().stop();
      hold.open();
      await server().start();
      await until('a job to be taken', () =>
        queue.add([jobFor(fresh!)], 500).then(
          () => true,
          () => false,
        ),
      );
      await bench.empty(queue);
      expect(new Set(bench.taken)).toEqual(new Set([held, waiting, fresh]));
    });

    it('lets producer and consumer start before the server', async () => {
      await server().stop();
      const queue = bench.queue();
      const starting = bench.consumer(() => over);
      await expect(queue.ping(300)).rejects.toMatchObject({ name: 'TimeoutError' });
      await expect(queue.add([jobFor(randomUUID())], 300)).rejects.toThrow();
      await server().start();
      await starting;
      await until('a ping', () =>
        queue.ping(500).then(
          () => true,
          () => false,
        ),
      );
      const id = randomUUID();
      await queue.add([jobFor(id)], 5_000);
      await until('the job', () => bench.taken.includes(id));
      expect(bench.errors.length).toBeGreaterThan(0);
    });

    it('times out add and ping while the server does not answer, and continues when it does', async () => {
      const queue = bench.queue();
      const [first, late, fresh] = newJobs(3);
      await bench.consumer(() => over);
      await queue.add([jobFor(first!)], 5_000);
      await bench.empty(queue);
      const speak = await hush();
      await Promise.all([
        expect(queue.add([jobFor(late!)], 300)).rejects.toMatchObject({ name: 'TimeoutError' }),
        expect(queue.ping(300)).rejects.toMatchObject({ name: 'TimeoutError' }),
      ]);
      await speak();
      await queue.add([jobFor(fresh!)], 5_000);
      await until('the fresh job', () => bench.taken.includes(fresh!));
      await bench.empty(queue);
    });

    it('neither crashes nor blocks a process that reaches no server', async () => {
      const { child, said, exit } = startProgram('./nobody-there.harness.ts', {
        ...nowhere(await freePort()),
        prefix: bench.prefix,
      });
      await exit;
      expect({ code: child.exitCode, err: said.err }).toEqual({ code: 0, err: '' });
      const { ends, told } = JSON.parse(said.out) as { ends: string[]; told: string[] };
      expect(ends).toEqual(['TimeoutError', 'TimeoutError', 'TimeoutError']);
      expect(told.join()).toContain('ECONNREFUSED');
      expect(told.length).toBeLessThan(10);
    });
  });

  describe('a consumer that ends', () => {
    it('leaves its job to another consumer when its process is killed', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      const { prefix } = bench;
      const { child, said, exit } = startProgram('./held-job.harness.ts', {
        ...server().address,
        prefix,
        stalledIntervalMs: STALLED_MS,
      });
      await queue.add([jobFor(id)], 5_000);
      await until('the other process to take it', () => said.out.includes(`took ${id}`));
      await bench.consumer(() => over);
      child.kill('SIGKILL');
      await exit;
      expect(bench.taken).toEqual([]);
      await bench.empty(queue);
      expect(bench.taken).toEqual([id]);
      expect(said.err).toBe('');
    });

    it('waits in close for the active job and starts no other', async () => {
      const queue = bench.queue();
      const ids = newJobs(2);
      const hold = gate();
      const consumer = await bench.consumer(() => hold.opened.then(() => over));
      for (const id of ids) await queue.add([jobFor(id)], 5_000);
      await until('the first job', () => bench.taken.length === 1);
      let closed = false;
      const closing = consumer.close(10_000).then(() => (closed = true));
      await queue.depth();
      expect(closed).toBe(false);
      hold.open();
      await closing;
      expect(bench.taken).toEqual([ids[0]]);
      expect(await depthOf(queue)).toEqual({ waiting: 1, delayed: 0, active: 0 });
    });

    it('ends close at its time limit, and another consumer gets the job', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      const hold = gate();
      const consumer = await bench.consumer(() => hold.opened.then(() => over));
      await queue.add([jobFor(id)], 5_000);
      await until('the job', () => bench.taken.length === 1);
      const began = performance.now();
      await consumer.close(200);
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 1 });
      await bench.consumer(() => over);
      await bench.empty(queue);
      hold.open();
      expect(bench.taken).toEqual([id, id]);
    });

    it('closes at once when it is idle, also twice, and so does a queue', async () => {
      const queue = bench.queue();
      const consumer = await bench.consumer(() => over);
      await queue.ping(5_000);
      const began = performance.now();
      await Promise.all([consumer.close(10_000), consumer.close(10_000), queue.close(), queue.close()]);
      expect(performance.now() - began).toBeLessThan(2_000);
      await expect(queue.add([jobFor(randomUUID())], 300)).rejects.toThrow();
    });
  });
}
