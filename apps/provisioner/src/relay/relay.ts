import { toPlainError, type Logger } from '@foyer/platform';
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
 * Relays due requests in rounds until it is stopped. While the queue is down, it runs the requests directly in this
 * process and pings the queue once an interval.
 */
export class Relay {
  private readonly store: Outbox;
  private readonly queue: RelayQueue;
  private readonly direct: DirectRuns;
  private readonly logger: Logger;
  private readonly intervalMs: number;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private isQueueAway = false;
  private probedAt = -Infinity;
  private isProbing = false;

  constructor(store: Outbox, queue: RelayQueue, direct: DirectRuns, logger: Logger, intervalMs: number) {
    this.store = store;
    this.queue = queue;
    this.direct = direct;
    this.logger = logger;
    this.intervalMs = intervalMs;
  }

  start(): void {
    this.running = this.run();
  }

  /** Stops after the current round. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  async round(): Promise<RelayRound> {
    const queue = {
      add: (...args: Parameters<JobQueue['add']>) => this.watching(this.queue.add(...args)),
      depth: () => this.watching(this.queue.depth()),
    };
    return relayDue(this.store, queue, this.stopping.signal, this.direct);
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      let intervalMs = this.intervalMs;
      try {
        intervalMs = this.isQueueAway ? await this.pastTheQueue() : await this.throughTheQueue();
      } catch (error) {
        this.logger.warn({ event: 'relay-failed', err: toPlainError(error) });
      }
      await pause(intervalMs, this.stopping.signal);
    }
  }

  /** Returns the pause before the next round, in milliseconds. */
  private async throughTheQueue(): Promise<number> {
    const { relayed, more } = await this.round();
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

/** Resolves after `ms`, or at once when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
