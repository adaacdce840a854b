import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { guard } from './guard.ts';
import { freePorts } from './ports.ts';
import { StackProblem } from '../problem.ts';
import { type LogSink, Part } from './process.ts';

export interface RedisServer {
  url: string;
  part: Part;
  stop(): Promise<void>;
}

/** The path of redis-server on this machine; undefined when it is not installed. */
export function findRedisServer(path: string = process.env.PATH ?? ''): string | undefined {
  const candidates = path
    .split(delimiter)
    .flatMap((folder) => [join(folder, 'redis-server'), join(folder, 'valkey-server')]);
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * A real Redis server of its own on 127.0.0.1. Acknowledged writes survive a kill and a restart.
 * @param dataDir kept between runs; when absent, a temporary folder
 * @throws StackProblem when redis-server is not installed or does not start
 */
export async function startRedis(
  options: { dataDir?: string; port?: number; log?: LogSink } = {},
): Promise<RedisServer> {
  const command = findRedisServer();
  if (command === undefined) {
    throw new StackProblem(
      'redis-server was not found',
      'install it (Debian: apt-get install redis-server), or leave Redis out',
    );
  }
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'foyer-redis-')));
  if (options.dataDir === undefined) guard().remove(folder);
  else await mkdir(folder, { recursive: true });
  const port = options.port ?? (await freePorts(1))[0] ?? 0;
  const part = new Part({
    name: 'Redis server',
    command,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    ],
    ready: (line) => (/ready to accept connections/i.test(line) ? line : undefined),
    log: options.log,
  });
  await part.start();
  return {
    url: `redis://127.0.0.1:${port}`,
    part,
    async stop() {
      await part.stop();
      if (options.dataDir !== undefined) return;
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
      guard().keep(folder);
    },
  };
}
