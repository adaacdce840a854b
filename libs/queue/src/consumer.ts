import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, JobConsumer, JobHandlers } from '@foyer/provisioning';
import { lanes, type Lane } from '@foyer/shared';
import {
  type Job as BullJob,
  type IQueueBackend,
  type JobProgress,
  UnrecoverableError,
  WaitingError,
  Worker,
} from 'bullmq';
import { nextTry } from './attempts.ts';
import type { Broker, NoConnection } from './broker.ts';
import { checkHandlers, readBullJob, type ReadJob } from './bull-job.ts';
import { createBroker } from './create-broker.ts';
import { Opening } from './opening.ts';
import { checkPrefix, KEY_PREFIX, laneName, type QueueOptions } from './options.ts';
import { createReporter, type Reporter } from './report.ts';
import { endsWithin } from './within-limit.ts';

export interface ConsumerOptions extends QueueOptions {
  /** The most concurrent jobs in each lane. */
  readonly concurrency: Readonly<Record<Lane, number>>;
  /**
   * How long a job stays locked to a consumer that stopped responding, and how often such jobs are looked for; default
   * 5000. A killed consumer's jobs go to another one after about twice this.
   */
  readonly stalledIntervalMs?: number;
  /**
   * Called with a job that must run again after a delay, once the queue has released it. The queue is given no delays,
   * because they would depend on the clock of the machine that set them.
   */
  readonly putOff: (job: Job, delayMs: number) => void;
}

const STALLED_INTERVAL_MS = 5_000;
/** A killed consumer is not the job's fault; the request table limits a request's attempts. */
const MAX_STALLED = 1_000_000;
/** PostgreSQL connections of a lane's workers; the background lane has more traffic. */
const MOST_CONNECTIONS: Readonly<Record<Lane, number>> = { interactive: 4, background: 8 };
const START_LIMIT_MS = 5_000;
const FORCED_CLOSE_LIMIT_MS = 1_000;
const RETRY_DELAY_MS = 1_000;
const WHERE = 'queue consumer';
/** Our own names are half as long; anyone with write access to the queue may choose others. */
const LONGEST_NAME = 100;

type BullWorker = Worker<unknown, void, string, IQueueBackend, JobProgress, NoConnection>;

class Dropped extends UnrecoverableError {}

interface Again {
  readonly job: Job;
  readonly delayMs: number;
}

/**
 * Delivers jobs to the handlers. Resolves when jobs are accepted, or after five seconds while the server is
 * unavailable: it then keeps trying in the background and calls `onError`; /readyz uses `JobQueue.ping`. Throws when a
 * job of the catalog has no handler. A malformed or unknown job is reported and dropped.
 */
export async function createConsumer(options: ConsumerOptions, handlers: JobHandlers): Promise<JobConsumer> {
  checkPrefix(options.prefix);
  checkHandlers(handlers);
  for (const lane of lanes) {
    const concurrency = options.concurrency[lane];
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new RangeError(`Concurrency ${concurrency}: a whole number from 1`);
    }
  }
  const consumers = lanes.map((lane) => new LaneConsumer(lane, options, handlers));
  await endsWithin(START_LIMIT_MS, Promise.all(consumers.map(({ running }) => running)));
  return {
    close: async (timeoutMs) => {
      await Promise.all(consumers.map((consumer) => consumer.close(timeoutMs)));
    },
  };
}

class LaneConsumer implements JobConsumer {
  /** Settles when the worker has begun, or was closed before. */
  readonly running: Promise<void>;
  readonly #lane: Lane;
  readonly #options: ConsumerOptions;
  readonly #handlers: JobHandlers;
  readonly #reporter: Reporter;
  readonly #broker: Broker;
  readonly #opening: Opening<BullWorker>;
  /** The jobs to run again after the queue has released them: added earlier, they would count as duplicates. */
  readonly #again = new WeakMap<BullJob<unknown, void>, Again>();
  /** The time limit of `close` is over: results of running handlers are ignored. */
  #letGo = false;
  #closing: Promise<void> | undefined;

