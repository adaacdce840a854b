import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';
import { postgresPrograms, serverOwner } from '../stack/postgres-files.ts';
import { findRedisServer } from '../stack/redis.ts';

const run = promisify(execFile);

/** The machine of the measurements and the versions of the software. */
export async function machine(): Promise<Record<string, string | number>> {
  const { postgres } = await postgresPrograms(await serverOwner());
  const redis = findRedisServer();
  return {
    node: process.version,
    postgres: await versionOf(postgres),
    redis: redis === undefined ? 'none' : await versionOf(redis),
    bullmq: await packageVersion('bullmq'),
    pg: await packageVersion('pg'),
    cpus: `${os.cpus().length} x ${os.cpus()[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    platform: `${os.platform()} ${os.release()}`,
  };
}

/** The first dotted number in a program's version output. */
async function versionOf(program: string): Promise<string> {
  const { stdout } = await run(program, ['--version']);
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'unknown';
}

async function packageVersion(name: string): Promise<string> {
  const file = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return z.object({ version: z.string() }).parse(JSON.parse(await readFile(file, 'utf8'))).version;
}
