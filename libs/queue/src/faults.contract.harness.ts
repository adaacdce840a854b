import { randomUUID } from 'node:crypto';
import type { JobQueue } from '@foyer/provisioning';
import { startFaultProxy, type Fault, type FaultProxy } from '@foyer/testing';
import { Bench, everyLane, jobFor, over, until } from './bench.harness.ts';
import type { Server } from './servers.harness.ts';

/** Which of the two addresses the queue uses. */
type Address = 'redisUrl' | 'databaseUrl';

type Line = Pick<FaultProxy, 'set' | 'cut'>;

/** What the network does to a queue that is in use, by the rest of the sentence that begins "on a network that". */
const faults: Readonly<Record<string, (line: Line, queue: JobQueue) => void | Promise<void>>> = {
  'cuts every connection': (line) => line.cut(),
  'drops every connection without closing it': (line) => {
    line.set('half-open');
    line.set(null);
  },
  ...Object.fromEntries(
    (['black-hole', 'eat-answers', 'trickle'] as const satisfies readonly Fault[]).map((fault) => [
      `recovers after a time of this fault: ${fault}`,
      async (line: Line, queue: JobQueue) => {
        line.set(fault);
        // Some commands run during the fault: adding jobs, and the consumers' commands.
        for (let tries = 0; tries < 8; tries++) await works(queue.add([jobFor(randomUUID())], 1_000));
        line.set(null);
      },
    ]),
  ),
};

const works = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

/** The faults from which every backend must recover automatically, on the same connections. */
export function faultsContract(server: () => Server, address: Address): void {
  /** Applies the fault while idle and while jobs are running; then everything must work as before. */
  async function survives(fault: (line: Line, queue: JobQueue) => void | Promise<void>): Promise<void> {
    const proxy = await startFaultProxy(server().address[address] ?? '');
    const bench = new Bench({ ...server(), address: { ...server().address, [address]: proxy.url } });
    try {
      const queue = bench.queue();
      const handled: string[] = [];
      await bench.consumer(
        (id) => {
          handled.push(id);
          return over;
        },
        { concurrency: everyLane(2) },
      );
      await queue.add([jobFor(randomUUID()), jobFor(randomUUID(), 10)], 5_000);
      await until('the first jobs', () => handled.length === 2);
      await fault(proxy, bench.queue());
      const ids = Array.from({ length: 10 }, () => randomUUID());
      for (const [n, id] of ids.entries())
        await until('an add', () => works(queue.add([jobFor(id, n % 2 === 0 ? 1 : 10)], 1_000)), 60_000);
      await until('a ping', () => works(queue.ping(2_000)), 60_000);
      await until('all jobs', () => ids.every((id) => handled.includes(id)), 60_000);
      // Checks that answers are in order: an answer to another command would show here.
      await bench.empty(queue);
    } finally {
      proxy.set(null);
      proxy.cut();
      await bench.close();
      await proxy.close();
    }
  }

  describe('on a network that', () => {
    // Each fault mostly waits for time limits, so they happen at the same time, each on connections of its own.
    const ends = new Map<string, Promise<void>>();
    beforeAll(() => {
      for (const [name, fault] of Object.entries(faults)) {
        const end = survives(fault);
        end.catch(() => undefined);
        ends.set(name, end);
      }
    });
    afterAll(() => Promise.allSettled(ends.values()));

    it.each(Object.keys(faults))('%s', (name) => ends.get(name));
  });
}
