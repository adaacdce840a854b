import { laneOf, type Lane } from '@foyer/shared';
import type { Job, JobEnd } from '../queue-port.ts';
import type { LaneSlots } from './lane-slots.ts';

/** How many requests are remembered that went into the queue; the oldest are forgotten first. */
const MOST_REMEMBERED = 20_000;

export interface DirectRunParts {
  /** Shared with what the queue gives: both together keep the limits of concurrency. */
  readonly slots: LaneSlots;
  /** Does a job; takes no place by itself. */
  readonly work: (job: Job) => Promise<JobEnd>;
  readonly putOff: (job: Job, delayMs: number) => void;
  readonly onError: (error: unknown, job: Job) => void;
  /** Aborted at the end: nothing is begun any more. */
  readonly stopping: AbortSignal;
}

/**
 * Jobs that are done here without having gone through the queue, because it does not give them to anybody. A request that
 * somebody else works on is safe: its lease has one holder, and whoever comes second goes away.
 */
export class DirectRuns {
  readonly #parts: DirectRunParts;
  readonly #running = new Map<string, Promise<void>>();
  readonly #relayed = new Set<string>();

  constructor(parts: DirectRunParts) {
    this.#parts = parts;
  }

  /** How many jobs of the lane can be begun now. */
  free(lane: Lane): number {
    return this.#parts.stopping.aborted ? 0 : this.#parts.slots.free(lane);
  }

  /** To be told of what went into the queue. */
  noteRelayed(jobs: readonly Job[]): void {
    for (const { payload } of jobs) {
      this.#relayed.delete(payload.requestId);
      this.#relayed.add(payload.requestId);
    }
    for (const oldest of this.#relayed) {
      if (this.#relayed.size <= MOST_REMEMBERED) return;
      this.#relayed.delete(oldest);
    }
  }

  /** Whether this process put the request into the queue before: it is due again, so that nobody took it from there. */
  wasRelayed({ payload }: Job): boolean {
    return this.#relayed.has(payload.requestId);
  }

  /** Begins a job, and does not wait for it. One that is under way here is not begun twice. */
  begin(job: Job): void {
    const { requestId } = job.payload;
    if (this.#running.has(requestId)) return;
    this.#relayed.delete(requestId);
    const run = this.#run(job).finally(() => this.#running.delete(requestId));
    this.#running.set(requestId, run);
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** Never rejects. */
  async #run(job: Job): Promise<void> {
    const { slots, work, putOff, onError, stopping } = this.#parts;
    try {
      const end = await slots.run(laneOf(job.priority), () => work(job));
      if (end.kind === 'again' && !stopping.aborted) putOff(job, end.delayMs);
    } catch (error) {
      // The request stays open in the table, and is due again in a while.
      onError(error, job);
    }
  }
}
