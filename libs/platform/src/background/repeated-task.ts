import { setTimeout as pause } from 'node:timers/promises';
import type { BackgroundTask, TaskState } from './background-task.ts';
import { publicMessage } from './public-message.ts';

/** The longest pause after a round that failed, in milliseconds, so that an hourly task recovers sooner. */
const RETRY_MS = 60_000;

export interface RepeatedTaskOptions {
  readonly name: string;
  /** The pause between two rounds, in milliseconds. After a round that failed it is at most one minute. */
  readonly intervalMs: number;
  /** One round. It may return the pause until the next one, in milliseconds. `stopping` aborts when the task stops. */
  readonly round: (stopping: AbortSignal) => Promise<number | void>;
  /** Called with the error of each round that failed; the task goes on. */
  readonly onError: (error: unknown) => void;
  /** `start` then waits for the first round, and rejects with its error; the task may be started again. */
  readonly waitsForFirstRound?: boolean;
  /** Called once, when a task that was started has stopped. */
  readonly atEnd?: () => Promise<void>;
}

/** Runs rounds one after the other, at once and then with pauses, until it is stopped. */
export class RepeatedTask implements BackgroundTask {
  readonly name: string;
  readonly #options: RepeatedTaskOptions;
  readonly #stopping = new AbortController();
  #starting: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;
  #wasStarted = false;
  #roundSince: number | null = null;
  #failingSince: number | null = null;
  #lastError: string | null = null;

  constructor(options: RepeatedTaskOptions) {
    this.name = options.name;
    this.#options = options;
  }

  start(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    this.#wasStarted = true;
    return (this.#starting ??= this.#begin());
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return (this.#ended ??= this.#end());
  }

  state(): TaskState {
    const since = (start: number | null) => (start === null ? 0 : performance.now() - start);
    return {
      failingMs: since(this.#failingSince),
      roundMs: since(this.#roundSince),
      lastError: this.#lastError,
    };
  }

  async #begin(): Promise<void> {
    let firstPauseMs = 0;
    if (this.#options.waitsForFirstRound) {
      try {
        firstPauseMs = await this.#round();
      } catch (error) {
        this.#starting = undefined;
        throw error;
      }
    }
    this.#running = this.#run(firstPauseMs);
  }

  async #end(): Promise<void> {
    // A start that failed has told its caller.
    await this.#starting?.catch(() => undefined);
    await this.#running;
    if (this.#wasStarted) await this.#options.atEnd?.();
  }

  async #run(firstPauseMs: number): Promise<void> {
    const { signal } = this.#stopping;
    const { intervalMs, onError } = this.#options;
    for (let pauseMs = firstPauseMs; ;) {
      // When aborted, the pause rejects at once and the loop ends.
      if (pauseMs > 0) await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        pauseMs = await this.#round();
      } catch (error) {
        onError(error);
        pauseMs = Math.min(intervalMs, RETRY_MS);
      }
    }
  }

  /** Returns the pause until the next round, in milliseconds. */
  async #round(): Promise<number> {
    this.#roundSince = performance.now();
    try {
      const pauseMs = await this.#options.round(this.#stopping.signal);
      this.#failingSince = null;
      this.#lastError = null;
      return pauseMs ?? this.#options.intervalMs;
    } catch (error) {
      this.#failingSince ??= performance.now();
      this.#lastError = publicMessage(error);
      throw error;
    } finally {
      this.#roundSince = null;
    }
  }
}
