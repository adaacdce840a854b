import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { messageOf } from '../problem.ts';
import { BadArguments, readBenchArguments } from './arguments.ts';
import { catalog } from './catalog.ts';
import { measureCosts, type OperationCost } from './costs/costs.ts';
import { type Figure, type Item, type Measurement, type Scale } from './figure.ts';
import { machine } from './machine.ts';

/**
 * `npm run bench`: every figure compares two things of the same run. Prints `name: value (bar)` as they are measured,
 * and writes the results so far to bench.json. `--statements` prints the cost of operations instead. Exits with 1 when a bar is missed or a figure cannot be measured.
 */
const OUT = 'bench.json';

const say = (line: string) => void process.stdout.write(`${line}\n`);

interface Result {
  readonly measurement: string;
  readonly figures: readonly Figure[];
  /** Why it could not be measured. */
  readonly problem?: string;
  readonly seconds: number;
  /** The machine's load in the last minute, at the beginning and at the end. */
  readonly load: readonly [number, number];
}

async function main(): Promise<number> {
  const { chosen, scale, list, statements } = readBenchArguments(process.argv.slice(2), catalog);
  if (list) {
    for (const { name, about } of catalog) say(`${name.padEnd(20)} ${about}`);
    return 0;
  }
  const about = await machine();
  say(
    Object.entries(about)
      .map(([key, value]) => `${key} ${value}`)
      .join(', '),
  );
  if (scale === 'small') say('small sizes: these show that the figures work, and nothing else');
  if (statements) {
    const costs = await measureCosts(scale, showCost);
    await writeFile(OUT, `${JSON.stringify({ machine: about, scale, costs }, null, 2)}\n`);
    say(`written to ${OUT}`);
    return 0;
  }
  const results: Result[] = [];
  for (const measurement of chosen) {
    say(`measuring ${measurement.name}`);
    results.push(await measured(measurement, scale));
    await writeFile(OUT, `${JSON.stringify({ machine: about, scale, results }, null, 2)}\n`);
  }
  say(`written to ${OUT}`);
  return results.every(({ figures, problem }) => problem === undefined && figures.every(({ met }) => met))
    ? 0
    : 1;
}

/** A figure that fails does not stop the others. */
async function measured({ name, measure }: Measurement, scale: Scale): Promise<Result> {
  const [began, loadBefore] = [performance.now(), os.loadavg()[0]!];
  const end = () => ({
    seconds: Math.round((performance.now() - began) / 1000),
    load: [loadBefore, os.loadavg()[0]!] as const,
  });
  try {
    const figures = await measure(scale, (line) => say(`  ${line}`));
    for (const figure of figures) show(figure);
    return { measurement: name, figures, ...end() };
  } catch (error) {
    const problem = messageOf(error);
    say(`${name} could not be measured: ${problem}`);
    return { measurement: name, figures: [], problem, ...end() };
  }
}

function show({ name, value, bar, met, detail, list = [] }: Figure): void {
  say(`${name}: ${value} (${bar})${met ? '' : '  MISSED'}`);
  say(
    `  ${Object.entries(detail)
      .map(([key, number]) => `${key} ${number}`)
      .join(', ')}`,
  );
  showList(list);
}

function showCost({ operation, queue, times, list, ...cost }: OperationCost): void {
  say(`${operation} (${times} times, the queue on ${queue})`);
  say(
    `  ${cost.roundTrips} round trips, ${cost.statements} statements, ${cost.commits} commits, ${cost.walBytes} bytes of WAL, ` +
      `processor time: gateway ${cost.gatewayMs ?? 'unknown'} ms, database ${cost.databaseMs ?? 'unknown'} ms`,
  );
  showList(list);
}

function showList(list: readonly Item[]): void {
  for (const { what, count } of list) say(`  ${String(count).padStart(8)}  ${what}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = error instanceof BadArguments ? 2 : 1;
}
