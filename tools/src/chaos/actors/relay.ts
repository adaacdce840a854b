import { RelayStore } from '@foyer/persistence';
import { relayDue } from '@foyer/provisioning';
import { bounded } from '../boundaries/ports.ts';
import { Actor } from '../scheduler.ts';
import { times, type Running, type World } from '../world.ts';
import { openQueue } from './queue-port.ts';

/** The longest pause between two rounds of the relay, in milliseconds. */
const RELAY_EVERY_MS = 2_000;

/** The relay, which runs a round at random times. `nextAt` is the earliest time of the next. */
export function startRelay(world: World, life: number): Running & { readonly nextAt: () => number } {
  const { scheduler, house, tenantId, clock, dice } = world;
  const role = 'relay';
  const actor = new Actor(role, life);
  const context = { world, role, scheduler, actor } as const;
  const store = new RelayStore(house.desks[role].database, tenantId, times.relayGrace);
  const outbox = bounded(store, context, { due: (lane) => `outbox.due(${String(lane)})` });
  const queue = openQueue(context);
  const { signal } = new AbortController();
  let nextAt = 0;
  scheduler.spawn(actor, 'relay', async (thread) => {
    for (;;) {
      await scheduler.reach(thread, 'relay waits for its round', [], () => clock.now >= nextAt);
      try {
        await relayDue(outbox, queue, signal);
      } catch {
        scheduler.trace.push('  the round failed');
      }
      nextAt = clock.now + dice.between(RELAY_EVERY_MS / 4, RELAY_EVERY_MS);
    }
  });
  return { actor, role, drop: () => undefined, nextAt: () => nextAt };
}
