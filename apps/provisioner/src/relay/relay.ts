import type { RelayStore } from '@foyer/persistence';
import { toPlainError, type Logger } from '@foyer/platform';
import type { JobQueue } from '@foyer/provisioning';

const BATCH = 500;
const ADD_TIMEOUT_MS = 5_000;

/**
 * Puts into the queue what is open and due in the request table: what the gateway could not enqueue, what a dead worker
 * left, what a queue lost. Postgres is the truth; the queue only says "look at this one soon".
 */
export class Relay {
  private readonly store: Pick<RelayStore, 'due'>;
  private readonly queue: Pick<JobQueue, 'add'>;
  private readonly logger: Logger;
  private readonly intervalMs: number;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    store: Pick<RelayStore, 'due'>,
    queue: Pick<JobQueue, 'add'>,
    logger: Logger,
    intervalMs: number,
  ) {
    this.store = store;
    this.queue = queue;
    this.logger = logger;
    this.intervalMs = intervalMs;
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends after the round that is under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** One round: relays everything due, a batch at a time. Gives how many were put into the queue. */
  async round(): Promise<number> {
    let relayed = 0;
    for (;;) {
      const due = await this.store.due(BATCH);
      const jobs = due.map(({ id, priority }) => ({
        name: 'converge' as const,
        payload: { requestId: id },
        priority,
      }));
      if (jobs.length > 0) await this.queue.add(jobs, ADD_TIMEOUT_MS);
      relayed += jobs.length;
      if (jobs.length < BATCH || this.stopping.signal.aborted) return relayed;
    }
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        const relayed = await this.round();
        if (relayed > 0) this.logger.info({ event: 'relayed', count: relayed });
      } catch (error) {
        this.logger.warn({ event: 'relay-failed', err: toPlainError(error) });
      }
      await pause(this.intervalMs, this.stopping.signal);
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
