import { randomUUID } from 'node:crypto';
import { laneOf, type Lane } from '@foyer/shared';
import type { Job, LaneDepth } from './queue-port.ts';
import { BackgroundRoom, MOST_HELD, relayDue, roomIn, WINDOW, type DueRequest } from './relay.ts';

const none: LaneDepth = { waiting: 0, delayed: 0, active: 0 };

/** A request table and a queue that count. */
function parts(priorities: readonly number[], background: LaneDepth = none) {
  const table: DueRequest[] = priorities.map((priority) => ({ id: randomUUID(), priority, job: 'converge' }));
  const added: Job[] = [];
  const outbox = {
    due: async (lane: Lane, limit: number) => {
      const found = table
        .filter(({ priority }) => laneOf(priority) === lane)
        .sort((one, other) => one.priority - other.priority)
        .slice(0, limit);
      for (const one of found) table.splice(table.indexOf(one), 1);
      return found;
    },
  };
  const queue = {
    add: async (jobs: readonly Job[]) => void added.push(...jobs),
    depth: async () => ({ interactive: none, background }),
  };
  const round = () => relayDue(outbox, queue, new AbortController().signal);
  return { round, added, table };
}
const many = (count: number, priority: number) => Array.from({ length: count }, () => priority);

describe('a round of the relay', () => {
  it('fills the background lane up to its window and reports that more is left', async () => {
    const { round, added, table } = parts(many(2_500, 20));
    expect(await round()).toEqual({ relayed: WINDOW, more: true });
    expect([added.length, table.length]).toEqual([WINDOW, 1_500]);
  });

  it('relays all of the interactive lane, however full the other one is', async () => {
    const full = { waiting: WINDOW, delayed: 0, active: 10 };
    const { round, added } = parts([...many(1_200, 1), ...many(10, 10)], full);
    expect(await round()).toEqual({ relayed: 1_200, more: true });
    expect(new Set(added.map(({ priority }) => priority))).toEqual(new Set([1]));
  });

  it('reports that nothing is left when all due requests were queued', async () => {
    const { round } = parts([...many(3, 1), ...many(600, 10)]);
    expect(await round()).toEqual({ relayed: 603, more: false });
  });

  it('queues a request of a machine before the people of a file', async () => {
    const { round, added } = parts([...many(5_000, 20), 10]);
    await round();
    expect(added[0]?.priority).toBe(10);
  });
});

describe('the room in the background lane', () => {
  it('is not taken by jobs that are put off, up to a limit', () => {
    expect(roomIn({ waiting: 0, delayed: WINDOW, active: 0 })).toBe(WINDOW);
    expect(roomIn({ waiting: 0, delayed: MOST_HELD - 300, active: 0 })).toBe(300);
    expect(roomIn({ waiting: 0, delayed: 50_000, active: 0 })).toBe(0);
  });

  it('is zero while the lane is nearly full', () => {
    expect(roomIn({ waiting: WINDOW - 10, delayed: 0, active: 0 })).toBe(0);
    expect(roomIn({ waiting: 5 * WINDOW, delayed: 0, active: 0 })).toBe(0);
  });

  it('is read once a second, regardless of the number of callers', async () => {
    let looks = 0;
    let now = 0;
    const depth = { ...none };
    const queue = {
      depth: async () => ((looks += 1), { interactive: none, background: { ...none, ...depth } }),
    };
    const room = new BackgroundRoom(queue, () => now);
    expect(await Promise.all([room.isFree(), room.isFree(), room.isFree()])).toEqual([true, true, true]);
    Object.assign(depth, { waiting: MOST_HELD });
    now = 999;
    expect(await room.isFree()).toBe(true);
    now = 1_000;
    expect(await room.isFree()).toBe(false);
    expect(looks).toBe(2);
  });

  it('counts as free when the queue is unavailable', async () => {
    const room = new BackgroundRoom({ depth: () => Promise.reject(new Error('away')) });
    expect(await room.isFree()).toBe(true);
  });
});
