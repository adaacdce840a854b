import { lanes, type JobName, type Lane } from '@foyer/shared';
import type { Job, JobQueue, LaneDepth } from '../queue-port.ts';
import type { DirectRuns } from './direct-runs.ts';

export interface DueRequest {
  readonly id: string;
  readonly priority: number;
  /** What it is worked on as. */
  readonly job: JobName;
}

/** The outbox side of the request table. */
export interface Outbox {
  /**
   * Open requests of a lane whose time to be looked at has come, the most urgent and oldest first, each to one caller only.
   * `isQueueAway`: also those that the queue should have given to somebody by now.
   */
  due(lane: Lane, limit: number, isQueueAway?: boolean): Promise<DueRequest[]>;
}

/** How many jobs the relay lets be ready in the background lane: seconds of work; the rest waits in the table, where it costs nothing. */
export const WINDOW = 1_000;
/** The most the lane may hold with those that are put off: they must neither close the window nor pile up behind it. */
export const MOST_HELD = 3 * WINDOW;
/** Fewer and larger rounds: below this much room the lane is full enough. */
const LEAST_ROOM = WINDOW / 4;

const held = ({ waiting, delayed, active }: LaneDepth): number => waiting + delayed + active;

/** How many more jobs the relay may put into the background lane. */
export function roomIn(depth: LaneDepth): number {
  const room = Math.min(WINDOW - depth.waiting - depth.active, MOST_HELD - held(depth));
  return room < LEAST_ROOM ? 0 : room;
}

const BATCH = 500;
const ADD_TIMEOUT_MS = 5_000;

/** `more`: requests are, or may be, due that found no room: look again soon. */
export interface RelayRound {
  readonly relayed: number;
  readonly more: boolean;
}

/**
 * One round of the relay: puts into the queue what is open and due in the request table: what the gateway could not enqueue,
 * what a dead worker left, what a queue lost. Postgres is the truth; the queue only says "look at this one soon". The
 * interactive lane takes all of it, the background lane as much as it has room for; relays that look at the same moment
 * may each fill it once. Ends after the batch under way when stopping.
 *
 * With `direct`, what the queue should have given to somebody is done here, as far as there are places: each request of the
 * interactive lane that is due, since people wait for those, and of the background lane what this relay put in before.
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

/** One round while the queue is away: does what is due, as far as there are places. Gives how many were begun. */
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
    if (rest.length > 0) await queue.add(rest, ADD_TIMEOUT_MS);
    direct?.noteRelayed(rest);
    relayed += jobs.length;
    if (jobs.length < limit || stopping.aborted) break;
  }
  return relayed;
}

/** Begins what is not for the queue, as far as there are places, and gives the rest. */
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

/** How old a look at the queue may be, in milliseconds. */
const LOOK_LASTS_MS = 1_000;

/**
 * Whether a background job may go into the queue past the relay, by a look at most a second old: a flood of them stays in
 * the table, and the relay brings it in as there is room. Says yes when the queue cannot be asked: adding will tell.
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
