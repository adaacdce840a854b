import { run } from '../run.ts';
import { Terminal } from '../terminal.ts';
import { commands } from './index.ts';

async function settings(environment: Record<string, string>, ...options: string[]) {
  let [out, err] = ['', ''];
  const terminal = new Terminal({ write: (text) => (out += text) }, { write: (text) => (err += text) });
  const stopping = new AbortController().signal;
  const status = await run({ args: ['settings', ...options], commands, terminal, stopping, environment });
  return { status, out, err };
}

const good = {
  FOYER_ENV: 'development',
  DATABASE_URL: 'postgresql://foyer@localhost/foyer',
  FOYER_BASE_URL: 'http://localhost:3000',
  OKTA_ISSUER_URI: 'http://localhost:4400',
  OKTA_CLIENT_ID: 'client',
  OKTA_CLIENT_SECRET: 'secret',
  SESSION_SECRET: 'sample-only-sample-only-sample-only-sample-only',
  BOX_CLIENT_ID: 'id',
  BOX_CLIENT_SECRET: 'secret',
  BOX_ENTERPRISE_ID: '123',
};

it('ends with 0 when every variable is valid', async () => {
  expect(await settings(good)).toEqual({
    status: 0,
    out: 'Every variable is set and well-formed.\n',
    err: '',
  });
});

it('reports the errors of all programs at once, and ends with 1', async () => {
  const { status, out } = await settings({ ...good, OKTA_CLIENT_ID: '', PROVISIONER_CONCURRENCY: 'many' });
  expect(status).toBe(1);
  expect(out).toMatch(/^The configuration is not complete:\n {2}OKTA_CLIENT_ID is missing\. Example: /);
  expect(out).toMatch(/^ {2}PROVISIONER_CONCURRENCY must be a whole number from 1 to 100\./m);
});

it('checks what only docker-compose.yml needs when requested', async () => {
  const { status, out } = await settings(good, '--compose', '--json');
  expect(status).toBe(1);
  expect((JSON.parse(out) as string[]).map((fault) => fault.split(' ')[0])).toEqual([
    'POSTGRES_PASSWORD',
    'APP_DATABASE_PASSWORD',
    'REDIS_PASSWORD',
  ]);
});
