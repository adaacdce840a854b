import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { signIn } from '../browser.ts';
import { BoxControl, SAMPLE_PASSWORD } from '../twins.ts';
import { findProgram } from './program.harness.ts';
import { until } from './until.harness.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const GATEWAY = 'http://localhost:3000';

const socket = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace(/^unix:\/\//, '');
const hasEngine = existsSync(socket) && findProgram('docker') !== undefined;
/** The plugin where it is, the program of old where not. */
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
});
