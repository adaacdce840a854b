import { AuditSealer } from '@foyer/persistence';
import { bounded } from '../boundaries/ports.ts';
import { Actor } from '../scheduler.ts';
import type { Running, World } from '../world.ts';

/** The longest pause between two rounds of the sealer, in milliseconds. */
const SEAL_EVERY_MS = 40_000;

/** The sealer of the audit log, which runs a round at random times. The rest is sealed at the end of the schedule. */
export function startSealer(world: World, life: number): Running {
  const { scheduler, house, tenantId, clock, dice } = world;
  const role = 'sealer';
  const actor = new Actor(role, life);
  const context = { world, role, scheduler, actor } as const;
  const sealer = bounded(new AuditSealer(house.desks[role].database, tenantId), context, {
    round: 'sealer.round',
  });
  let nextAt = dice.between(0, SEAL_EVERY_MS / 4);
  scheduler.spawn(actor, 'sealer', async (thread) => {
    for (;;) {
      await scheduler.reach(thread, 'sealer waits for its round', [], () => clock.now >= nextAt);
      try {
        await sealer.round();
      } catch {
        scheduler.trace.push('  the round failed');
      }
      nextAt = clock.now + dice.between(SEAL_EVERY_MS / 4, SEAL_EVERY_MS);
    }
  });
  return { actor, role, drop: () => undefined };
}
