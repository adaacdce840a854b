import { randomUUID } from 'node:crypto';
import { insideTransaction, type JobEnd } from '@foyer/provisioning';
import { jobCatalog } from '@foyer/shared';
import { Bench, depthOf, everyLane, gate, jobFor, newJobs, over, until } from './bench.harness.ts';
import { createQueue } from './index.ts';
import { outageContract } from './outage.contract.harness.ts';
import type { Server } from './servers.harness.ts';

/** What every backend of the queue must do. */
export function queueContract(
  server: () => Server,
  /** An address of the backend's kind without a server. */
  nowhere: (port: number) => Server['address'],
  /** Makes the server accept commands without answering, until the returned function has finished. */
  hush: () => Promise<() => Promise<void>>,
): void {
  let bench: Bench;
  beforeEach(() => (bench = new Bench(server())));
  afterEach(() => bench.close());

  describe('delivery', () => {
    it('delivers each job of a bulk to the handler once', async () => {
      const queue = bench.queue();
      const ids = newJobs(20);
      await bench.consumer(() => over, { concurrency: everyLane(4) });
      await queue.add(
        [...ids, ...ids].map((id) => jobFor(id)),
        5_000,
      );
      await until('all jobs', () => bench.taken.length >= ids.length);
      await bench.empty(queue);
      expect([...bench.taken].sort()).toEqual([...ids].sort());
      expect(bench.errors).toEqual([]);
    });

    it('rejects a job inside a database transaction, which may be rolled back: that is a programming error', async () => {
      const queue = bench.queue();
      await queue.ping(5_000);
      const inside = insideTransaction(() => queue.add([jobFor(randomUUID())], 5_000));
      await expect(inside).rejects.toMatchObject({ name: 'CallInsideTransaction' });
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 0 });
    });

    it('ignores a job whose key is waiting or active, and accepts it again when that job has ended', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      await queue.add([jobFor(id)], 5_000);
      await queue.add([jobFor(id)], 5_000);
      expect(await depthOf(queue)).toEqual({ waiting: 1, delayed: 0, active: 0 });
      const hold = gate();
      await bench.consumer(() => hold.opened.then(() => over));
      await until('the job', () => bench.taken.length === 1);
      await queue.add([jobFor(id)], 5_000);
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 1 });
      hold.open();
      await bench.empty(queue);
      expect(bench.taken).toEqual([id]);
      await queue.add([jobFor(id)], 5_000);
      await until('the job again', () => bench.taken.length === 2);
    });

    it('delivers the lower priority number first, and equal ones in their order', async () => {
      const queue = bench.queue();
      const [late, first, second, early] = ['', '', '', ''].map(() => randomUUID());
      const jobs = [jobFor(late!, 9), jobFor(first!, 2), jobFor(second!, 2), jobFor(early!, 0)];
      for (const job of jobs) await queue.add([job], 5_000);
      await bench.consumer(() => over);
      await until('all jobs', () => bench.taken.length === 4);
      expect(bench.taken).toEqual([early, first, second, late]);
    });

    it('delivers a job again after the delay that its handler asked for, under the same key', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      const at: number[] = [];
      await bench.consumer(() => (at.push(performance.now()) < 3 ? { kind: 'again', delayMs: 400 } : over));
      await queue.add([jobFor(id)], 5_000);
      await until('the delay', () => bench.putOff.count().interactive === 1);
      // Independent of wall clocks: the queue holds no part of the job meanwhile.
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 0 });
      await until('the third time', () => at.length === 3);
      await bench.empty(queue);
      expect(bench.taken).toEqual([id, id, id]);
      expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(390);
      expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(390);
    });

    it('delivers a job that a closing worker hands back to another worker at once', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      // The worker hands the job back only while it closes; before that it would postpone the job and run it itself.
      const isClosing = Promise.withResolvers<void>();
      const first = await bench.consumer(() => isClosing.promise.then(() => ({ kind: 'again', delayMs: 0 })));
      const closing = until('the first worker has it', () => bench.taken.length > 0).then(() => {
        const closed = first.close(5_000);
        isClosing.resolve();
        return closed;
      });
      await queue.add([jobFor(id)], 5_000);
      await closing;
      const before = bench.taken.length;
      await bench.consumer(() => over);
      await bench.empty(queue);
      expect(bench.taken.slice(before)).toEqual([id]);
    });

    it('retries a job whose handler throws as often as the catalog allows, then drops it', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      await bench.consumer(() => Promise.reject(new Error('the database is unavailable')));
      await queue.add([jobFor(id)], 5_000);
      await until('the last attempt', () => bench.errors.length === jobCatalog.converge.attempts);
      await bench.empty(queue);
      expect(bench.putOff.count()).toEqual({ interactive: 0, background: 0 });
      expect(bench.errors.map(({ where }) => where)).toEqual(
        [1, 2, 3, 4, 5].map((attempt) => `job converge-${id}, attempt ${attempt} of 5`),
      );
      await queue.add([jobFor(id)], 5_000);
      await until('the job again', () => bench.taken.length === jobCatalog.converge.attempts + 1);
    });

    it('drops a malformed or unknown job, reports it once, and continues', async () => {
      const queue = bench.queue();
      const id = randomUUID();
      await bench.plant('converge', { requestId: 'no uuid' });
      await bench.plant('converge', null);
      await bench.plant('toString', { requestId: id });
      await queue.add([jobFor(id)], 5_000);
      await bench.consumer(() => over);
      await bench.empty(queue);
      expect(bench.taken).toEqual([id]);
      expect(bench.errors.map(({ message }) => message)).toEqual([
        expect.stringContaining('Dropped: requestId'),
        expect.stringContaining('Dropped: '),
        'Dropped: there is no job with the name "toString"',
      ]);
    });

    it('distributes the jobs between two consumers', async () => {
      const queue = bench.queue();
      const ids = newJobs(12);
      const both = gate();
      const seen = new Set<string>();
      const worker = (name: string) => async (): Promise<JobEnd> => {
        if (seen.add(name).size === 2) both.open();
        await both.opened;
        return over;
      };
      await Promise.all([bench.consumer(worker('one')), bench.consumer(worker('two'))]);
      await queue.add(
        ids.map((id) => jobFor(id)),
        5_000,
      );
      await bench.empty(queue);
      expect([...bench.taken].sort()).toEqual([...ids].sort());
    });
  });

  describe('a queue with lanes', () => {
    it('starts a sign-in at once while bulk work fills the background lane', async () => {
      const queue = bench.queue();
      const bulk = newJobs(6);
      const [signIn] = newJobs(1);
      const hold = gate();
      await bench.consumer((id) => (id === signIn ? over : hold.opened.then(() => over)), {
        concurrency: everyLane(2),
      });
      await queue.add(
        bulk.map((id, n) => jobFor(id, n % 2 === 0 ? 10 : 20)),
        5_000,
      );
      await until('bulk in every background place', () => bench.taken.length === 2);
      await queue.add([jobFor(signIn!, 1)], 5_000);
      await until('the sign-in to be over', async () => {
        // In this order: a count from before the job began would be 0, too.
        const isTaken = bench.taken.includes(signIn!);
        const { interactive } = await queue.depth();
        return isTaken && interactive.active === 0;
      });
      expect(await queue.depth()).toEqual({
        interactive: { waiting: 0, delayed: 0, active: 0 },
        background: { waiting: 4, delayed: 0, active: 2 },
      });
      hold.open();
      await bench.empty(queue);
      expect([...bench.taken].sort()).toEqual([...bulk, signIn].sort());
    });

    it('chooses the lane by the priority, and passes the priority to the handler', async () => {
      const queue = bench.queue();
      const ids = newJobs(4);
      const told = new Map<string, number>();
      await queue.add(
        [0, 9, 10, 20].map((priority, n) => jobFor(ids[n]!, priority)),
        5_000,
      );
      const { interactive, background } = await queue.depth();
      expect([interactive.waiting, background.waiting]).toEqual([2, 2]);
      await bench.consumer((id, { priority }) => {
        told.set(id, priority);
        return over;
      });
      await bench.empty(queue);
      expect(ids.map((id) => told.get(id))).toEqual([0, 9, 10, 20]);
    });

    it('keeps its lanes apart from those of another prefix that ends like a lane', async () => {
      const queue = bench.queue();
      const other = createQueue({ ...bench.options, prefix: `${bench.prefix}-interactive` });
      await other.add([jobFor(randomUUID(), 10)], 5_000);
      expect(await depthOf(queue)).toEqual({ waiting: 0, delayed: 0, active: 0 });
      await other.close();
    });
  });

  outageContract(server, nowhere, hush);
}
