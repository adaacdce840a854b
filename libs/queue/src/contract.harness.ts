import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as tick } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  insideTransaction,
  type Job,
  type JobConsumer,
  type JobContext,
  type JobEnd,
  type JobQueue,
  type LaneDepth,
  PutOffJobs,
} from '@foyer/provisioning';
import { jobCatalog, lanes } from '@foyer/shared';
import { Queue } from 'bullmq';
import { createConsumer, type ConsumerOptions, createQueue } from './index.ts';
import { createBroker } from './create-broker.ts';
import { KEY_PREFIX } from './options.ts';
import { createReporter } from './report.ts';
import { freePort, type Server } from './servers.harness.ts';

export const over: JobEnd = { kind: 'over' };
const STALLED_MS = 1_000;

export const jobFor = (requestId: string, priority = 5): Job => ({
  name: 'converge',
  payload: { requestId },
  priority,
});
const newJobs = (count: number): string[] => Array.from({ length: count }, () => randomUUID());

/** The sum of both lanes. */
export async function depthOf(queue: JobQueue): Promise<LaneDepth> {
  const depth = await queue.depth();
  const sum = (state: keyof LaneDepth): number => lanes.reduce((all, lane) => all + depth[lane][state], 0);
  return { waiting: sum('waiting'), delayed: sum('delayed'), active: sum('active') };
}

export const everyLane = (concurrency: number) => ({ interactive: concurrency, background: concurrency });

/** Polls, because the condition depends on another process. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited ${limitMs} ms for: ${what}`);
    await tick(10);
  }
}

/** One queue name with everything opened on it, for one test. */
export class Bench {
  readonly prefix = `t${randomUUID().slice(0, 13)}`;
  readonly errors: { message: string; where: string; error: Error }[] = [];
  readonly taken: string[] = [];
  readonly #server: Server;
  readonly #open: (JobQueue | JobConsumer)[] = [];

  constructor(server: Server) {
    this.#server = server;
  }

  get options() {
    return {
      ...this.#server.address,
      prefix: this.prefix,
      onError: (error: Error, where: string) =>
        void this.errors.push({ message: error.message, where, error }),
    };
  }

  queue(): JobQueue {
    const queue = createQueue(this.options);
    this.#open.push(queue);
    return queue;
  }

  /** The queue that receives put-off jobs when they are due, and the jobs that wait for that. */
  #back: { readonly queue: JobQueue; readonly putOff: PutOffJobs } | undefined;

  /** The jobs that are put off in this process. */
  get putOff(): PutOffJobs {
    if (this.#back === undefined) {
      const queue = this.queue();
      this.#back = { queue, putOff: new PutOffJobs((job) => queue.add([job], 5_000), 100) };
    }
    return this.#back.putOff;
  }

  async consumer(
    handle: (requestId: string, context: JobContext) => JobEnd | Promise<JobEnd>,
    options: Partial<ConsumerOptions> = {},
  ): Promise<JobConsumer> {
    const take = async ({ requestId }: { readonly requestId: string }, context: JobContext) => {
      this.taken.push(requestId);
      return handle(requestId, context);
    };
    const consumer = await createConsumer(
      {
        ...this.options,
        concurrency: everyLane(1),
        stalledIntervalMs: STALLED_MS,
        putOff: (job, delayMs) => this.putOff.put(job, delayMs),
        ...options,
      },
      { converge: take, 'converge-group': take },
    );
    this.#open.push(consumer);
    return consumer;
  }

  /** Adds a job without the catalog, as another version of the program might. */
  async plant(name: string, data: unknown): Promise<void> {
    const reporter = createReporter(this.options.onError);
    const broker = createBroker(this.options, { role: 'producer', connections: 1, reporter });
    await broker.prepare();
    const queue = new Queue(this.prefix, { connection: {}, prefix: KEY_PREFIX }, broker.factory);
    await queue.waitUntilReady();
    await queue.add(name, data);
    await queue.close();
    await broker.close();
  }

  async empty(queue: JobQueue): Promise<void> {
    await until('an empty queue', () =>
      depthOf(queue).then(
        ({ waiting, delayed, active }) => waiting + delayed + active === 0,
        // Each lane has its own connection, and the server may be back for only one of them.
        () => false,
      ),
    );
  }

