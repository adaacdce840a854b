import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { signIn } from '../demonstration/browser.ts';
import { BoxControl, SAMPLE_PASSWORD } from '../stack/twins.ts';
import { findProgram } from './program.harness.ts';
import { until } from './until.harness.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const GATEWAY = 'http://localhost:3000';

const socket = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');
const hasEngine = existsSync(socket) && findProgram('docker') !== undefined;
/** The compose plugin, or the older program where the plugin is missing. */
const standalone = findProgram('docker-compose');

const files = ['--env-file', 'twins.env', '--profile', 'twins', '--project-name', 'foyer-test'];

async function compose(...args: string[]): Promise<string> {
  const command = standalone ?? 'docker';
  const plugin = standalone === undefined ? ['compose'] : [];
  const { stdout } = await promisify(execFile)(command, [...plugin, ...files, ...args], {
    cwd: ROOT,
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout;
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

  it('signs a first-time person in, and greets them the second time', async () => {
    expect((await signIn(GATEWAY, person)).message).toBe('New user created: Ada Example');
    expect((await signIn(GATEWAY, person)).message).toBe('Hello Ada Example');
  });

  it('makes one Box user of fifty first sign-ins at once, over three provisioners', async () => {
    const grace = { username: 'grace@example.com', password: SAMPLE_PASSWORD };
    const pages = await Promise.all(Array.from({ length: 50 }, () => signIn(GATEWAY, grace)));
    expect(new Set(pages.map(({ boxUserId }) => boxUserId)).size).toBe(1);
    const { users } = await new BoxControl('http://127.0.0.1:4500').state();
    expect(users.filter(({ name }) => name === 'Grace Sample')).toHaveLength(1);
  });

  it('keeps everybody over a restart of all that is ours', async () => {
    await compose('restart', '--timeout', '20', 'postgres', 'redis', 'gateway', 'provisioner');
    const again = await until('signing in works again', async () => {
      const page = await signIn(GATEWAY, person).catch(() => null);
      return page?.message.startsWith('Hello') ? page : null;
    });
    expect(again.message).toBe('Hello Ada Example');
  }, 240_000);

  it('runs as nobody special', async () => {
    expect((await compose('exec', '-T', 'gateway', 'id', '-un')).trim()).toBe('node');
  });

  it('uses the database as a role that is neither superuser nor owner', async () => {
    const sql = `SELECT DISTINCT usename || ' ' || usesuper || ' ' || EXISTS (SELECT FROM pg_class WHERE relowner = usesysid
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

  it('asks for a password at Redis', async () => {
    const answer = await compose('exec', '-T', 'redis', 'env', '-u', 'REDISCLI_AUTH', 'redis-cli', 'ping');
    expect(answer).toContain('NOAUTH');
  });

  it('keeps the stores where only its own programs reach them, without a way out', async () => {
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

  it('is reached from this machine only', async () => {
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
