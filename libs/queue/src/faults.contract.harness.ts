import { randomUUID } from 'node:crypto';
import { startFaultProxy, type Fault, type FaultProxy } from '@foyer/provisioning/testing';
import { Bench, everyLane, jobFor, over, until } from './contract.harness.ts';
import type { Server } from './servers.harness.ts';

/** Which of the two addresses the queue uses. */
type Address = 'redisUrl' | 'databaseUrl';

/** The faults from which every backend must recover automatically, on the same connections. */
export function faultsContract(server: () => Server, address: Address): void {
  let proxy: FaultProxy;
  let bench: Bench;
  beforeEach(async () => {
    proxy = await startFaultProxy(server().address[address] ?? '');
    bench = new Bench({ ...server(), address: { ...server().address, [address]: proxy.url } });
  });
  afterEach(async () => {
    proxy.set(null);
    proxy.cut();
    await bench.close();
    await proxy.close();
  });

  const works = (work: Promise<unknown>): Promise<boolean> =>
    work.then(
      () => true,
      () => false,
    );

  /** Applies the fault while idle and while jobs are running; then everything must work as before. */
  async function survives(fault: () => Promise<void>): Promise<void> {
    const queue = bench.queue();
    const handled: string[] = [];
    await bench.consumer(
      (id) => {
        handled.push(id);
        return over;
      },
      { concurrency: everyLane(2) },
    );
    const first = randomUUID();
    await queue.add([jobFor(first), jobFor(randomUUID(), 10)], 5_000);
    await until('the first jobs', () => handled.length === 2);
    await fault();
    const ids = Array.from({ length: 10 }, () => randomUUID());
    for (const [n, id] of ids.entries())
      await until('an add', () => works(queue.add([jobFor(id, n % 2 === 0 ? 1 : 10)], 1_000)), 60_000);
    await until('a ping', () => works(queue.ping(2_000)), 60_000);
    await until('all jobs', () => ids.every((id) => handled.includes(id)), 60_000);
    // Checks that answers are in order: an answer to another command would show here.
    await bench.empty(queue);
  }

  describe('on a network that', () => {
    it('cuts every connection', () => survives(async () => proxy.cut()));

    it('forgets every connection without telling us', () =>
      survives(async () => {
        proxy.set('half-open');
        proxy.set(null);
      }));

    it.each<Fault>(['black-hole', 'eat-answers', 'trickle'])(
      'is back after a while, in which it did this: %s',
      (fault) =>
        survives(async () => {
          const queue = bench.queue();
          proxy.set(fault);
          // Some commands run during the fault: adding jobs, and the consumers' commands.
          for (let tries = 0; tries < 8; tries++) await works(queue.add([jobFor(randomUUID())], 1_000));
          proxy.set(null);
        }),
    );
  });
}
