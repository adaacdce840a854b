import { jobCatalog, laneOf, type Lane } from '@foyer/shared';
import type { Job, JobQueue, LaneDepth } from './queue-port.ts';

/** The longest delay of a Node timer; no job here is delayed for so long. */
const LONGEST_MS = 2_147_483_647;

/**
 * Jobs that run again after a delay. They wait in this process, by the monotonic clock, because a delay in the queue
 * ends at a wall-clock time of the machine that set it, and a wrong or corrected clock would extend it. A job that is
 * lost with the process, or exceeds the limit here, is found in the request table when it is due.
 */
export class PutOffJobs {
  readonly #waiting = new Map<string, { readonly lane: Lane; readonly timer: NodeJS.Timeout }>();
  readonly #add: (job: Job) => Promise<void>;
  readonly #most: number;
  #isClosed = false;

  /**
   * `add` returns a job to the queue after its delay; when it rejects, the request table makes up for it. `most`: the
   * most jobs that wait here.
   */
  constructor(add: (job: Job) => Promise<void>, most: number) {
    this.#add = add;
    this.#most = most;
  }

  put(job: Job, delayMs: number): void {
    const key = `${job.name} ${jobCatalog[job.name].dedupe(job.payload)}`;
    clearTimeout(this.#waiting.get(key)?.timer);
    this.#waiting.delete(key);
    if (this.#isClosed || this.#waiting.size >= this.#most) return;
    const back = (): void => {
      this.#waiting.delete(key);
      this.#add(job).catch(() => undefined);
    };
    const timer = setTimeout(back, Math.min(delayMs, LONGEST_MS));
    this.#waiting.set(key, { lane: laneOf(job.priority), timer });
  }

  /** How many jobs of each lane wait here. */
  count(): Record<Lane, number> {
    const count: Record<Lane, number> = { interactive: 0, background: 0 };
    for (const { lane } of this.#waiting.values()) count[lane] += 1;
    return count;
  }

  /** The depth of the queue, including the jobs that wait here. */
  async depthWith(queue: Pick<JobQueue, 'depth'>): Promise<Record<Lane, LaneDepth>> {
    const { interactive, background } = await queue.depth();
    const here = this.count();
    return {
      interactive: { ...interactive, delayed: interactive.delayed + here.interactive },
      background: { ...background, delayed: background.delayed + here.background },
    };
  }

  /** Discards all jobs, and accepts no more. */
  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
