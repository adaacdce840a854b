import { refuseInsideTransaction, type Job, type JobQueue, type LaneDepth } from '@foyer/provisioning';
import { laneOf, type Lane } from '@foyer/shared';
import { type IQueueBackend, Queue } from 'bullmq';
import type { Broker, NoConnection } from './broker.ts';
import { toBullJob } from './bull-job.ts';
import { createBroker } from './create-broker.ts';
import { Opening } from './opening.ts';
import { checkPrefix, KEY_PREFIX, laneName, type QueueOptions } from './options.ts';
import { createReporter, plainError } from './report.ts';
import { endsWithin, withinLimit } from './within-limit.ts';

/** PostgreSQL connections of each lane. */
const CONNECTIONS = 2;
const DEPTH_LIMIT_MS = 5_000;
const CLOSE_LIMIT_MS = 2_000;
/** BullMQ's event stream (a stream on Redis, a table on PostgreSQL) is not used, so almost none of it is kept. */
const KEPT_EVENTS = 100;
const WHERE = 'queue producer';

type BullQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend, NoConnection>;

/**
 * The producer's side of the queue. Returns at once and connects in the background, however long that takes: `ping`
 * shows whether it is connected (for /readyz). While the server is unavailable `add` rejects, at once or at its time
 * limit.
 */
export function createQueue(options: QueueOptions): JobQueue {
  checkPrefix(options.prefix);
  const open = (lane: Lane): LaneProducer => {
    const reporter = createReporter(options.onError);
    const broker = createBroker(options, { role: 'producer', connections: CONNECTIONS, reporter });
    const make = (): BullQueue => {
      const settings = { connection: {}, prefix: KEY_PREFIX, streams: { events: { maxLen: KEPT_EVENTS } } };
      const queue: BullQueue = new Queue(laneName(options.prefix, lane), settings, broker.factory);
      return queue.on('error', (error) => reporter.backend(error, WHERE));
    };
    return new LaneProducer(broker, new Opening(broker, make, reporter, WHERE));
  };
  return new Producer({ interactive: open('interactive'), background: open('background') });
}

/** Adds each job to the lane of its priority. */
class Producer implements JobQueue {
  readonly #lanes: Readonly<Record<Lane, LaneProducer>>;

  constructor(lanes: Readonly<Record<Lane, LaneProducer>>) {
    this.#lanes = lanes;
  }

  async add(jobs: readonly Job[], timeoutMs: number): Promise<void> {
    const byLane: Record<Lane, Job[]> = { interactive: [], background: [] };
    for (const job of jobs) byLane[laneOf(job.priority)].push(job);
    const { interactive, background } = this.#lanes;
    await Promise.all([
      interactive.add(byLane.interactive, timeoutMs),
      background.add(byLane.background, timeoutMs),
    ]);
  }

  async depth(): Promise<Record<Lane, LaneDepth>> {
    const [interactive, background] = await Promise.all([
      this.#lanes.interactive.depth(),
      this.#lanes.background.depth(),
    ]);
    return { interactive, background };
  }

  async ping(timeoutMs: number): Promise<void> {
    await Promise.all([this.#lanes.interactive.ping(timeoutMs), this.#lanes.background.ping(timeoutMs)]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#lanes.interactive.close(), this.#lanes.background.close()]);
  }
}

class LaneProducer {
  readonly #broker: Broker;
  readonly #opening: Opening<BullQueue>;
  #closing: Promise<void> | undefined;

  constructor(broker: Broker, opening: Opening<BullQueue>) {
    this.#broker = broker;
    this.#opening = opening;
  }

  async add(jobs: readonly Job[], timeoutMs: number): Promise<void> {
    if (jobs.length === 0) return;
    const bulk = jobs.map(toBullJob);
    await this.#ask('Adding to the queue', timeoutMs, (queue) => queue.addBulk(bulk));
  }

  async depth(): Promise<LaneDepth> {
    const counts = await this.#ask('Counting the queue', DEPTH_LIMIT_MS, (queue) =>
      queue.getJobCounts('wait', 'prioritized', 'delayed', 'active'),
    );
    const { active = 0, delayed = 0, ...waiting } = counts;
    return { waiting: Object.values(waiting).reduce((sum, count) => sum + count, 0), delayed, active };
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#ask('The queue', timeoutMs, async (queue) => {
      await queue.getVersion();
      await this.#broker.proveWritable();
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const queue = this.#opening.stop();
    if (queue) await endsWithin(CLOSE_LIMIT_MS, queue.close());
    await this.#broker.close();
  }

  /** Runs one command when the queue is open. The command is not sent when opening took longer than the limit. */
  async #ask<T>(what: string, limitMs: number, command: (queue: BullQueue) => Promise<T>): Promise<T> {
    refuseInsideTransaction(what);
    try {
      return await withinLimit(what, limitMs, async (signal) => {
        const queue = await this.#opening.ready;
        signal.throwIfAborted();
        return command(queue);
      });
    } catch (error) {
      throw plainError(error);
    }
  }
}
