import {
  type BackendFactory,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  Queue,
  Worker,
} from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';

/**
 * The program with which draining is compared: BullMQ alone, running empty jobs. Its one argument is JSON with the
 * place and the number. Prints the time from the first job's start to the last job's end, in seconds, without adding
 * the jobs and without the first thousand, which warm up; and the processor time of this process for `all` jobs,
 * including those.
 */
const { databaseUrl, redisUrl, jobs, concurrency } = z
  .strictObject({
    databaseUrl: z.string(),
    redisUrl: z.string().optional(),
    jobs: z.int().positive(),
    concurrency: z.int().positive(),
  })
  .parse(JSON.parse(process.argv[2] ?? '{}'));

const NAME = 'bench-empty';
const WARM_UP = 1_000;
const CHUNK = 500;
/** As many connections as our own worker has. */
const CONNECTIONS = 8;
/** The product's own schema: it exists, and both sides then use the same tables. */
const SCHEMA = 'foyer_queue';

const redis = redisUrl === undefined ? undefined : new Redis(redisUrl, { maxRetriesPerRequest: null });
const postgres = { connectionString: databaseUrl, schema: SCHEMA, max: CONNECTIONS };
const backend: BackendFactory<IQueueBackend, Record<string, never>> = (name, opts, needs) =>
  redis
    ? createRedisBackend(name, { ...opts, connection: redis }, needs)
    : createPostgresBackend(name, { ...opts, connection: postgres }, needs);

const queue = new Queue(NAME, { connection: {} }, backend);

async function add(count: number): Promise<void> {
  for (let left = count; left > 0; left -= CHUNK) {
    const chunk = Array.from({ length: Math.min(CHUNK, left) }, () => ({
      name: 'empty',
      data: {},
      opts: { removeOnComplete: true, removeOnFail: true },
    }));
    await queue.addBulk(chunk);
  }
}

/** Runs all waiting jobs. */
async function run(count: number): Promise<number> {
  let began = 0;
  let done = 0;
  const nothing = async (): Promise<void> => {
    began ||= performance.now();
  };
  const worker = new Worker(NAME, nothing, { connection: {}, concurrency, autorun: false }, backend);
  const ended = new Promise<number>((resolve, reject) => {
    worker.on('completed', () => {
      if (++done === count) resolve(performance.now() - began);
    });
    worker.on('error', reject);
  });
  void worker.run();
  const ms = await ended;
  await worker.close();
  return ms / 1000;
}

await queue.waitUntilReady();
await add(WARM_UP);
await run(WARM_UP);
await add(jobs);
const seconds = await run(jobs);
const { user, system } = process.cpuUsage();
const told = { seconds, cpuMs: (user + system) / 1000, all: jobs + WARM_UP };
process.stdout.write(`${JSON.stringify(told)}\n`);
await queue.close();
redis?.disconnect();
