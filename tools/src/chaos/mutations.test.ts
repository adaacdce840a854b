import { Coverage } from './coverage.ts';
import { openHouse } from './house.ts';
import {
  withoutDoubt,
  withoutFence,
  withoutIntentFirst,
  withoutLookUp,
  withoutUniqueIdentity,
  type Mutation,
} from './mutations.harness.ts';
import { runSchedule, type Outcome } from './schedule.ts';

const server = { url: process.env.FOYER_TEST_POSTGRES_URL ?? '', template: 'foyer_template' };

/** Runs schedules from a seed on until one breaks a promise. Gives that one, or null when none of `tries` does. */
async function firstBroken(
  target: string,
  from: number,
  tries: number,
  mutation?: Mutation,
): Promise<Outcome | null> {
  const house = await openHouse({ server, ...mutation?.house });
  try {
    for (let seed = from; seed < from + tries; seed++) {
      const outcome = await runSchedule(house, seed, { listed: [target], coverage: new Coverage() });
      if (outcome.violations.length > 0) return outcome;
    }
    return null;
  } finally {
    await house.close();
  }
}

/** When the product awaits something new, a seed is another schedule: so many more are tried before the guard counts as idle. */
const TRIES = 200;
const LONG_MS = 600_000;

/**
 * A guard, the seed that misses it when it is broken, where that seed's kill is aimed at, and what is then said. The aim is
 * fixed: a change of the listed boundaries must not make other schedules of the seeds.
 */
const guards: [string, number, string, () => Mutation, RegExp][] = [
  [
    'the unique constraint on identities',
    5,
    'gateway waits for a visit',
    withoutUniqueIdentity,
    /is \d identities/,
  ],
  ['the fencing check', 96, 'http POST /2.0/users after', withoutFence, /without the lease/],
  [
    'the look-up before a create is sent again',
    1,
    'http POST /2.0/users after',
    withoutLookUp,
    /sent again without asking Box first/,
  ],
  [
    'the doubt after an update without an answer',
    1,
    'http PUT /2.0/users/:id after',
    withoutDoubt,
    /is called/,
  ],
  [
    'the intent before the call',
    1,
    'http POST /2.0/users before',
    withoutIntentFirst,
    /sent POST \/2.0\/users without an intent/,
  ],
];

it.each(guards)(
  'breaking %s is found out, by seed %i, which keeps every promise otherwise',
  async (_guard, seed, target, breaking, words) => {
    const mutation = breaking();
    const broken = await firstBroken(target, seed, TRIES, mutation);
    // A mutation that found nothing to change would prove nothing.
    expect(mutation.matches()).toBeGreaterThan(0);
    expect(broken?.violations.join('; ')).toMatch(words);
    if (broken!.seed !== seed)
      process.stderr.write(`seed ${seed} misses it no longer; ${broken!.seed} does\n`);
    expect(await firstBroken(target, broken!.seed, 1)).toBeNull();
  },
  LONG_MS,
);
