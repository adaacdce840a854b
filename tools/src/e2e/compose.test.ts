import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signIn } from '../demonstration/browser.ts';
import { BoxControl, SAMPLE_PASSWORD } from '../stack/twins.ts';
import { findProgram } from './program.harness.ts';
import { until } from '@foyer/testing';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const GATEWAY = 'http://localhost:3000';

const socket = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');
/** The compose plugin, or the older program where the plugin is missing; either needs an engine. */
const standalone = findProgram('docker-compose');
const hasEngine = existsSync(socket) && (standalone !== undefined || findProgram('docker') !== undefined);

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs compose with an env file, in a project of its own. */
function composeWith(envFile: string, project: string, ...args: string[]): Promise<Ran> {
  const command = standalone ?? 'docker';
  const plugin = standalone === undefined ? ['compose'] : [];
  const files = ['--env-file', envFile, '--profile', 'twins', '--project-name', project];
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...plugin, ...files, ...args],
      { cwd: ROOT, maxBuffer: 64 * 2 ** 20 },
      (_error, out, err) => resolve({ status: child.exitCode ?? -1, out, err }),
    );
  });
}

/** The stack under test; the standard output. Rejects when compose fails. */
async function compose(...args: string[]): Promise<string> {
  const { status, out, err } = await composeWith('twins.env', 'foyer-test', ...args);
  if (status !== 0) throw new Error(`compose ${args[0]} ended with ${status}: ${err}`);
  return out;
}

(hasEngine ? describe : describe.skip)('docker compose up [needs Docker]', () => {
  const person = { username: 'ada@example.com', password: SAMPLE_PASSWORD };

  beforeAll(async () => {
    await compose('up', '--detach', '--build', '--scale', 'provisioner=3');
    await until(
      'the gateway is ready',
      async () => {
        const response = await fetch(`${GATEWAY}/readyz`).catch(() => null);
        return response?.ok ? true : null;
      },
      180_000,
    );
  }, 900_000);
  afterAll(() => compose('down', '--volumes', '--timeout', '20'), 120_000);

  it('signs a new person in, and greets them the second time', async () => {
    expect((await signIn(GATEWAY, person)).message).toBe('New user created: Ada Example');
    expect((await signIn(GATEWAY, person)).message).toBe('Hello Ada Example');
  });

  it('creates one Box user for fifty first sign-ins at once, with three provisioners', async () => {
    const grace = { username: 'grace@example.com', password: SAMPLE_PASSWORD };
    const pages = await Promise.all(Array.from({ length: 50 }, () => signIn(GATEWAY, grace)));
    expect(new Set(pages.map(({ boxUserId }) => boxUserId)).size).toBe(1);
    const { users } = await new BoxControl('http://127.0.0.1:4500').state();
    expect(users.filter(({ name }) => name === 'Grace Sample')).toHaveLength(1);
  });

  it('keeps all people after a restart of all programs of Foyer', async () => {
    await compose('restart', '--timeout', '20', 'postgres', 'redis', 'gateway', 'provisioner');
    const again = await until('signing in works again', async () => {
      const page = await signIn(GATEWAY, person).catch(() => null);
      return page?.message.startsWith('Hello') ? page : null;
    });
    expect(again.message).toBe('Hello Ada Example');
  }, 240_000);

  it('runs as an unprivileged user', async () => {
    expect((await compose('exec', '-T', 'gateway', 'id', '-un')).trim()).toBe('node');
  });

  it('uses the database as a role that is neither superuser nor owner', async () => {
    const sql = `SELECT DISTINCT usename || ' ' || usesuper || ' ' || EXISTS (SELECT FROM pg_class WHERE relowner = pg_user.usesysid
      AND relnamespace = 'public'::regnamespace) FROM pg_stat_activity JOIN pg_user USING (usename)
      WHERE application_name LIKE 'foyer%'`;
    expect((await inPostgres('foyer', sql)).trim()).toBe('foyer_app false false');
    await expect(inPostgres('foyer_app', 'DELETE FROM api_call')).rejects.toThrow('permission denied');
  });

  it.each(['postgres', 'redis', 'gateway', 'provisioner'])(
    'gives %s no new privileges, and limits',
    async (service) => {
      const status = await compose('exec', '-T', service, 'cat', '/proc/1/status');
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      const mayStepDown = ['postgres', 'redis'].includes(service);
      // CHOWN, DAC_OVERRIDE, FOWNER, SETGID and SETUID are bits 0, 1, 3, 6 and 7.
      expect(status).toMatch(mayStepDown ? /^CapBnd:\t00000000000000cb$/m : /^CapBnd:\t0{16}$/m);
      const limits = await compose('exec', '-T', service, 'sh', '-c', READ_LIMITS);
      expect(limits.split(/\s+/).filter((limit) => /^\d{1,12}$/.test(limit))).toHaveLength(2);
    },
  );

  it('requires a password for Redis', async () => {
    const answer = await compose('exec', '-T', 'redis', 'env', '-u', 'REDISCLI_AUTH', 'redis-cli', 'ping');
    expect(answer).toContain('NOAUTH');
  });

  it('keeps the stores in a network that only its own programs reach, without access to the outside', async () => {
    const reach = `require('node:net').connect(5432, 'postgres').on('connect', () => console.log('reached'))
      .on('error', (error) => console.log(error.code)); setTimeout(() => process.exit(), 5000).unref()`;
    expect(
      await compose(
        'exec',
        '-T',
        'gateway',
        'node',
        '-e',
        `${reach}; setTimeout(() => process.exit(), 2000)`,
      ),
    ).toContain('reached');
    expect(await compose('exec', '-T', 'okta-twin', 'node', '-e', reach)).not.toContain('reached');
    for (const store of ['postgres', 'redis']) {
      const routes = await compose('exec', '-T', store, 'cat', '/proc/net/route');
      expect(routes.split('\n').filter((route) => route.split('\t')[1] === '00000000')).toEqual([]);
    }
  });

  it('writes no secret into its logs', async () => {
    const logs = await compose('logs', '--no-color');
    expect(logs).toContain('listening');
    for (const secret of [
      'twin-okta-secret',
      'twin-box-secret',
      'sample-only',
      'sampleonly',
      SAMPLE_PASSWORD,
    ])
      expect(logs).not.toContain(secret);
  });

  it('is reachable from this machine only', async () => {
    expect((await compose('port', 'gateway', '3000')).trim()).toBe('127.0.0.1:3000');
  });

  it('has neither Prisma’s tools nor a compiler in its image', async () => {
    const packages = (
      await compose('exec', '-T', 'gateway', 'ls', 'node_modules', 'node_modules/@prisma')
    ).split(/\s+/);
    expect(packages).toContain('client');
    for (const tool of ['prisma', 'studio-core', 'react', 'react-dom', 'typescript', 'effect', 'engines'])
      expect(packages).not.toContain(tool);
  });
});

