import { RepeatedTask, toPlainError, type BackgroundTask, type Logger } from '@foyer/platform';
import {
  relayDue,
  runDue,
  type DirectRuns,
  type JobQueue,
  type Outbox,
  type RelayRound,
} from '@foyer/provisioning';

/** The pause between two rounds while requests wait for room in the queue, or run without it, in milliseconds. */
const BUSY_INTERVAL_MS = 200;
/** How long the queue may take to answer a ping, in milliseconds. */
const PROBE_LIMIT_MS = 2_000;

type RelayQueue = Pick<JobQueue, 'add' | 'depth' | 'ping'>;

/**
 * Relays due requests in the rounds of its task. While the queue is down, it runs the requests directly in this
 * process and pings the queue once an interval.
 */
export class Relay {
  readonly task: BackgroundTask;
  private readonly store: Outbox;
  private readonly queue: RelayQueue;
  private readonly direct: DirectRuns;
  private readonly logger: Logger;
  private readonly intervalMs: number;
  private isQueueAway = false;
  private probedAt = -Infinity;
  private isProbing = false;

  constructor(store: Outbox, queue: RelayQueue, direct: DirectRuns, logger: Logger, intervalMs: number) {
    this.store = store;
    this.queue = queue;
    this.direct = direct;
    this.logger = logger;
    this.intervalMs = intervalMs;
    this.task = new RepeatedTask({
      ...{ name: 'relay', intervalMs },
      round: (stopping) => (this.isQueueAway ? this.pastTheQueue() : this.throughTheQueue(stopping)),
      onError: (error) => this.logger.warn({ event: 'relay-failed', err: toPlainError(error) }),
    });
  }

  /** One round through the queue. */
  async round(stopping: AbortSignal): Promise<RelayRound> {
    const queue = {
      add: (...args: Parameters<JobQueue['add']>) => this.watching(this.queue.add(...args)),
      depth: () => this.watching(this.queue.depth()),
    };
    return relayDue(this.store, queue, stopping, this.direct);
  }

  /** Returns the pause before the next round, in milliseconds. */
  private async throughTheQueue(stopping: AbortSignal): Promise<number> {
    const { relayed, more } = await this.round(stopping);
    if (relayed > 0) this.logger.info({ event: 'relayed', count: relayed });
    return more ? Math.min(this.intervalMs, BUSY_INTERVAL_MS) : this.intervalMs;
  }

  /** Returns the pause before the next round, in milliseconds. */
  private async pastTheQueue(): Promise<number> {
    void this.probe();
    const count = await runDue(this.store, this.direct);
    if (count > 0) this.logger.info({ event: 'ran-directly', count });
    return Math.min(this.intervalMs, BUSY_INTERVAL_MS);
  }

  /** Pings the queue, at most once an interval. Never rejects. */
  private async probe(): Promise<void> {
    if (this.isProbing || performance.now() - this.probedAt < this.intervalMs) return;
    this.isProbing = true;
    this.probedAt = performance.now();
    try {
      await this.queue.ping(PROBE_LIMIT_MS);
      this.isQueueAway = false;
      this.logger.info({ event: 'queue-back' });
    } catch {
      // The queue is still down.
    } finally {
      this.isProbing = false;
    }
  }

  /** Remembers that the queue failed, so that the next round runs without it. */
  private async watching<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (!this.isQueueAway) this.logger.warn({ event: 'queue-away', err: toPlainError(error) });
      this.isQueueAway = true;
      throw error;
    }
  }
}
