import { startStack } from '../stack.ts';
import { emptyJobsRate } from './child.ts';
import { Crowd } from './crowd.ts';
import { atLeast, type Figure, grouped, type Measurement, type Scale } from './figure.ts';
import { median } from './measure.ts';
import { statementsPerIdentity } from './statements.ts';
import { UNLIMITED } from './unlimited.ts';

type Backend = 'PostgreSQL' | 'Redis';

/** The provisioner's own default, for both sides. */
const CONCURRENCY = 10;
const ROUNDS = 5;
const sizes: Record<Backend, Record<Scale, { people: number; jobs: number }>> = {
  PostgreSQL: { full: { people: 2_000, jobs: 5_000 }, small: { people: 200, jobs: 500 } },
  Redis: { full: { people: 2_000, jobs: 20_000 }, small: { people: 200, jobs: 2_000 } },
};

/**
 * People a second that one provisioner drains from the table, relay, queue, Box twin, record and all, over the empty jobs a
 * second that BullMQ alone runs from a queue filled beforehand. In turns; the first round warms up.
 */
async function drain(backend: Backend, bar: number, scale: Scale): Promise<Figure> {
  const { people, jobs } = sizes[backend][scale];
  const stack = await startStack({
    parts: ['box', 'provisioner'],
    redis: backend === 'Redis',
    env: UNLIMITED,
  });
  const crowd = await Crowd.open(stack.databaseUrl);
  const drained: number[] = [];
  const empty: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      await crowd.admit(people);
      const jobsRate = await emptyJobsRate(stack, jobs, CONCURRENCY);
      const { rate } = await crowd.release();
      if (round === 0) continue;
      empty.push(jobsRate);
      drained.push(rate);
    }
  } finally {
    await crowd.close();
    await stack.stop();
  }
  const ratios = drained.map((rate, at) => rate / empty[at]!);
  return atLeast(
    `people drained a second over empty BullMQ jobs a second, on ${backend} (${ROUNDS} rounds of ${grouped(people)} people)`,
    median(ratios),
    bar,
    {
      people: median(drained),
      jobs: median(empty),
      lowestRatio: Math.min(...ratios),
      highestRatio: Math.max(...ratios),
    },
  );
}

export const drainMeasurements: readonly Measurement[] = [
  {
    name: 'drain',
    about:
      'people drained a second over empty BullMQ jobs a second, on PostgreSQL: at least 0.3; and the SQL of one identity',
    async measure(scale, say) {
      const figure = await drain('PostgreSQL', 0.3, scale);
      say('counting the SQL statements of an identity');
      return [{ ...figure, list: await statementsPerIdentity(scale) }];
    },
  },
  {
    name: 'drain-redis',
    about: 'the same on Redis: at least 0.1',
    measure: async (scale) => [await drain('Redis', 0.1, scale)],
  },
];
