import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { laneOf, type Lane } from '@foyer/shared';
import type { Job, JobEnd } from './queue-port.ts';
import { DirectRuns } from './direct-runs.ts';
import { LaneSlots } from './lane-slots.ts';
import { PutOffJobs } from './put-off.ts';
import { relayDue, runDue, type DueRequest } from './relay.ts';

const none = { waiting: 0, delayed: 0, active: 0 };
const request = (priority: number, job: DueRequest['job'] = 'converge'): DueRequest => ({
  id: randomUUID(),
  priority,
  job,
});

/** A request table, a queue that keeps its jobs, and direct runs that the test controls. */
function parts(limits = { interactive: 2, background: 2 }) {
  const table: DueRequest[] = [];
  const asked: boolean[] = [];
  const added: Job[] = [];
  const begun: Job[] = [];
  const putOff: [string, number][] = [];
  const errors: unknown[] = [];
  const ends = new Map<string, (end: JobEnd | Error) => void>();
  const stopping = new AbortController();
  const slots = new LaneSlots(limits);
  const direct = new DirectRuns({
    slots,
    stopping: stopping.signal,
    putOff: (job, delayMs) => void putOff.push([job.payload.requestId, delayMs]),
    onError: (error) => void errors.push(error),
    work: (job) => {
      begun.push(job);
      return new Promise((resolve, reject) =>
        ends.set(job.payload.requestId, (end) => (end instanceof Error ? reject(end) : resolve(end))),
      );
    },
  });
  const outbox = {
    due: async (lane: Lane, limit: number, isQueueAway = false) => {
      asked.push(isQueueAway);
      return table
        .filter(({ priority }) => laneOf(priority) === lane)
        .slice(0, limit)
        .map((one) => table.splice(table.indexOf(one), 1)[0]!);
    },
  };
  const queue = {
    add: async (jobs: readonly Job[]) => void added.push(...jobs),
    depth: async () => ({ interactive: none, background: none }),
  };
  return {
    ...{ table, asked, added, begun, putOff, errors, slots, direct, stopping },
    round: () => relayDue(outbox, queue, stopping.signal, direct),
    past: () => runDue(outbox, direct),
    end: async (id: string, end: JobEnd | Error = { kind: 'over' }) => {
      ends.get(id)!(end);
      await new Promise(setImmediate);
    },
  };
}
const ids = (jobs: readonly Job[]): string[] => jobs.map(({ payload }) => payload.requestId);

describe('a round of the relay that can run requests directly', () => {
  it('runs the requests that people wait for, up to the free places, and enqueues the rest', async () => {
    const { table, round, begun, added } = parts();
    const waiting = [request(1), request(1), request(2)];
    table.push(...waiting);
    expect(await round()).toEqual({ relayed: 3, more: false });
    expect(ids(begun)).toEqual([waiting[0]!.id, waiting[1]!.id]);
    expect(ids(added)).toEqual([waiting[2]!.id]);
  });

  it('enqueues bulk requests, and runs those that it enqueued before and that are due again', async () => {
    const { table, round, begun, added } = parts();
    const [one, other] = [request(20), request(15, 'converge-group')];
    table.push(one, other);
    await round();
    expect([ids(added), begun]).toEqual([[one.id, other.id], []]);
    table.push(one, other, request(20));
    await round();
    expect(begun.map(({ name, payload }) => [name, payload.requestId])).toEqual([
      ['converge', one.id],
      ['converge-group', other.id],
    ]);
    expect(added).toHaveLength(3);
  });

  it('enqueues a request again while every place is in use', async () => {
    const { table, round, begun, added, slots } = parts({ interactive: 1, background: 1 });
    const one = request(20);
    table.push(one);
    await round();
    const held = Promise.withResolvers<void>();
    const working = slots.run('background', () => held.promise);
    table.push(one);
    await round();
    expect([begun.length, added.length]).toEqual([0, 2]);
    held.resolve();
    await working;
    table.push(one);
    await round();
    expect(begun).toHaveLength(1);
  });
});

