import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { QueueOptions } from './options.ts';

/** A real server for one test, which may stop and start it. */
export interface Server {
  readonly address: Pick<QueueOptions, 'redisUrl' | 'databaseUrl'>;
  start(): Promise<void>;
  /** Stops it in an orderly way: acknowledged data exists after the next start. */
  stop(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

/** The first redis-server or valkey-server on the PATH. */
export function findRedis(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['redis-server', 'valkey-server']
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

const lineFrom = async (child: ChildProcess, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', () => reject(new Error(`Ended before "${text}":\n${seen}`)));
  });

/** Redis on a free port that writes each command to its log before it answers. */
export async function redisServer(binary: string): Promise<Server> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'foyer-redis-'));
  const flags = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
  ];
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running) return;
    const exit = once(running, 'exit');
    running.kill('SIGTERM');
    await exit;
  };
  return {
    address: { redisUrl: `redis://127.0.0.1:${port}`, databaseUrl: 'postgres://nobody@127.0.0.1:1/none' },
    start: async () => {
      child = spawn(binary, [...flags, '--appendfsync', 'always'], { stdio: ['ignore', 'pipe', 'inherit'] });
      await lineFrom(child, 'Ready to accept connections');
    },
    stop,
    remove: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface PostgresPrograms {
  readonly postgres: string;
  readonly initdb: string;
  /** The user that the servers run as when the tests run as root. */
  readonly uid?: number;
  readonly gid?: number;
}

function postgresPrograms(): PostgresPrograms {
  const given = process.env['FOYER_TEST_POSTGRES_PROGRAMS'];
  if (!given) throw new Error('FOYER_TEST_POSTGRES_PROGRAMS is not set: run the tests through `npm test`.');
  return JSON.parse(given) as PostgresPrograms;
}

/** PostgreSQL on a free port, with the superuser `postgres`. */
export async function postgresServer(): Promise<Server> {
  const { postgres, initdb, uid, gid } = postgresPrograms();
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'foyer-pg-'));
  const data = join(folder, 'data');
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
  await promisify(execFile)(initdb, ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync'], {
    uid,
    gid,
  });
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (!running) return;
    const exit = once(running, 'exit');
    running.kill('SIGINT');
    await exit;
  };
  return {
    address: { databaseUrl: `postgres://postgres:secret-of-the-server@127.0.0.1:${port}/postgres` },
    start: async () => {
      const flags = [
        '-D',
        data,
        '-p',
        `${port}`,
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        `unix_socket_directories=${folder}`,
      ];
      child = spawn(postgres, flags, { uid, gid, stdio: ['ignore', 'ignore', 'pipe'] });
      await lineFrom(child, 'ready to accept connections');
    },
    stop,
    remove: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
