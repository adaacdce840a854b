import { type Stack, startStack } from '../../stack/stack.ts';
import { runEmptyJobs } from '../child.ts';
import { cpuMs } from '../cpu.ts';
import { Crowd } from '../crowd.ts';
import { atLeast, type Figure, grouped, type Measurement, type Scale } from '../figure.ts';
import { median } from '../measure.ts';
import { statementsPerIdentity } from '../statements.ts';
import { UNLIMITED } from '../unlimited.ts';

type Backend = 'PostgreSQL' | 'Redis';

/** The provisioner's own default, for both sides. */
const CONCURRENCY = 10;
const ROUNDS = 5;
const sizes: Record<Backend, Record<Scale, { people: number; jobs: number }>> = {
  PostgreSQL: { full: { people: 2_000, jobs: 5_000 }, small: { people: 200, jobs: 500 } },
  Redis: { full: { people: 2_000, jobs: 20_000 }, small: { people: 200, jobs: 2_000 } },
};

/**
 * People a second that one provisioner drains from the table, with relay, queue, Box twin and records, compared with
 * the empty jobs a second that BullMQ alone runs from a queue filled beforehand. They take turns, and the first round
 * warms up. The processor time of each is reported, too: on a shared machine it says more than elapsed time.
 */
async function drain(backend: Backend, bar: number, scale: Scale): Promise<Figure> {
  const { people, jobs } = sizes[backend][scale];
  const stack = await startStack({
    parts: ['box', 'provisioner'],
    redis: backend === 'Redis',
    env: UNLIMITED,
  });
  const crowd = await Crowd.open(stack.databaseUrl);
  const rounds: Round[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      await crowd.admit(people);
      rounds.push(await measureRound(stack, crowd, jobs));
    }
  } finally {
    await crowd.close();
    await stack.stop();
  }
  return judge(
    rounds.slice(1),
    `people drained a second over empty BullMQ jobs a second, on ${backend} (${ROUNDS} rounds of ${grouped(people)} people)`,
    bar,
  );
}

/** People and empty jobs a second; milliseconds of processor time of one of either, all programs together. */
interface Round {
  readonly people: number;
  readonly jobs: number;
  readonly personCpuMs: number | null;
  readonly jobCpuMs: number | null;
}

async function measureRound(stack: Stack, crowd: Crowd, jobs: number): Promise<Round> {
  const { postgres, redis, box, provisioners } = stack.parts;
  const servers = [postgres, redis];
  const programs = [...servers, box, ...provisioners];
  const before = await cpuMs(servers);
  const empty = await runEmptyJobs(stack, jobs, CONCURRENCY);
  const between = await cpuMs(servers);
  const people = await crowd.letGo();
  const began = await cpuMs(programs);
  const { rate } = await crowd.done(people);
  const ended = await cpuMs(programs);
  return {
    people: rate,
    jobs: empty.rate,
    personCpuMs: ended === null || began === null ? null : (ended - began) / people.length,
    jobCpuMs: between === null || before === null ? null : (between - before + empty.cpuMs) / empty.all,
  };
}

function judge(rounds: readonly Round[], name: string, bar: number): Figure {
  const ratios = rounds.map(({ people, jobs }) => people / jobs);
  const personCpuMs = median(rounds.flatMap((round) => round.personCpuMs ?? []));
  const jobCpuMs = median(rounds.flatMap((round) => round.jobCpuMs ?? []));
  return atLeast(name, median(ratios), bar, {
    people: median(rounds.map(({ people }) => people)),
    jobs: median(rounds.map(({ jobs }) => jobs)),
    lowestRatio: Math.min(...ratios),
    highestRatio: Math.max(...ratios),
    ...(Number.isFinite(personCpuMs) && { personCpuMs, jobCpuMs, cpuRatio: jobCpuMs / personCpuMs }),
  });
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