(hasEngine ? describe : describe.skip)('docker compose with wrong variables [needs Docker]', () => {
  const PROJECT = 'foyer-wrong';
  let folder = '';
  let envFile = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'foyer-compose-'));
    envFile = join(folder, 'wrong.env');
    await writeFile(envFile, 'FOYER_BASE_URL=http://localhost:3000\nTRUST_PROXY=yes\nREDIS_PASSWORD=p@ss\n');
  });
  afterAll(async () => {
    await composeWith(envFile, PROJECT, 'down', '--volumes', '--timeout', '20');
    await rm(folder, { recursive: true });
  }, 120_000);

  it('names all of them at once', async () => {
    const { status, out, err } = await composeWith(envFile, PROJECT, 'run', '--rm', 'settings');
    expect(status).toBe(1);
    const named = [
      'APP_DATABASE_PASSWORD is missing',
      'BOX_CLIENT_SECRET is missing',
      'FOYER_BASE_URL must begin with https://',
      'OKTA_ISSUER_URI is missing',
      'POSTGRES_PASSWORD is missing',
      'REDIS_PASSWORD must be',
      'SESSION_SECRET is missing',
      'TRUST_PROXY must be',
    ];
    expect(named.filter((fault) => !`${out}${err}`.includes(fault))).toEqual([]);
    expect(`${out}${err}`).not.toContain('p@ss');
  }, 300_000);

  it('starts nothing', async () => {
    expect((await composeWith(envFile, PROJECT, 'up', '--detach')).status).not.toBe(0);
    expect((await composeWith(envFile, PROJECT, 'logs', 'settings')).out).toContain('TRUST_PROXY must be');
    for (const service of ['postgres', 'redis', 'gateway', 'provisioner'])
      expect((await composeWith(envFile, PROJECT, 'exec', '-T', service, 'true')).status).not.toBe(0);
  }, 300_000);
});

/** The limits of memory and processes, from cgroup v2 or v1. */
const READ_LIMITS =
  'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max 2>/dev/null || ' +
  'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max';

const inPostgres = (user: string, sql: string): Promise<string> =>
  compose(
    'exec',
    '-T',
    'postgres',
    'psql',
    '-h',
    '/var/run/postgresql',
    '-U',
    user,
    '-d',
    'foyer',
    '-tAc',
    sql,
  );