describe('a round while the queue is unavailable', () => {
  it('takes no more from the table than there are places for, in both lanes, and more when one is free', async () => {
    const { table, past, begun, asked, end } = parts({ interactive: 1, background: 2 });
    const people = [request(1), request(1)];
    const bulk = [request(15, 'converge-group'), request(20), request(20)];
    table.push(...people, ...bulk);
    expect(await past()).toBe(3);
    expect(ids(begun)).toEqual([people[0]!.id, bulk[0]!.id, bulk[1]!.id]);
    expect(asked).toEqual([true, true]);
    expect(await past()).toBe(0);
    await end(bulk[0]!.id);
    expect(await past()).toBe(1);
    expect(ids(begun)).toContain(bulk[2]!.id);
  });

  it('delays requests that ask for it, continues after errors, and starts nothing during shutdown', async () => {
    const { table, past, putOff, errors, end, stopping, begun, direct } = parts();
    const [one, other, late] = [request(1), request(1), request(1)];
    table.push(one, other);
    await past();
    await end(one.id, { kind: 'again', delayMs: 700 });
    await end(other.id, new Error('the database is away'));
    await direct.idle();
    expect(putOff).toEqual([[one.id, 700]]);
    expect(errors).toHaveLength(1);
    stopping.abort();
    table.push(late);
    expect(await past()).toBe(0);
    expect(begun).toHaveLength(2);
  });

  it('does not start a request twice that is running here', async () => {
    const { table, past, begun } = parts();
    const one = request(1);
    table.push(one, one);
    await past();
    expect(begun).toHaveLength(1);
  });
});

describe('the places of a lane', () => {
  it('are never more than its limit, and are granted in the order of the requests', async () => {
    const slots = new LaneSlots({ interactive: 2, background: 1 });
    const order: number[] = [];
    let atOnce = 0;
    let most = 0;
    const work = (n: number) => async () => {
      order.push(n);
      most = Math.max(most, ++atOnce);
      await new Promise(setImmediate);
      atOnce -= 1;
      if (n % 3 === 0) throw new Error('even so the place is given back');
    };
    await Promise.allSettled(Array.from({ length: 9 }, (_, n) => slots.run('interactive', work(n))));
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect([most, slots.free('interactive'), slots.free('background')]).toEqual([2, 2, 1]);
  });
});

describe('jobs that are put off', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());
  const job = (priority: number): Job => ({
    name: 'converge',
    payload: { requestId: randomUUID() },
    priority,
  });
  const gather = (most = 10) => {
    const back: Job[] = [];
    return { back, putOff: new PutOffJobs(async (one) => void back.push(one), most) };
  };

  it('return after their delay, whatever the system clock does', () => {
    const { back, putOff } = gather();
    putOff.put(job(1), 1_000);
    jest.setSystemTime(Date.now() - 3_600_000);
    jest.advanceTimersByTime(999);
    expect(back).toHaveLength(0);
    jest.setSystemTime(Date.now() + 7_200_000);
    expect(back).toHaveLength(0);
    jest.advanceTimersByTime(1);
    expect(back).toHaveLength(1);
  });

  it('are stored once each, counted by lane and limited in number: the table has the others', async () => {
    const { back, putOff } = gather(2);
    const [one, other] = [job(1), job(20)];
    putOff.put(one, 1_000);
    putOff.put(one, 2_000);
    putOff.put(other, 2_000);
    putOff.put(job(20), 10);
    expect(putOff.count()).toEqual({ interactive: 1, background: 1 });
    const queue = { depth: async () => ({ interactive: none, background: { ...none, delayed: 3 } }) };
    expect(await putOff.depthWith(queue)).toMatchObject({
      interactive: { delayed: 1 },
      background: { delayed: 4 },
    });
    jest.advanceTimersByTime(1_999);
    expect(back).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(back).toEqual([one, other]);
  });

  it('are forgotten at the end, and none comes after it', () => {
    const { back, putOff } = gather();
    putOff.put(job(1), 1_000);
    putOff.close();
    putOff.put(job(1), 1_000);
    jest.advanceTimersByTime(5_000);
    expect(back).toEqual([]);
    expect(putOff.count()).toEqual({ interactive: 0, background: 0 });
  });
});
