import { laneOf, type Lane } from '@foyer/shared';
import type { Job, JobEnd } from './queue-port.ts';
import type { LaneSlots } from './lane-slots.ts';

/** How many queued requests are remembered; the oldest are forgotten first. */
const MOST_REMEMBERED = 20_000;

export interface DirectRunParts {
  /** Shared with the queue's consumer, so that both together keep the concurrency limits. */
  readonly slots: LaneSlots;
  /** Processes a job; does not take a slot itself. */
  readonly work: (job: Job) => Promise<JobEnd>;
  readonly putOff: (job: Job, delayMs: number) => void;
  readonly onError: (error: unknown, job: Job) => void;
  /** Aborted at shutdown: no job is begun afterwards. */
  readonly stopping: AbortSignal;
}

/**
 * Jobs that this process runs without the queue, because the queue does not deliver them. A request that another worker
 * has is safe: its lease has one holder, and the second worker stops.
 */
export class DirectRuns {
  readonly #parts: DirectRunParts;
  readonly #running = new Map<string, Promise<void>>();
  readonly #relayed = new Set<string>();

  constructor(parts: DirectRunParts) {
    this.#parts = parts;
  }

  /** How many jobs of the lane can begin now. */
  free(lane: Lane): number {
    return this.#parts.stopping.aborted ? 0 : this.#parts.slots.free(lane);
  }

  /** Must be called with the jobs that were added to the queue. */
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

  /**
   * Whether this process already added the request to the queue. If it is due again, no consumer took it from there.
   */
  wasRelayed({ payload }: Job): boolean {
    return this.#relayed.has(payload.requestId);
  }

  /** Begins a job without waiting for it. A job that already runs here is not begun twice. */
  begin(job: Job): void {
    const { requestId } = job.payload;
    if (this.#running.has(requestId)) return;
    this.#relayed.delete(requestId);
    const run = this.#run(job).finally(() => this.#running.delete(requestId));
    this.#running.set(requestId, run);
  }

  /** Settles when no job is running. */
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
      // The request stays open in the table and becomes due again later.
      onError(error, job);
    }
  }
}
