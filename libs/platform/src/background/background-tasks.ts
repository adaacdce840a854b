import type { Readiness } from '../health.ts';
import type { Closer } from '../lifecycle.ts';
import type { Metrics } from '../metrics.ts';
import type { BackgroundTask, TaskState } from './background-task.ts';

interface Limits {
  /** How long the rounds of a task may fail, or one round may run, before /readyz shows it; in milliseconds. */
  readonly warnAfterMs: number;
  /** How long a stop waits for one task, in milliseconds, so that a round that hangs does not keep the others running. */
  readonly drainMs: number;
}

const usualLimits: Limits = { warnAfterMs: 60_000, drainMs: 6_000 };

/** All background tasks of one process: starts them in their order, stops them in the reverse one, and reports on them. */
export class BackgroundTasks {
  readonly #tasks: { readonly task: BackgroundTask; readonly drainMs: number }[] = [];
  readonly #limits: Limits;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...usualLimits, ...limits };
  }

  /** `drainMs`: how long a stop waits for this task, when it may need longer than the others. */
  add(task: BackgroundTask, drainMs = this.#limits.drainMs): void {
    if (this.#tasks.some((other) => other.task.name === task.name)) {
      throw new Error(`Two background tasks have the name ${task.name}.`);
    }
    this.#tasks.push({ task, drainMs });
  }

  /** Starts the tasks that were not started yet, each when the one before it has started. */
  async start(): Promise<void> {
    for (const { task } of this.#tasks) await task.start();
  }

  /** What stops the tasks at shutdown: the last one first. */
  closers(): Closer[] {
    return this.#tasks
      .map(({ task, drainMs }): Closer => [task.name, () => stopWithin(drainMs, task)])
      .reverse();
  }

  /** Adds a warning for each task whose rounds have failed, or whose round has run, for longer than the limit. */
  warnIn(readiness: Readiness): Readiness {
    const found = this.#tasks.flatMap(({ task }) => {
      const warning = warningOf(task.state(), this.#limits.warnAfterMs);
      return warning === null ? [] : [[task.name, warning] as const];
    });
    if (found.length === 0) return readiness;
    return { ...readiness, warnings: { ...readiness.warnings, ...Object.fromEntries(found) } };
  }

  /** Shows each task in the metrics. */
  measure(metrics: Metrics): void {
    metrics.collect(async () => {
      for (const { task } of this.#tasks) metrics.showTask(task.name, task.state());
    });
  }
}

function warningOf({ failingMs, roundMs, lastError }: TaskState, limitMs: number): string | null {
  if (failingMs > limitMs)
    return `Its rounds have failed for ${seconds(failingMs)} s. The last error: ${lastError}`;
  if (roundMs > limitMs) return `Its current round has run for ${seconds(roundMs)} s.`;
  return null;
}

const seconds = (ms: number): number => Math.round(ms / 1000);

async function stopWithin(limitMs: number, task: BackgroundTask): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const overdue = () => reject(new Error(`The current round did not end within ${limitMs} ms.`));
    timer = setTimeout(overdue, limitMs);
  });
  await Promise.race([task.stop(), late]).finally(() => clearTimeout(timer));
}
