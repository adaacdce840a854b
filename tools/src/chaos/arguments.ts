import { parseArgs } from 'node:util';

export const USAGE = `Simulates crashes at every boundary of the converge loop, each schedule from a seed.
  npm run chaos                      100 schedules from a seed that is printed
  npm run chaos -- --schedules 2000  as many as that; from 1000 on, each listed boundary must be met by a kill
  npm run chaos -- --from 1          from that seed on
  npm run chaos -- --seed 42         replays one schedule and prints each step
  npm run chaos -- --seed 42 --kill-at BOUNDARY  the same, with a kill where that boundary is first reached
  npm run chaos -- --mutants         takes one guard after the other away, and says which schedule finds it out
  npm run chaos -- --mutants --only lease,plan --jobs 2   those with such names, two at a time
  npm run chaos -- --list            prints the boundaries
  npm run chaos -- --update          writes down the boundaries that it meets, in tools/chaos/boundaries.txt`;

export interface ChaosArguments {
  readonly seed: number | null;
  readonly from: number | null;
  readonly killAt: string | null;
  readonly schedules: number;
  readonly list: boolean;
  readonly update: boolean;
  readonly help: boolean;
}

const MOST_SCHEDULES = 1_000_000;
const MOST_SEED = 2 ** 31 - 1;
const SCHEDULES = 100;
const UPDATE_SCHEDULES = 600;

/** Throws TypeError, with one sentence, for an argument that is not known. */
export function readArguments(args: readonly string[]): ChaosArguments {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: text,
      'kill-at': text,
      from: text,
      schedules: text,
      list: flag,
      update: flag,
      help: flag,
    },
  });
  const { list, update, help } = values;
  const seed = whole('--seed', values.seed, 0, MOST_SEED);
  const from = whole('--from', values.from, 0, MOST_SEED - MOST_SCHEDULES);
  const schedules = whole('--schedules', values.schedules, 1, MOST_SCHEDULES);
  if (seed !== null && (from !== null || schedules !== null || update)) {
    throw new TypeError(
      '--seed replays one schedule, so it does not go with --from, --schedules or --update.',
    );
  }
  const killAt = values['kill-at'] ?? null;
  if (killAt !== null && seed === null)
    throw new TypeError('--kill-at adds a kill to one schedule: name it with --seed.');
  return {
    seed,
    killAt,
    from,
    schedules: schedules ?? (update ? UPDATE_SCHEDULES : SCHEDULES),
    list,
    update,
    help,
  };
}

function whole(name: string, given: string | undefined, least: number, most: number): number | null {
  if (given === undefined) return null;
  const value = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new TypeError(`${name} is "${given}", but must be a whole number from ${least} to ${most}.`);
}
