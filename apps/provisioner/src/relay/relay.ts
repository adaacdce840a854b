import { toPlainError, type Logger } from '@foyer/platform';
import { relayDue, type JobQueue, type Outbox, type RelayRound } from '@foyer/provisioning';

/** Between two rounds while requests wait for room in the queue, in milliseconds. */
const BUSY_INTERVAL_MS = 200;

/** Relays what is due, round after round, until it is stopped. */
export class Relay {
  private readonly store: Outbox;
  private readonly queue: Pick<JobQueue, 'add' | 'depth'>;
  private readonly logger: Logger;
  private readonly intervalMs: number;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(store: Outbox, queue: Pick<JobQueue, 'add' | 'depth'>, logger: Logger, intervalMs: number) {
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

  async round(): Promise<RelayRound> {
    return relayDue(this.store, this.queue, this.stopping.signal);
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      let intervalMs = this.intervalMs;
      try {
        const { relayed, more } = await this.round();
        if (relayed > 0) this.logger.info({ event: 'relayed', count: relayed });
        if (more) intervalMs = Math.min(intervalMs, BUSY_INTERVAL_MS);
      } catch (error) {
        this.logger.warn({ event: 'relay-failed', err: toPlainError(error) });
      }
      await pause(intervalMs, this.stopping.signal);
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
