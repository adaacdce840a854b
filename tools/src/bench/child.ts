import { join } from 'node:path';
import { z } from 'zod';
import { Part } from '../stack/process.ts';
import { provisionerEnvironment } from '../stack/settings.ts';
import { type Stack } from '../stack/stack.ts';

/** A program of the bench, as a process of its own. `start` returns its last line that looks like JSON. */
function program(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  withinMs?: number,
): Part {
  return new Part({
    name: file,
    command: process.execPath,
    args: [join(import.meta.dirname, 'programs', `${file}.js`), ...args],
    cwd: process.cwd(),
    env: { PATH: process.env.PATH ?? '', ...env },
    ready: (line) => (line.startsWith('{') ? line : undefined),
    readyWithinMs: withinMs,
  });
}

/** The empty app with which the first figures compare, not started yet. */
export const emptyApp = (env: Record<string, string>): Part => program('empty-app', [], env);

const EMPTY_LIMIT_MS = 120_000;

const Told = z.object({ seconds: z.number(), cpuMs: z.number(), all: z.number() });

/**
 * BullMQ alone on the stack's queue, with empty jobs. `rate`: jobs a second; `cpuMs`: processor time of its process for
 * `all` jobs, including those that warmed it up.
 */
export async function runEmptyJobs(
  stack: Stack,
  jobs: number,
  concurrency: number,
): Promise<{ rate: number; cpuMs: number; all: number }> {
  const { databaseUrl, redisUrl } = stack;
  const order = JSON.stringify({ databaseUrl, redisUrl, jobs, concurrency });
  const part = program('empty-queue', [order], {}, EMPTY_LIMIT_MS);
  const { seconds, ...told } = Told.parse(JSON.parse(await part.start()));
  await part.stop();
  return { rate: jobs / seconds, ...told };
}

/** More often than in the product, so that each worker's turn pays for its own sealing. */
const SEAL_INTERVAL_MS = '1000';

/** A drain worker of `tenant`, started and ready. `audit`: with the audit log, or without any. */
export async function startDrainWorker(
  stack: Stack,
  tenant: string,
  audit: 'audited' | 'unaudited',
): Promise<Part> {
  const port = Number(new URL(stack.urls.box).port);
  const { databaseUrl, redisUrl } = stack;
  const wiring = {
    ports: { gateway: 0, okta: 0, box: port, provisioners: [] },
    databaseUrl,
    redisUrl,
    sessionSecret: '',
  };
  const part = program('drain-worker', [audit], {
    ...provisionerEnvironment(wiring, 0),
    FOYER_TENANT: tenant,
    SEAL_INTERVAL_MS,
  });
  await part.start();
  return part;
}
