import { DRAIN_LIMIT_MS } from '@foyer/shared';
import type { Readiness } from '../health.ts';
import type { Closer } from '../lifecycle.ts';
import type { Metrics } from '../metrics.ts';
import type { BackgroundTask, TaskState } from './background-task.ts';

interface Limits {
  /** How long the rounds of a task may fail, or one round may run, before /readyz shows it; in milliseconds. */
  readonly warnAfterMs: number;
  /** How long a stop waits for all tasks together, in milliseconds. */
  readonly drainMs: number;
}

const usualLimits: Limits = { warnAfterMs: 60_000, drainMs: DRAIN_LIMIT_MS };

/** All background tasks of one process: starts them in their order, stops them at once, and reports on them. */
export class BackgroundTasks {
  readonly #tasks: BackgroundTask[] = [];
  readonly #limits: Limits;
  #stopped: Promise<void> | undefined;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...usualLimits, ...limits };
  }

  add(task: BackgroundTask): void {
    if (this.#tasks.some((other) => other.name === task.name)) {
      throw new Error(`Two background tasks have the name ${task.name}.`);
    }
    this.#tasks.push(task);
  }

  /** Starts the tasks that were not started yet, each when the one before it has started. */
  async start(): Promise<void> {
    for (const task of this.#tasks) await task.start();
  }

  /**
   * Stops all tasks at the same time, so that each has the whole of the one deadline, whatever the others do. Rejects with
   * an error that names each task that failed to stop or did not end in time.
   */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  /** What stops the tasks at shutdown. */
  closer(): Closer {
    return ['background-tasks', () => this.stop()];
  }

  /** Adds a warning for each task whose rounds have failed, or whose round has run, for longer than the limit. */
  warnIn(readiness: Readiness): Readiness {
    const found = this.#tasks.flatMap((task) => {
      const warning = warningOf(task.state(), this.#limits.warnAfterMs);
      return warning === null ? [] : [[task.name, warning] as const];
    });
    if (found.length === 0) return readiness;
    return { ...readiness, warnings: { ...readiness.warnings, ...Object.fromEntries(found) } };
  }

  /** Shows each task in the metrics. */
  measure(metrics: Metrics): void {
    metrics.collect(async () => {
      for (const task of this.#tasks) metrics.showTask(task.name, task.state());
    });
  }

  async #stop(): Promise<void> {
    const { drainMs } = this.#limits;
    const overdue = Promise.withResolvers<never>();
    overdue.promise.catch(() => undefined);
    const deadline = setTimeout(
      () => overdue.reject(new Error(`The current round did not end within ${drainMs} ms.`)),
      drainMs,
    );
    const ends = await Promise.allSettled(
      this.#tasks.map(async (task) => Promise.race([task.stop(), overdue.promise])),
    );
    clearTimeout(deadline);
    const errors = ends.flatMap((end, at) =>
      end.status === 'rejected' ? [new Error(`${this.#tasks[at]!.name}: ${messageOf(end.reason)}`)] : [],
    );
    if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join(' '));
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function warningOf({ failingMs, roundMs, lastError }: TaskState, limitMs: number): string | null {
  if (failingMs > limitMs)
    return `Its rounds have failed for ${seconds(failingMs)} s. The last error: ${lastError}`;
  if (roundMs > limitMs) return `Its current round has run for ${seconds(roundMs)} s.`;
  return null;
}

const seconds = (ms: number): number => Math.round(ms / 1000);
