import type { JobName, Lane } from '@foyer/shared';
import type { JobQueue, LaneDepth } from './queue-port.ts';

export interface DueRequest {
  readonly id: string;
  readonly priority: number;
  /** What it is worked on as. */
  readonly job: JobName;
}

/** The outbox side of the request table. */
export interface Outbox {
  /** Open requests of a lane whose time to be looked at has come, the most urgent and oldest first, each to one caller only. */
  due(lane: Lane, limit: number): Promise<DueRequest[]>;
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
 */
export async function relayDue(
  outbox: Outbox,
  queue: Pick<JobQueue, 'add' | 'depth'>,
  stopping: AbortSignal,
): Promise<RelayRound> {
  const interactive = await relayLane('interactive', Infinity, outbox, queue, stopping);
  if (stopping.aborted) return { relayed: interactive, more: false };
  const room = roomIn((await queue.depth()).background);
  const background = await relayLane('background', room, outbox, queue, stopping);
  return { relayed: interactive + background, more: background === room };
}

async function relayLane(
  lane: Lane,
  room: number,
  outbox: Outbox,
  queue: Pick<JobQueue, 'add'>,
  stopping: AbortSignal,
): Promise<number> {
  let relayed = 0;
  while (relayed < room) {
    const limit = Math.min(BATCH, room - relayed);
    const due = await outbox.due(lane, limit);
    const jobs = due.map(({ id, priority, job }) => ({
      name: job,
      payload: { requestId: id },
      priority,
    }));
    if (jobs.length > 0) await queue.add(jobs, ADD_TIMEOUT_MS);
    relayed += jobs.length;
    if (jobs.length < limit || stopping.aborted) break;
  }
  return relayed;
}

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