  constructor(lane: Lane, options: ConsumerOptions, handlers: JobHandlers) {
    this.#lane = lane;
    this.#options = options;
    this.#handlers = handlers;
    const told = createReporter(options.onError);
    this.#reporter = {
      ...told,
      backend: (error, where) => (this.#letGo ? undefined : told.backend(error, where)),
    };
    const connections = Math.min(options.concurrency[lane] + 2, MOST_CONNECTIONS[lane]);
    this.#broker = createBroker(options, { role: 'consumer', connections, reporter: this.#reporter });
    this.#opening = new Opening(this.#broker, () => this.#makeWorker(), this.#reporter, WHERE);
    this.running = this.#opening.ready.then((worker) => {
      void this.#run(worker);
    });
  }

  close(timeoutMs: number): Promise<void> {
    return (this.#closing ??= this.#close(timeoutMs));
  }

  async #close(timeoutMs: number): Promise<void> {
    const worker = this.#opening.stop();
    if (worker && !(await endsWithin(timeoutMs, worker.close(!worker.isRunning())))) {
      this.#letGo = true;
      await endsWithin(FORCED_CLOSE_LIMIT_MS, worker.getBackend().close(true));
    }
    this.#letGo = true;
    await this.#broker.close();
  }

  #makeWorker(): BullWorker {
    const stalledInterval = this.#options.stalledIntervalMs ?? STALLED_INTERVAL_MS;
    const worker: BullWorker = new Worker(
      laneName(this.#options.prefix, this.#lane),
      (job: BullJob<unknown, void>, token?: string) => this.#work(job, token),
      {
        connection: {},
        prefix: KEY_PREFIX,
        autorun: false,
        concurrency: this.#options.concurrency[this.#lane],
        stalledInterval,
        lockDuration: stalledInterval,
        maxStalledCount: MAX_STALLED,
        runRetryDelay: RETRY_DELAY_MS,
        // For jobs without such options of their own.
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
      this.#broker.factory,
    );
    worker.on('error', (error) => this.#reporter.backend(error, WHERE));
    worker.on('completed', (job) => {
      const again = this.#again.get(job);
      if (again) this.#options.putOff(again.job, again.delayMs);
    });
    worker.on('failed', (job, error) => {
      if (error instanceof Dropped) return;
      this.#reporter.backend(error, `job ${job?.id}`);
    });
    return worker;
  }

  /**
   * Restarts the worker's loop until it is closed, because a worker whose loop ended by an error would take no more
   * jobs.
   */
  async #run(worker: BullWorker): Promise<void> {
    while (this.#closing === undefined) {
      try {
        await worker.run();
        return;
      } catch (error) {
        this.#reporter.backend(error, WHERE);
        await sleep(RETRY_DELAY_MS);
      }
    }
  }

  async #work(job: BullJob<unknown, void>, token: string | undefined): Promise<void> {
    const read = readBullJob(this.#handlers, job.name, job.data, { priority: job.priority });
    const where = `job ${job.id}`.slice(0, LONGEST_NAME);
    if (typeof read === 'string') {
      this.#reporter.job(new Error(`Dropped: ${read}`), where);
      throw new Dropped(read);
    }
    const again = await this.#handle(read.job, read.run, { where, tries: job.opts.attempts ?? 1 });
    if (again === null || this.#letGo) return;
    if (again.delayMs > 0 || this.#closing === undefined) {
      this.#again.set(job, again);
      return;
    }
    // Handed back at shutdown: the job stays in the queue, at the head of its lane.
    await job.moveToWait(token);
    throw new WaitingError();
  }

  /** Returns the job if it must run again; null when it is over. `tries`: how many it has, this one included. */
  async #handle(
    job: Job,
    run: ReadJob['run'],
    { where, tries }: { readonly where: string; readonly tries: number },
  ): Promise<Again | null> {
    try {
      const end = await run();
      return end.kind === 'over' ? null : { job, delayMs: end.delayMs };
    } catch (error) {
      const { attempt, attempts, again } = nextTry(job, tries);
      this.#reporter.job(error, `${where}, attempt ${attempt} of ${attempts}`);
      return again;
    }
  }
}
