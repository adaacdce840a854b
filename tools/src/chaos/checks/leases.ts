import type { Actor } from '../scheduler.ts';
import type { Written } from './witness.ts';

/**
 * No worker wrote anything that a lease protects without holding it: neither to our tables nor the intent of a call to
 * Box.
 */
export function underLease(
  written: readonly Written[],
  actorOf: (pid: number) => Actor | undefined,
): string[] {
  const holders = new Map<string, Actor | undefined>();
  const problems: string[] = [];
  for (const group of Map.groupBy(written, ({ tx, holderId }) => `${tx} ${holderId}`).values()) {
    const [first] = group;
    const writer = actorOf(first!.pid);
    if (!writer?.role.startsWith('worker')) continue;
    const lease = group.find(({ what }) => what === 'lease');
    const isTaking = lease !== undefined && lease.token !== lease.wasToken;
    if (isTaking && lease.wasLive) problems.push(`${writer.name} took a lease that another held`);
    if (isTaking) holders.set(first!.holderId, writer);
    for (const { what, detail } of group.filter((row) => row.what !== 'lease' && row.what !== 'token')) {
      const isHeld = holders.get(first!.holderId) === writer;
      const hadRunOut = lease !== undefined && !isTaking && lease.wasLive === false;
      const isUnfenced = what === 'call' && !lease;
      if (!isHeld || hadRunOut || isUnfenced) {
        problems.push(`${writer.name} wrote "${what} ${detail ?? ''}" without the lease`);
      }
    }
  }
  return problems;
}
