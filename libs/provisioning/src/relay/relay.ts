import { lanes, QUEUE_ADD_LIMIT_MS, type JobName, type Lane } from '@foyer/shared';
import type { Job, JobQueue, LaneDepth } from './queue-port.ts';
import type { DirectRuns } from './direct-runs.ts';

export interface DueRequest {
  readonly id: string;
  readonly priority: number;
  /** The kind of job that processes it. */
  readonly job: JobName;
}

/** The request table used as an outbox. */
export interface Outbox {
  /**
   * Open requests of a lane that are due, the most urgent and oldest first, each returned to only one caller.
   * `isQueueAway`: also those that the queue should have delivered by now.
   */
  due(lane: Lane, limit: number, isQueueAway?: boolean): Promise<DueRequest[]>;
}

/** The most ready jobs in the background lane: seconds of work. The rest waits in the table, where it costs nothing. */
export const WINDOW = 1_000;
/** The most jobs in the lane including delayed ones, which must neither fill the window nor pile up behind it. */
export const MOST_HELD = 3 * WINDOW;
/** With less room than this the lane counts as full, so that rounds are fewer and larger. */
const LEAST_ROOM = WINDOW / 4;

const held = ({ waiting, delayed, active }: LaneDepth): number => waiting + delayed + active;

/** How many more jobs the relay may add to the background lane. */
export function roomIn(depth: LaneDepth): number {
  const room = Math.min(WINDOW - depth.waiting - depth.active, MOST_HELD - held(depth));
  return room < LEAST_ROOM ? 0 : room;
}

const BATCH = 500;

/** `more`: further requests are, or may be, due for which there was no room: run again soon. */
export interface RelayRound {
  readonly relayed: number;
  readonly more: boolean;
}

/**
 * One round of the relay: adds the open, due requests of the table to the queue: those that the gateway could not
 * enqueue, that a crashed worker left, or that the queue lost. PostgreSQL is authoritative; the queue only schedules.
 * The interactive lane takes all of them, the background lane as many as it has room for; relays that run at the same
 * moment may each fill it once. When stopping, the round ends after the current batch.
 *
 * With `direct`, requests that the queue should have delivered run here, as far as slots are free: every due request of
 * the interactive lane, because people wait for those, and in the background lane those that this relay added before.
 */
export async function relayDue(
  outbox: Outbox,
  queue: Pick<JobQueue, 'add' | 'depth'>,
  stopping: AbortSignal,
  direct?: DirectRuns,
): Promise<RelayRound> {
  const interactive = await relayLane('interactive', Infinity, { outbox, queue, stopping, direct });
  if (stopping.aborted) return { relayed: interactive, more: false };
  const room = roomIn((await queue.depth()).background);
  const background = await relayLane('background', room, { outbox, queue, stopping, direct });
  return { relayed: interactive + background, more: background === room };
}

/**
 * One round while the queue is unavailable: runs due requests, as far as slots are free. Returns how many were begun.
 */
export async function runDue(outbox: Outbox, direct: DirectRuns): Promise<number> {
  let begun = 0;
  for (const lane of lanes) {
    const free = direct.free(lane);
    const due = free === 0 ? [] : await outbox.due(lane, free, true);
    for (const request of due) direct.begin(toJob(request));
    begun += due.length;
  }
  return begun;
}

interface Relaying {
  readonly outbox: Outbox;
  readonly queue: Pick<JobQueue, 'add'>;
  readonly stopping: AbortSignal;
  readonly direct: DirectRuns | undefined;
}

async function relayLane(
  lane: Lane,
  room: number,
  { outbox, queue, stopping, direct }: Relaying,
): Promise<number> {
  let relayed = 0;
  while (relayed < room) {
    const limit = Math.min(BATCH, room - relayed);
    const due = await outbox.due(lane, limit);
    const jobs = due.map(toJob);
    const rest = direct ? runSome(lane, jobs, direct) : jobs;
    if (rest.length > 0) await queue.add(rest, QUEUE_ADD_LIMIT_MS);
    direct?.noteRelayed(rest);
    relayed += jobs.length;
    if (jobs.length < limit || stopping.aborted) break;
  }
  return relayed;
}

/** Begins the jobs that run directly, as far as slots are free, and returns the rest. */
function runSome(lane: Lane, jobs: readonly Job[], direct: DirectRuns): Job[] {
  let free = direct.free(lane);
  return jobs.filter((job) => {
    if (free === 0 || !(lane === 'interactive' || direct.wasRelayed(job))) return true;
    free -= 1;
    direct.begin(job);
    return false;
  });
}

const toJob = ({ id, priority, job }: DueRequest): Job => ({
  name: job,
  payload: { requestId: id },
  priority,
});

/** How long a reading of the queue's depth stays valid, in milliseconds. */
const LOOK_LASTS_MS = 1_000;

/**
 * Whether a background job may be added to the queue without the relay, from a depth at most a second old: a flood of
 * jobs stays in the table, and the relay adds them as there is room. True when the depth cannot be read: the add will
 * then fail by itself.
 */
export class BackgroundRoom {
  readonly #queue: Pick<JobQueue, 'depth'>;
  readonly #now: () => number;
  #look: { readonly until: number; readonly free: Promise<boolean> } | undefined;

  constructor(queue: Pick<JobQueue, 'depth'>, now = () => performance.now()) {
    this.#queue = queue;
    this.#now = now;
  }

  isFree(): Promise<boolean> {
    if (this.#look === undefined || this.#look.until <= this.#now()) {
      const free = this.#queue.depth().then(
        ({ background }) => held(background) < MOST_HELD,
        () => true,
      );
      this.#look = { until: this.#now() + LOOK_LASTS_MS, free };
    }
    return this.#look.free;
  }
}
