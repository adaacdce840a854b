import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { openDatabase, openTenant, UsedSignIns, type Database } from '@foyer/persistence';
import { readGatewayConfig } from '@foyer/platform';
import express from 'express';
import type { Server } from 'node:http';
import { Browser } from '../testing/browser.harness.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.harness.ts';
import { Attempts } from './attempts.ts';

const [first, second] = [
  'the-first-secret-of-32-characters-or-more',
  'the-second-secret-of-32-characters-or-more',
];
const attempt = { nonce: 'a nonce', verifier: 'v'.repeat(43), returnTo: '/docs' };

let server: Server;
let browser: Browser;
let attempts: Attempts;

const under = (secrets: string): Attempts =>
  new Attempts(
    readGatewayConfig({
      FOYER_ENV: 'development',
      FOYER_BASE_URL: 'http://localhost:3000',
      DATABASE_URL: 'postgresql://localhost/none',
      OKTA_ISSUER_URI: 'https://example.okta.com',
      OKTA_CLIENT_ID: 'client',
      OKTA_CLIENT_SECRET: 'secret',
      SESSION_SECRET: secrets,
      BOX_CLIENT_ID: 'client',
      BOX_CLIENT_SECRET: 'secret',
      BOX_ENTERPRISE_ID: '1',
    }),
    used,
  );

let used: UsedSignIns;

let stand: TestDatabase;
let database: Database;
beforeAll(async () => {
  stand = await createTestDatabase();
  database = openDatabase({ url: stand.url, poolSize: 4, onError: () => undefined });
  used = new UsedSignIns(database, await openTenant(database, 'default'));
});
afterAll(async () => {
  await database.close();
  await stand.drop();
});
beforeEach(async () => {
  attempts = under(first);
  const app = express()
    .get('/begin', async (req, res) => void res.send(await attempts.begin(req, res, attempt)))
    .get('/take/:state', async (req, res) => void res.json(await attempts.take(req, res, req.params.state)));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  browser = new Browser(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`);
});
afterEach(() => {
  jest.useRealTimers();
  server.closeAllConnections();
  server.close();
});

const begin = async () => (await browser.open('/begin')).text;
const take = async (state: string): Promise<unknown> =>
  JSON.parse((await browser.open(`/take/${state}`)).text);

test('is used once, with the values that it began with', async () => {
  const state = await begin();
  expect(await take(state)).toEqual({ ...attempt, state });
  expect(await take(state)).toBeNull();
});

test('is used once although its cookie was copied, by the first of two gateways', async () => {
  const state = await begin();
  const cookie = await browser.jar.getCookieString(cookieUrl());
  const asThief = async (): Promise<unknown> =>
    (await fetch(new URL(`/take/${state}`, cookieUrl()), { headers: { cookie } })).json();
  const answers = await Promise.all([asThief(), asThief(), take(state), asThief()]);
  expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
  expect(await asThief()).toBeNull();
  // Expired attempts are deleted, because their cookies are refused as too old anyway.
  await database.pool.query(`UPDATE used_sign_in SET expires_at = now() - interval '1 second'`);
  await take(await begin());
  const { rows } = await database.pool.query('SELECT FROM used_sign_in');
  expect(rows).toHaveLength(1);
});

test('shows the browser neither nonce nor verifier', async () => {
  await begin();
  const [cookie] = await browser.cookies('foyer-login-');
  const readable = (cookie?.value ?? '')
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('latin1'));
  expect(readable.join()).not.toMatch(/a nonce|vvvv|docs/);
});

test('cannot be exchanged for another, nor be changed', async () => {
  const [one, two] = [await begin(), await begin()];
  const [cookie] = (await browser.cookies('foyer-login-')).filter(({ key }) => key.endsWith(one));
  await browser.jar.setCookie(`foyer-login-${two}=${cookie?.value}; Path=/`, cookieUrl());
  expect(await take(two)).toBeNull();
  await browser.jar.setCookie(`foyer-login-${one}=${cookie?.value.slice(0, -4)}AAAA; Path=/`, cookieUrl());
  expect(await take(one)).toBeNull();
});

test('lasts ten minutes', async () => {
  const [early, late] = [await begin(), await begin()];
  const begun = Date.now();
  const timers = [
    'nextTick',
    'setImmediate',
    'setInterval',
    'setTimeout',
    'queueMicrotask',
    'performance',
    'hrtime',
  ] as const;
  const clears = ['clearImmediate', 'clearInterval', 'clearTimeout'] as const;
  const cookies = await browser.jar.getCookieString(cookieUrl());
  const asBrowser = async (state: string): Promise<unknown> =>
    (await fetch(new URL(`/take/${state}`, cookieUrl()), { headers: { cookie: cookies } })).json();
  jest.useFakeTimers({ now: begun + 9 * 60_000, doNotFake: [...timers, ...clears] });
  expect(await asBrowser(early)).not.toBeNull();
  jest.setSystemTime(begun + 10 * 60_000 + 2_000);
  expect(await asBrowser(late)).toBeNull();
});

test('remains valid after a change of the secret, while the old one is still listed', async () => {
  const [kept, lost] = [await begin(), await begin()];
  attempts = under(`${second},${first}`);
  expect(await take(kept)).toEqual({ ...attempt, state: kept });
  attempts = under(second);
  expect(await take(lost)).toBeNull();
});

test('ignores cookies that have its prefix but are not attempts', async () => {
  const cookie = Array.from({ length: 6 }, (_, i) => `foyer-login-(${i}=x`).join('; ');
  const ask = (path: string) => fetch(new URL(path, cookieUrl()), { headers: { cookie } });
  expect((await ask('/begin')).status).toBe(200);
  expect(await (await ask('/take/(1')).json()).toBeNull();
});

function cookieUrl(): string {
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}/`;
}
