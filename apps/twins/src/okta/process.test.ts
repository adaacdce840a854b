import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { ConfigError, readOktaTwinConfig } from './config.ts';
import { aString, isRecord, matching } from './okta.harness.ts';

const MAIN = new URL('main.ts', import.meta.url).pathname;

function run(
  env: Record<string, string>,
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  return spawn(process.execPath, [MAIN], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'prints one line of JSON when it listens, and exits cleanly on %s',
    async (signal) => {
      const child = run({ OKTA_TWIN_PORT: '0' });
      const exit = once(child, 'exit');
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      while (!output.includes('\n')) await once(child.stdout, 'data');
      const line: unknown = JSON.parse(output);
      expect(line).toEqual({
        twin: 'okta',
        url: matching(/^http:\/\/127/),
        issuer: aString,
      });
      const url = isRecord(line) ? String(line['url']) : '';
      expect((await fetch(`${url}/.well-known/openid-configuration`)).status).toBe(200);
      child.kill(signal);
      expect(await exit).toEqual([0, null]);
      expect(output.trim().split('\n')).toHaveLength(1);
    },
  );

  it('reports a port in use and exits with 1', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const child = run({ OKTA_TWIN_PORT: port });
    const exit = once(child, 'exit');
    expect(await text(child.stderr)).toMatch(/the port is taken .* set OKTA_TWIN_PORT to a free one/);
    expect(await exit).toEqual([1, null]);
    holder.close();
  });
});

describe('configuration', () => {
  it('has a default for everything', () => {
    expect(readOktaTwinConfig({})).toEqual({
      host: '127.0.0.1',
      port: 4400,
      issuer: undefined,
      webClient: {
        id: 'twin-okta-client',
        secret: 'twin-okta-secret',
        redirectUris: ['http://localhost:3000/authorization-code/callback'],
        postLogoutRedirectUris: ['http://localhost:3000/'],
      },
      serviceClient: { id: 'twin-service-client', secret: 'twin-service-secret' },
      apiAudience: 'api://foyer',
    });
  });

  it('reads lists of addresses', () => {
    const { webClient } = readOktaTwinConfig({
      OKTA_TWIN_REDIRECT_URIS: 'http://a.example.com/cb, https://b.example.com/cb',
    });
    expect(webClient.redirectUris).toEqual(['http://a.example.com/cb', 'https://b.example.com/cb']);
  });

  it.each([
    ['OKTA_TWIN_PORT', 'http'],
    ['OKTA_TWIN_PORT', '70000'],
    ['OKTA_TWIN_ISSUER', 'okta.localhost'],
    ['OKTA_TWIN_ISSUER', 'http://okta.localhost:4400/path'],
    ['OKTA_TWIN_REDIRECT_URIS', 'http://a.example.com/cb,nonsense'],
  ])('reports %s when it is %j', (variable, value) => {
    expect(() => readOktaTwinConfig({ [variable]: value })).toThrow(ConfigError);
    expect(() => readOktaTwinConfig({ [variable]: value })).toThrow(variable);
  });
});
