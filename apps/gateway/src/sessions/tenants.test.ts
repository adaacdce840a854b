import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';
import { tenantCookies } from './tenant-cookies.ts';

/** Two tenants with one database and one SESSION_SECRET, each with its own Okta. */
let here: TestGateway;
let there: TestGateway;
let ada: Browser;

beforeAll(async () => {
  here = await startGateway();
  there = await startGateway({
    env: { FOYER_TENANT: 'acme', DATABASE_URL: here.env['DATABASE_URL'] ?? '' },
  });
  ada = here.browser();
  await ada.signIn('ada@example.com');
});
afterAll(async () => {
  await there.close();
  await here.close();
});

const valueOf = async (name: string): Promise<string> =>
  (await ada.cookies(name)).find(({ key }) => key === name)?.value ?? '';
const ask = (gateway: TestGateway, path: string, cookie: string, method = 'GET'): Promise<Response> =>
  fetch(gateway.url + path, { method, redirect: 'manual', headers: { cookie, accept: 'text/html' } });
const isSignedInHere = async (): Promise<boolean> =>
  (await ask(here, '/v1/me', `foyer=${await valueOf('foyer')}`)).status === 200;

/**
 * The session's id, signed with the other tenant's key: only its gateway can do that, and even then it must be invalid.
 */
async function signedThere(): Promise<string> {
  const sid =
    decodeURIComponent(await valueOf('foyer'))
      .slice(2)
      .split('.', 1)[0] ?? '';
  const [key = Buffer.of()] = tenantCookies(there.context.config).keys('session');
  const signature = createHmac('sha256', key.toString('base64url')).update(sid).digest('base64');
  return encodeURIComponent(`s:${sid}.${signature.replace(/=+$/, '')}`);
}

describe('a cookie of one tenant is not valid at another', () => {
  test('names differ, because browsers do not distinguish the ports of a host', () => {
    const [one, other] = [here, there].map(({ context }) => tenantCookies(context.config));
    expect([one?.name('foyer'), other?.name('foyer')]).toEqual(['foyer', 'foyer.acme']);
    expect(other?.name('foyer-login')).toBe('foyer-login.acme');
    for (const use of ['session', 'attempt'] as const) expect(one?.keys(use)).not.toEqual(other?.keys(use));
  });

  test.each(['as it is', 'under the name there', 'signed by the key there'])('%s', async (how) => {
    const value = how === 'signed by the key there' ? await signedThere() : await valueOf('foyer');
    const cookie = how === 'as it is' ? `foyer=${value}` : `foyer.acme=${value}`;
    expect((await ask(there, '/v1/me', cookie)).status).toBe(401);
    expect(await (await ask(there, '/', cookie)).text()).toContain('href="/login"');
    // Without a session there is nothing to end, and no ID token to send.
    const out = await ask(there, '/logout', cookie, 'POST');
    expect(out.headers.get('location') ?? '').not.toContain('id_token_hint');
    expect(out.headers.get('location')).toBe(`${there.url}/?state=signed-out-here`);
    expect(await isSignedInHere()).toBe(true);
  });

  test('nor is a sign-in in progress: its cookie cannot be finished elsewhere', async () => {
    const browser = here.browser();
    const callback = new URL(await browser.callbackFor('grace@example.com'));
    const [attempt] = await browser.cookies('foyer-login-');
    const state = attempt?.key.slice('foyer-login-'.length) ?? '';
    for (const name of [`foyer-login-${state}`, `foyer-login.acme-${state}`]) {
      const answer = await ask(there, callback.pathname + callback.search, `${name}=${attempt?.value}`);
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('expired')]);
    }
    expect((await browser.open(callback.href)).status).toBe(200);
  });

  test('people of both tenants sign in side by side, in one browser', async () => {
    const other = there.browser();
    for (const cookie of await ada.cookies('foyer'))
      await other.jar.setCookie(`${cookie.key}=${cookie.value}; Path=/`, there.url);
    await other.signIn('grace@example.com');
    expect((await other.open('/v1/me')).text).toContain('grace@example.com');
    expect(await isSignedInHere()).toBe(true);
  });
});
