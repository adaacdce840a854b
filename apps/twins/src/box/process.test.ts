import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ConfigError, readConfig, sampleConfig } from './config.ts';
import { object, TwinUnderTest } from './box.harness.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--no-warnings', main], { env: { ...process.env, ...env } });
  const seen = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (seen.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (seen.stderr += String(chunk)));
  return { child, seen, ended: once(child, 'close').then(([code]) => Number(code)) };
}

describe('the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'prints its address in one line, serves, and exits cleanly on %s',
    async (signal) => {
      const { child, seen, ended } = start({ BOX_TWIN_PORT: '0', BOX_TWIN_CLIENT_ID: 'mine' });
      await once(child.stdout, 'data');
      const said = object(JSON.parse(seen.stdout));
      expect(Object.keys(said)).toEqual(['twin', 'url']);
      expect(said.twin).toBe('box');
      expect(said.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const state: unknown = await (await fetch(`${String(said.url)}/_control/state`)).json();
      expect(state).toMatchObject({ apps: [{ clientId: 'mine' }] });
      child.kill(signal);
      expect(await ended).toBe(0);
      expect(seen.stdout.trim().split('\n')).toHaveLength(1);
    },
  );

  it('reports a port in use and a remedy, and exits with 1', async () => {
    const twin = await TwinUnderTest.start();
    const port = new URL(twin.url).port;
    const { seen, ended } = start({ BOX_TWIN_PORT: port });
    expect(await ended).toBe(1);
    expect(seen.stderr).toBe(
      `box twin: port ${port} on 127.0.0.1 is taken. Stop what uses it, or set BOX_TWIN_PORT to another port (0 takes any free one).\n`,
    );
    await twin.close();
  });
});

describe('closing', () => {
  it('frees the port even if calls are still open', async () => {
    const twin = await TwinUnderTest.start();
    await twin.control('POST', 'faults', { kind: 'hang' });
    const hanging = expect(fetch(`${twin.url}/2.0/users`)).rejects.toThrow();
    while ((await twin.calls()).length === 0) continue;
    await twin.close();
    await hanging;
    const again = await TwinUnderTest.start({ port: Number(new URL(twin.url).port) });
    await again.close();
  });
});

describe('the configuration', () => {
  it('has defaults suitable for samples', () => {
    expect(readConfig({})).toEqual(sampleConfig);
  });

  it('treats 0 calls a minute as no limit', () => {
    expect(readConfig({ BOX_TWIN_RATE_LIMIT: '0' }).rateLimitPerMinute).toBeNull();
  });

  it.each([
    ['BOX_TWIN_PORT', '70000'],
    ['BOX_TWIN_PORT', ''],
    ['BOX_TWIN_HOST', ' '],
    ['BOX_TWIN_CLIENT_SECRET', ''],
    ['BOX_TWIN_RATE_LIMIT', 'many'],
    ['BOX_TWIN_PUBLIC_KEY', '/no/such/file.pem'],
    ['BOX_TWIN_PUBLIC_KEY', '-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----'],
  ])('rejects %s=%j, with its name and an example', (name, value) => {
    const read = () => readConfig({ [name]: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(new RegExp(`${name}.*Example: ${name}=`, 's'));
  });
});
