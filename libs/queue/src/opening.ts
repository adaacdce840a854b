import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker } from './broker.ts';
import type { Reporter } from './report.ts';

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

interface Openable {
  waitUntilReady(): Promise<unknown>;
  /** BullMQ's queue ignores `force`, its worker does not. */
  close(force?: boolean): Promise<void>;
}

/**
 * Opens a queue or a worker, and starts over as long as that fails: BullMQ keeps a failed first connection forever, so
 * the object must be discarded.
 */
export class Opening<T extends Openable> {
  /** Rejects only when closed before it was open. */
  readonly ready: Promise<T>;
  readonly #stop = new AbortController();
  #current: T | undefined;

  constructor(broker: Broker, make: () => T, reporter: Reporter, where: string) {
    this.ready = this.#open(broker, make, (error) => reporter.backend(error, where));
    this.ready.catch(() => undefined);
  }

  async #open(broker: Broker, make: () => T, report: (error: unknown) => void): Promise<T> {
    const { signal } = this.#stop;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        await broker.prepare();
        signal.throwIfAborted();
        this.#current = make();
        await this.#current.waitUntilReady();
        signal.throwIfAborted();
        return this.#current;
      } catch (error) {
        if (!signal.aborted) report(error);
        await this.#current?.close(true).catch(report);
        this.#current = undefined;
      }
      await sleep(wait, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  }

  /** Stops trying. Returns what is open or half open, for the caller to close. */
  stop(): T | undefined {
    this.#stop.abort(new Error('The queue is closed'));
    return this.#current;
  }
}