  async close(): Promise<void> {
    this.#back?.putOff.close();
    await Promise.all(this.#open.map((one) => one.close(500)));
  }
}

/** Starts a program of this folder in its own process, directly from TypeScript. */
export function startProgram(file: string, argument: object) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@foyer/source', path, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  return { child, said, exit: once(child, 'exit') };
}

const gate = (): { open: () => void; opened: Promise<void> } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
};

/** What every backend of the queue must do. */
export function queueContract(
  server: () => Server,
  /** An address of the backend's kind without a server. */
  nowhere: (port: number) => Server['address'],
  /** Makes the server accept commands without answering, until the returned function has finished. */
  hush: () => Promise<() => Promise<void>>,
): void {
  let bench: Bench;
  beforeEach(() => (bench = new Bench(server())));
  afterEach(() => bench.close());

  describe('delivery', () => {
    it('delivers each job of a bulk to the handler once', async () => {
      const queue = bench.queue();
      const ids = newJobs(20);
      await bench.consumer(() => over, { concurrency: everyLane(4) });
      await queue.add(
        [...ids, ...ids].map((id) => jobFor(id)),
        5_000,
      );
      await until('all jobs', () => bench.taken.length >= ids.length);
      await bench.empty(queue);
      expect([...bench.taken].sort()).toEqual([...ids].sort());
      expect(bench.errors).toEqual([]);
    });

    it('rejects a job inside a database transaction, which may be rolled back: that is a programming error', async () => {
      const queue = bench.queue();
      await queue.ping(5_000);
      const inside = insideTransaction(() => queue.add([jobFor(randomUUID())], 5_000));
      await expect(inside).rejects.toMatchObject({ name: 'CallInsideTransaction' });
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 0 });
    });

    it('ignores a job whose key is waiting or active, and accepts it again when that job has ended', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      await queue.add([jobFor(id)], 5_000);
      await queue.add([jobFor(id)], 5_000);
      expect(await depthOf(queue)).toEqual({ waiting: 1, delayed: 0, active: 0 });
      const hold = gate();
      await bench.consumer(() => hold.opened.then(() => over));
      await until('the job', () => bench.taken.length === 1);
      await queue.add([jobFor(id)], 5_000);
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 1 });
      hold.open();
      await bench.empty(queue);
      expect(bench.taken).toEqual([id]);
      await queue.add([jobFor(id)], 5_000);
      await until('the job again', () => bench.taken.length === 2);
    });

    it('delivers the lower priority number first, and equal ones in their order', async () => {
      const queue = bench.queue();
      const [late, first, second, early] = ['', '', '', ''].map(() => randomUUID());
      const jobs = [jobFor(late!, 9), jobFor(first!, 2), jobFor(second!, 2), jobFor(early!, 0)];
      for (const job of jobs) await queue.add([job], 5_000);
      await bench.consumer(() => over);
      await until('all jobs', () => bench.taken.length === 4);
      expect(bench.taken).toEqual([early, first, second, late]);
    });

    it('delivers a job again after the delay that its handler asked for, under the same key', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      const at: number[] = [];
      await bench.consumer(() => (at.push(performance.now()) < 3 ? { kind: 'again', delayMs: 400 } : over));
      await queue.add([jobFor(id)], 5_000);
      await until('the delay', () => bench.putOff.count().interactive === 1);
      // Independent of wall clocks: the queue holds no part of the job meanwhile.
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 0 });
      await until('the third time', () => at.length === 3);
      await bench.empty(queue);
      expect(bench.taken).toEqual([id, id, id]);
      expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(390);
      expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(390);
    });

    it('delivers a job that a closing worker hands back to another worker at once', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      // The worker hands the job back only while it closes; before that it would postpone the job and run it itself.
      const isClosing = Promise.withResolvers<void>();
      const first = await bench.consumer(() => isClosing.promise.then(() => ({ kind: 'again', delayMs: 0 })));
      const closing = until('the first worker has it', () => bench.taken.length > 0).then(() => {
        const closed = first.close(5_000);
        isClosing.resolve();
        return closed;
      });
      await queue.add([jobFor(id)], 5_000);
      await closing;
      const before = bench.taken.length;
      await bench.consumer(() => over);
      await bench.empty(queue);
      expect(bench.taken.slice(before)).toEqual([id]);
    });

    it('retries a job whose handler throws as often as the catalog allows, then drops it', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      await bench.consumer(() => Promise.reject(new Error('the database is away')));
      await queue.add([jobFor(id)], 5_000);
      await until('the last attempt', () => bench.errors.length === jobCatalog.converge.attempts);
      await bench.empty(queue);
      expect(bench.putOff.count()).toEqual({ interactive: 0, background: 0 });
      expect(bench.errors.map(({ where }) => where)).toEqual(
        [1, 2, 3, 4, 5].map((attempt) => `job converge-${id}, attempt ${attempt} of 5`),
      );
      await queue.add([jobFor(id)], 5_000);
      await until('the job again', () => bench.taken.length === jobCatalog.converge.attempts + 1);
    });

    it('drops a malformed or unknown job, reports it once, and continues', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      await bench.plant('converge', { requestId: 'no uuid' });
      await bench.plant('converge', null);
      await bench.plant('toString', { requestId: id });
      await queue.add([jobFor(id)], 5_000);
      await bench.consumer(() => over);
      await bench.empty(queue);
      expect(bench.taken).toEqual([id]);
      expect(bench.errors.map(({ message }) => message)).toEqual([
        expect.stringContaining('Dropped: requestId'),
        expect.stringContaining('Dropped: '),
        'Dropped: there is no job with the name "toString"',
      ]);
    });

    it('distributes the jobs between two consumers', async () => {
      const queue = bench.queue();
      const ids = newJobs(12);
      const both = gate();
      const seen = new Set<string>();
      const worker = (name: string) => async (): Promise<JobEnd> => {
        if (seen.add(name).size === 2) both.open();
        await both.opened;
        return over;
      };
      await Promise.all([bench.consumer(worker('one')), bench.consumer(worker('two'))]);
      await queue.add(
        ids.map((id) => jobFor(id)),
        5_000,
      );
      await bench.empty(queue);
      expect([...bench.taken].sort()).toEqual([...ids].sort());
    });
  });

  describe('a queue with lanes', () => {
    it('starts a sign-in at once while bulk work fills the background lane', async () => {
      const queue = bench.queue();
      const bulk = newJobs(6);
      const [signIn] = newJobs(1);
      const hold = gate();
      await bench.consumer((id) => (id === signIn ? over : hold.opened.then(() => over)), {
        concurrency: everyLane(2),
      });
      await queue.add(
        bulk.map((id, n) => jobFor(id, n % 2 === 0 ? 10 : 20)),
        5_000,
      );
      await until('bulk in every background place', () => bench.taken.length === 2);
      await queue.add([jobFor(signIn!, 1)], 5_000);
      await until('the sign-in to be over', async () => {
        const { interactive } = await queue.depth();
        return bench.taken.includes(signIn!) && interactive.active === 0;
      });
      expect(await queue.depth()).toEqual({
        interactive: { waiting: 0, delayed: 0, active: 0 },
        background: { waiting: 4, delayed: 0, active: 2 },
      });
      hold.open();
      await bench.empty(queue);
      expect([...bench.taken].sort()).toEqual([...bulk, signIn].sort());
    });

    it('chooses the lane by the priority, and passes the priority to the handler', async () => {
      const queue = bench.queue();
      const ids = newJobs(4);
      const told = new Map<string, number>();
      await queue.add(
        [0, 9, 10, 20].map((priority, n) => jobFor(ids[n]!, priority)),
        5_000,
      );
      const { interactive, background } = await queue.depth();
      expect([interactive.waiting, background.waiting]).toEqual([2, 2]);
      await bench.consumer((id, { priority }) => {
        told.set(id, priority);
        return over;
      });
      await bench.empty(queue);
      expect(ids.map((id) => told.get(id))).toEqual([0, 9, 10, 20]);
    });

    it('keeps its lanes apart from those of another prefix that ends like a lane', async () => {
      const queue = bench.queue();
      const other = createQueue({ ...bench.options, prefix: `${bench.prefix}-interactive` });
      await other.add([jobFor(randomUUID(), 10)], 5_000);
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 0 });
      await other.close();
    });
  });

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
