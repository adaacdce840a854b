import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as tick } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type Job,
  type JobConsumer,
  type JobContext,
  type JobEnd,
  type JobQueue,
  type LaneDepth,
  PutOffJobs,
} from '@foyer/provisioning';
import { lanes } from '@foyer/shared';
import { Queue } from 'bullmq';
import { createConsumer, type ConsumerOptions, createQueue } from './index.ts';
import { createBroker } from './create-broker.ts';
import { KEY_PREFIX } from './options.ts';
import { createReporter } from './report.ts';
import type { Server } from './servers.harness.ts';

export const over: JobEnd = { kind: 'over' };
export const STALLED_MS = 1_000;

export const jobFor = (requestId: string, priority = 5): Job => ({
  name: 'converge',
  payload: { requestId },
  priority,
});
export const newJobs = (count: number): string[] => Array.from({ length: count }, () => randomUUID());

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

export const gate = (): { open: () => void; opened: Promise<void> } => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
};
