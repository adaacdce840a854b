import { jobCatalog, laneOf, type Lane } from '@foyer/shared';
import type { Job, JobQueue, LaneDepth } from '../queue-port.ts';

/** The longest delay of a timer of Node; nothing here is put off for so long. */
const LONGEST_MS = 2_147_483_647;

/**
 * Jobs that are to be done again after a while. They wait in this process and not in the queue, by the monotonic clock: the
 * queue's delays are moments of whichever machine set them, so that a clock that is wrong, or is put right, kept them for as
 * long as it was off. What is lost with the process, or finds no room here, is found in the request table when it is due.
 */
export class PutOffJobs {
  readonly #waiting = new Map<string, { readonly lane: Lane; readonly timer: NodeJS.Timeout }>();
  readonly #add: (job: Job) => Promise<void>;
  readonly #most: number;
  #isClosed = false;

  /** `add` brings a job back when its time has come; when it rejects, the request table makes up for it. */
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

  /** How many of each lane wait here. */
  count(): Record<Lane, number> {
    const count: Record<Lane, number> = { interactive: 0, background: 0 };
    for (const { lane } of this.#waiting.values()) count[lane] += 1;
    return count;
  }

  /** What the queue holds, and what waits here with it. */
  async depthWith(queue: Pick<JobQueue, 'depth'>): Promise<Record<Lane, LaneDepth>> {
    const { interactive, background } = await queue.depth();
    const here = this.count();
    return {
      interactive: { ...interactive, delayed: interactive.delayed + here.interactive },
      background: { ...background, delayed: background.delayed + here.background },
    };
  }

  /** Forgets all of them, and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
