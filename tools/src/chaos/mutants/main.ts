import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { installMutant } from './load.ts';
import { mutants } from './list.ts';
import type { Mutant } from './mutant.ts';

/**
 * Removes one guard after the other and runs schedules until one breaks a promise. Runs from the sources, each guard in
 * a process of its own: `npm run chaos -- --mutants`, see its usage. Exits with 1 when a mutant survived that must be
 * detected.
 */
const { values } = parseArgs({
  options: {
    one: { type: 'string' },
    only: { type: 'string' },
    from: { type: 'string', default: '1' },
    schedules: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '2' },
    server: { type: 'string' },
    template: { type: 'string' },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Found {
  readonly seed: number | null;
  readonly schedules: number;
  readonly violations: readonly string[];
}

/**
 * In this process, with the guard removed before any product code is loaded, or from the database before its first
 * schedule.
 */
async function runOne(mutant: Mutant): Promise<Found> {
  const isLoaded = 'file' in mutant ? installMutant(mutant) : () => true;
  const { Coverage } = await import('../coverage.ts');
  const { openHouse } = await import('../house.ts');
  const { listedBoundaries } = await import('../boundaries/list.ts');
  const { runSchedule } = await import('../schedule.ts');
  if (!isLoaded()) throw new Error(`The source of "${mutant.name}" was not loaded.`);
  const [listed, first, count] = [await listedBoundaries(), Number(values.from), Number(values.schedules)];
  const { server: url, template } = values;
  const house = await openHouse(url && template ? { server: { url, template } } : {});
  try {
    if ('sql' in mutant) await house.admin.query(mutant.sql);
    for (let seed = first; seed < first + count; seed++) {
      const { violations } = await runSchedule(house, seed, { listed, coverage: new Coverage() });
      if (violations.length > 0) return { seed, schedules: seed - first + 1, violations };
    }
    return { seed: null, schedules: count, violations: [] };
  } finally {
    await house.close();
  }
}

/** In another process. */
async function runApart({ name }: Mutant): Promise<Found> {
  const given = [...process.execArgv, import.meta.filename, '--one', name];
  const passed = (['from', 'schedules', 'server', 'template'] as const).flatMap((key) =>
    values[key] === undefined ? [] : [`--${key}`, values[key]],
  );
  const child = spawn(process.execPath, [...given, ...passed], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`The mutant "${name}" could not be run (${status}).`);
  return JSON.parse(said.trim().split('\n').at(-1)!) as Found;
}

async function runAll(chosen: readonly Mutant[]): Promise<number> {
  const left = [...chosen];
  let unnoticed = 0;
  let found = 0;
  const work = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant; mutant = left.shift()) {
      const { seed, schedules, violations } = await runApart(mutant);
      if (seed === null && mutant.unseen === undefined) unnoticed += 1;
      if (seed !== null) found += 1;
      const end = seed === null ? `NOT FOUND in ${schedules}` : `found after ${schedules}, seed ${seed}`;
      say(`${mutant.name}: ${end}${violations[0] === undefined ? '' : `: ${violations[0]}`}`);
      if (seed === null && mutant.unseen !== undefined) say(`  ${mutant.unseen}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  say(`${chosen.length} mutants, ${found} found out, ${unnoticed} that break a promise went unnoticed`);
  return unnoticed === 0 ? 0 : 1;
}

if (values.one !== undefined) {
  say(JSON.stringify(await runOne(mutants.find(({ name }) => name === values.one)!)));
} else {
  const words = values.only?.split(',');
  process.exitCode = await runAll(
    words ? mutants.filter(({ name }) => words.some((word) => name.includes(word))) : mutants,
  );
}
