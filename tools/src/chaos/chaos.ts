import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { messageOf } from '../problem.ts';
import { readArguments, USAGE, type ChaosArguments } from './arguments.ts';
import { gaps, listedBoundaries, writeBoundaries } from './boundaries/list.ts';
import { Coverage } from './coverage.ts';
import { openHouse, type OpenHouse } from './house.ts';
import { runSchedule, type Outcome } from './schedule.ts';

/**
 * `npm run chaos`; see USAGE. Exits with 0 when all is well, with 1 when a promise is broken or a boundary is missed,
 * with 2 for invalid arguments.
 */

const say = (line = ''): void => void process.stdout.write(`${line}\n`);
const LONG_RUN = 1_000;
const TELL_EVERY = 100;
const MOST_BROKEN = 5;
const LARGEST_BASE = 1_000_000_000;

/** Prints which schedule broke which promise, and how to run it again. */
function tellBroken({ seed, violations }: Outcome, killAt: string | null = null): void {
  const also = killAt === null ? '' : ` --kill-at '${killAt}'`;
  say(`seed ${seed} BROKEN; again with: npm run chaos -- --seed ${seed}${also}`);
  for (const violation of violations) say(`  ${violation}`);
}

async function replay(
  house: OpenHouse,
  seed: number,
  killAt: string | null,
  listed: readonly string[],
): Promise<number> {
  const outcome = await runSchedule(house, seed, { listed, coverage: new Coverage(), killAt });
  for (const line of outcome.trace) say(line);
  if (outcome.violations.length === 0) say(`seed ${seed}: ${outcome.trace.length} steps, every promise kept`);
  else tellBroken(outcome, killAt);
  return outcome.violations.length === 0 ? 0 : 1;
}

async function runMany(
  house: OpenHouse,
  { from, schedules, update }: ChaosArguments,
  listed: readonly string[],
) {
  const base = from ?? Math.floor(Math.random() * LARGEST_BASE);
  say(
    `${schedules} schedules from seed ${base}; the same again with --from ${base} --schedules ${schedules}`,
  );
  const coverage = new Coverage();
  const broken: Outcome[] = [];
  const begun = process.hrtime.bigint();
  let ran = 0;
  while (ran < schedules && broken.length < MOST_BROKEN) {
    coverage.seed = base + ran;
    const outcome = await runSchedule(house, coverage.seed, { listed, coverage });
    ran += 1;
    if (outcome.violations.length > 0) {
      broken.push(outcome);
      // A schedule that real time had part in does not break again, so its steps would be lost.
      for (const line of outcome.trace) say(line);
      tellBroken(outcome);
    }
    if (ran % TELL_EVERY === 0) say(`  ${ran} of ${schedules}, ${broken.length} broken`);
  }
  if (ran >= LONG_RUN && broken.length === 0) broken.push(...(await aimAtRest(house, listed, coverage)));
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  say(`${ran} schedules in ${seconds.toFixed(0)} s, ${broken.length} broken`);
  const isCovered = tellCoverage(coverage, listed, ran >= LONG_RUN);
  if (update) {
    await writeBoundaries([...coverage.boundaries.keys()].toSorted());
    say('tools/chaos/boundaries.txt is written');
  }
  return broken.length === 0 && (isCovered || update) ? 0 : 1;
}

/**
 * Runs more schedules for the boundaries that no kill reached: each gets a kill in a schedule that reached it. With the
 * kill chosen in advance a schedule takes another course, so several are tried. Returns the schedules that broke a
 * promise.
 */
async function aimAtRest(
  house: OpenHouse,
  listed: readonly string[],
  coverage: Coverage,
): Promise<Outcome[]> {
  const { unlisted, unmet } = gaps(listed, coverage);
  const broken: Outcome[] = [];
  let aimed = 0;
  for (const boundary of [...unlisted, ...unmet]) {
    const reached = coverage.boundaries.get(boundary);
    if (!reached || reached.killed > 0) continue;
    for (const seed of [...reached.seeds]) {
      aimed += 1;
      coverage.seed = seed;
      const outcome = await runSchedule(house, seed, { listed, coverage, killAt: boundary });
      if (outcome.violations.length > 0) {
        broken.push(outcome);
        tellBroken(outcome, boundary);
      }
      if (reached.killed > 0 || broken.length >= MOST_BROKEN) break;
    }
  }
  say(`${aimed} more, each with a kill at a boundary that none had met, ${broken.length} broken`);
  return broken;
}

/**
 * Prints the faults and where they happened. Returns whether every boundary was covered; a short run need not cover
 * them.
 */
function tellCoverage(coverage: Coverage, listed: readonly string[], isLong: boolean): boolean {
  const faults = [...coverage.faults].toSorted(([, one], [, other]) => other - one);
  const total = faults.reduce((sum, [, count]) => sum + count, 0);
  say(`${total} faults: ${faults.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
  const { unlisted, unmet } = gaps(listed, coverage);
  const met = listed.length - unmet.length;
  say(
    `boundaries: ${listed.length} listed, ${coverage.boundaries.size} reached, ${met} listed ones met by a kill`,
  );
  for (const boundary of unlisted) say(`  not listed: ${boundary}`);
  if (isLong) for (const boundary of unmet) say(`  met by no kill: ${boundary}`);
  if (unlisted.length > 0) say('  write them down with: npm run chaos -- --update');
  return unlisted.length === 0 && (!isLong || unmet.length === 0);
}

const MUTANTS = join(import.meta.dirname, '..', '..', 'src', 'chaos', 'mutants', 'main.ts');

/** Runs from the sources, in a process that loads no product code before a guard is removed. */
async function runMutants(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--conditions', '@foyer/source', MUTANTS, ...args], {
    stdio: 'inherit',
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  return status ?? 1;
}

async function main(): Promise<number> {
  const [first, ...rest] = process.argv.slice(2);
  if (first === '--mutants') return runMutants(rest);
  let given: ChaosArguments;
  try {
    given = readArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${USAGE}\n`);
    return 2;
  }
  if (given.help) return (say(USAGE), 0);
  const listed = await listedBoundaries();
  if (given.list) return (say(listed.join('\n')), 0);
  const house = await openHouse();
  try {
    return given.seed === null
      ? await runMany(house, given, listed)
      : await replay(house, given.seed, given.killAt, listed);
  } finally {
    await house.close();
  }
}

process.exitCode = await main();
