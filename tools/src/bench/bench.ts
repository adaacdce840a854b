import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Part } from '../process.ts';
import { startStack } from '../stack.ts';
import {
  boxCalls,
  callbackToMapping,
  returningCallback,
  statusPoll,
  type Bench,
  type Figure,
} from './figures.ts';

/**
 * `npm run bench`: every figure compares two things of the same run. Prints `name: value (bar)` and writes them all to
 * bench.json. Exits with 1 when a bar is missed.
 */
const OUT = 'bench.json';

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const stack = await startStack({
    env: {
      gateway: { SIGN_IN_LIMIT_PER_MINUTE: '100000' },
    },
    onProgress: say,
  });
  const database = new pg.Client(stack.databaseUrl);
  await database.connect();
  const issuer = `${stack.urls.okta}/oauth2/default`;
  const emptyApp = new Part({
    name: 'empty app',
    command: process.execPath,
    args: [join(import.meta.dirname, 'empty-app.js')],
    cwd: process.cwd(),
    env: {
      PATH: process.env.PATH ?? '',
      DATABASE_URL: stack.databaseUrl,
      JWKS_URL: `${issuer}/v1/keys`,
      ISSUER: issuer,
      AUDIENCE: 'api://foyer',
    },
    ready: (line) => (line.startsWith('{') ? (JSON.parse(line) as { url: string }).url : undefined),
  });
  try {
    const bench: Bench = { stack, database, empty: await emptyApp.start() };
    const figures: Figure[] = [];
    for (const measure of [boxCalls, callbackToMapping, returningCallback, statusPoll]) {
      say(`measuring ${measure.name}`);
      const measured = await measure(bench);
      figures.push(...(Array.isArray(measured) ? measured : [measured]));
    }
    await report(figures, database);
    return figures.every(({ met }) => met) ? 0 : 1;
  } finally {
    await database.end();
    await emptyApp.stop();
    await stack.stop();
  }
}

async function report(figures: readonly Figure[], database: pg.Client): Promise<void> {
  const { rows } = await database.query<{ server_version: string }>('SHOW server_version');
  const machine = {
    node: process.version,
    postgres: rows[0]!.server_version,
    cpus: `${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    platform: `${os.platform()} ${os.release()}`,
  };
  say(
    `\n${Object.entries(machine)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')}`,
  );
  for (const { name, value, bar, met } of figures) say(`${name}: ${value} (${bar})${met ? '' : '  MISSED'}`);
  await writeFile(OUT, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
  say(`written to ${OUT}`);
}

process.exitCode = await main();
