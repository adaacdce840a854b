import type { JobQueue } from '@foyer/provisioning';
import type { Context } from '../world.ts';

const additions = [
  'times out',
  'times out, arrives later',
  'arrives twice',
  'arrives late',
  'is lost',
] as const;

/** The producer's side of the unreliable queue. */
export function openQueue({ world, scheduler }: Context): Pick<JobQueue, 'add' | 'depth'> {
  const { queue, dice } = world;
  const tooLate = (): Error => new DOMException('The queue did not answer in time.', 'TimeoutError');
  return {
    async add(jobs) {
      const thread = scheduler.current;
      const fault = await scheduler.reach(thread, 'port queue.add before', additions);
      if (fault === 'times out') throw tooLate();
      if (fault === null) queue.add(jobs);
      else if (fault === 'arrives twice') queue.add(jobs, { copies: 2 });
      else if (fault !== 'is lost') queue.add(jobs, { delayMs: dice.between(1, 30_000) });
      if (fault === 'times out, arrives later') throw tooLate();
      await scheduler.reach(thread, 'port queue.add after');
    },
    async depth() {
      await scheduler.reach(scheduler.current, 'port queue.depth');
      return queue.depth();
    },
  };
}
