import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { headingOf, type Browser, type Page } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';
import { Sessions } from './sessions.ts';

let gateway: TestGateway;
const logged: string[] = [];
let browser: Browser;
let page: Page;

beforeAll(async () => {
  gateway = await startGateway({ onLog: (line) => logged.push(line) });
  await gateway.browser().signIn('ada@example.com');
});
afterAll(async () => {
  await gateway.close();
});
beforeEach(async () => {
  browser = gateway.browser();
  page = await browser.signIn('ada@example.com');
});

const cookieOf = async (of: Browser) => (await of.cookies('foyer')).find(({ key }) => key === 'foyer');
const sidOf = async (of: Browser) =>
  decodeURIComponent((await cookieOf(of))?.value ?? '')
    .slice(2)
    .split('.', 1)[0];
const visit = (cookie: string) => fetch(gateway.url, { headers: { cookie, accept: 'text/html' } });
const sessions = () =>
  gateway.database.query<{ sid: string; expire: Date }>('SELECT sid, expire FROM session');
const isSignedOut = (text: string) => text.includes('href="/login"');

test('a session costs one statement per visit, and visitors without a session cost none', async () => {
  const cookie = await browser.jar.getCookieString(gateway.url);
  const asked: string[] = [];
  const listen = (query: unknown) => {
    if (typeof query === 'object' && query !== null && 'name' in query) asked.push(String(query.name));
  };
  const { pool } = gateway.context.database;
  const query = pool.query.bind(pool) as (...words: unknown[]) => unknown;
  Object.assign(pool, { query: (...words: unknown[]) => (listen(words[0]), query(...words)) });
  try {
    await visit(cookie);
    await visit('');
    expect(asked.filter((name) => name.startsWith('session'))).toEqual(['session-get']);
  } finally {
    Object.assign(pool, { query });
  }
});

test('only people who signed in have a row', async () => {
  const before = (await sessions()).length;
  await gateway.browser().open('/');
  await gateway.browser().open('/login');
  await gateway.browser().open('/authorization-code/callback?state=x&code=y');
  await gateway.browser().open('/logout', { form: {} });
  expect(await sessions()).toHaveLength(before);
});

test('the cookie is for this host, for HTTP and for top-level visits only', async () => {
  expect(await cookieOf(browser)).toMatchObject({
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    hostOnly: true,
    secure: false,
  });
});

test('a cookie that was changed, invented or signed by another key is refused', async () => {
  const { value = '' } = (await cookieOf(browser)) ?? {};
  const [id = '', signature = ''] = value.split('.');
  const wrong = [
    `${id}.${signature.slice(0, -3)}abc`,
    `${id.slice(0, -1)}x.${signature}`,
    id,
    's%3Amade-up.signature',
  ];
  for (const cookie of wrong) expect(isSignedOut(await (await visit(`foyer=${cookie}`)).text())).toBe(true);
  expect(isSignedOut(await (await visit(`foyer=${value}`)).text())).toBe(false);
});

test('a session id that an attacker set is never signed in to', async () => {
  const victim = gateway.browser();
  await gateway.database.query('DELETE FROM session WHERE sid = $1', [await sidOf(browser)]);
  // The attacker's own cookie, correctly signed, in the victim's browser.
  const planted = await cookieOf(browser);
  await victim.jar.setCookie(`foyer=${planted?.value}; Path=/`, gateway.url);
  await victim.signIn('grace@example.com');
  expect((await cookieOf(victim))?.value).not.toBe(planted?.value);
  expect(isSignedOut((await browser.open('/')).text)).toBe(true);
});

test('a session ends when it was idle for too long', async () => {
  await gateway.database.query(`UPDATE session SET expire = now() - interval '1 second' WHERE sid = $1`, [
    await sidOf(browser),
  ]);
  expect(isSignedOut((await browser.open('/')).text)).toBe(true);
});

test('it does not end while it is used, even with the shortest idle time-out', async () => {
  const brief = await startGateway({ env: { SESSION_IDLE_MINUTES: '1' } });
  try {
    const active = brief.browser();
    await active.signIn('ada@example.com');
    // Moving the expiry is the same to the session as 20 seconds that pass.
    for (let uses = 0; uses < 6; uses++) {
      await brief.database.query(`UPDATE session SET expire = expire - interval '20 seconds'`);
      expect(isSignedOut((await active.open('/')).text)).toBe(false);
    }
    await brief.database.query(`UPDATE session SET expire = expire - interval '60 seconds'`);
    expect(isSignedOut((await active.open('/')).text)).toBe(true);
  } finally {
    await brief.close();
  }
});

test('it is prolonged by use, in the database once a minute', async () => {
  const sid = await sidOf(browser);
  const expiry = async () => (await sessions()).find((row) => row.sid === sid)?.expire.valueOf() ?? 0;
  const fresh = await expiry();
  await browser.open('/');
  expect(await expiry()).toBe(fresh);
  await gateway.database.query(`UPDATE session SET expire = expire - interval '2 minutes' WHERE sid = $1`, [
    sid,
  ]);
  await browser.open('/');
  expect(await expiry()).toBeGreaterThanOrEqual(fresh);
});

test('it ends when it has lasted too long, however busy it was', async () => {
  const nineHoursAgo = Date.now() - 9 * 3_600_000;
  await gateway.database.query(
    `UPDATE session SET sess = jsonb_set(sess::jsonb, '{signedInAt}', to_jsonb($2::bigint))::json WHERE sid = $1`,
    [await sidOf(browser), nineHoursAgo],
  );
  expect(isSignedOut((await browser.open('/')).text)).toBe(true);
  expect((await sessions()).map(({ sid }) => sid)).not.toContain(await sidOf(browser));
});

test('it ends at once when its person is deactivated, on the API as well', async () => {
  const other = gateway.browser();
  await other.signIn('alan@example.com');
  await gateway.database.query(`UPDATE identity SET active = false WHERE username = 'alan@example.com'`);
  const me = await other.open('/v1/me');
  expect([me.status, me.text]).toEqual([401, expect.stringContaining('unauthenticated')]);
  expect((await sessions()).map(({ sid }) => sid)).not.toContain(await sidOf(other));
});

test('signing in again ends the previous session, and is not an error', async () => {
  const before = await sidOf(browser);
  await browser.signIn('ada@example.com');
  expect((await sessions()).map(({ sid }) => sid)).not.toContain(before);
  expect(isSignedOut((await browser.open('/')).text)).toBe(false);
  expect(logged.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

test('a request in progress during another sign-out does not bring the session back', async () => {
  gateway.worker.pause();
  const other = gateway.browser();
  await gateway.okta.control('POST', 'people', { login: 'slow@example.com', name: 'Slow' });
  const progress = await other.signIn('slow@example.com');
  expect(headingOf(progress)).toBe('One moment, Slow');
  await gateway.database.query(
    `UPDATE provisioning_request SET status = 'failed', error_code = 'box_forbidden', finished_at = now(), due_at = NULL
     WHERE status = 'queued'`,
  );
  const failed = await other.open('/');
  const cookie = await other.jar.getCookieString(gateway.url);
  const csrf = /name="_csrf" value="([^"]+)"/.exec(failed.text)?.[1] ?? '';
  // The retry waits before it responds, and writes the session at its end.
  const retry = fetch(`${gateway.url}/retry`, {
    method: 'POST',
    headers: { cookie },
    body: new URLSearchParams({ _csrf: csrf }),
    redirect: 'manual',
  });
  const begun = () => gateway.database.query(`SELECT 1 FROM provisioning_request WHERE status = 'queued'`);
  while ((await begun()).length === 0);
  await other.submit(failed, '/logout');
  expect((await retry).status).toBe(303);
  gateway.worker.resume();
  expect(isSignedOut(await (await visit(cookie)).text())).toBe(true);
});

describe('a request that changes something', () => {
  const post = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: await browser.jar.getCookieString(gateway.url), accept: 'text/html', ...headers },
      body: new URLSearchParams(fields),
    });

  test('is refused without the token of this session', async () => {
    const other = gateway.browser();
    const theirs =
      /name="_csrf" value="([^"]+)"/.exec((await other.signIn('grace@example.com')).text)?.[1] ?? '';
    for (const fields of [{}, { _csrf: '' }, { _csrf: 'made-up' }, { _csrf: theirs }]) {
      const answer = await post('/logout', fields as Record<string, string>);
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain('The form has expired');
    }
    expect(isSignedOut((await browser.open('/')).text)).toBe(false);
  });

  test('with a session cookie is refused on the API as well', async () => {
    const answer = await post('/v1/provisioning-requests', {}, { accept: 'application/json' });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'csrf_failed' });
  });

  test('is accepted with the token, in a field or a header', async () => {
    const token = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    expect((await post('/retry', {}, { 'x-csrf-token': token })).status).toBe(303);
    expect((await post('/logout', { _csrf: token })).status).toBe(303);
  });
});

test('in production: a __Host- cookie, sent over TLS only, also behind a proxy that ends TLS', async () => {
  const key = 'the-old-secret-of-production-32-characters';
  const production = await startGateway({
    env: { FOYER_ENV: 'production', FOYER_BASE_URL: 'https://foyer.example.com', SESSION_SECRET: key },
  });
  try {
    const answer = await fetch(`${production.url}/login`, { redirect: 'manual' });
    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('redirect_uri')).toBe(
      'https://foyer.example.com/authorization-code/callback',
    );
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-foyer-login-[^;]+;.*Path=\/;.*HttpOnly; Secure; SameSite=Lax/,
    );
    expect(answer.headers.get('strict-transport-security')).toContain('max-age=');
  } finally {
    await production.close();
  }
});

test('the sweep deletes expired sessions, and only those', async () => {
  const [expired, kept] = [await sidOf(browser), await sidOf(await signedIn())];
  await gateway.database.query(`UPDATE session SET expire = now() - interval '1 second' WHERE sid = $1`, [
    expired,
  ]);
  const { sweep } = gateway.app.get(Sessions, { strict: false });
  await sweep.start();
  const left = async () => (await sessions()).map(({ sid }) => sid);
  while ((await left()).includes(expired ?? '')) await new Promise((resolve) => setImmediate(resolve));
  await sweep.stop();
  expect(await left()).toContain(kept);
});

async function signedIn(): Promise<Browser> {
  const another = gateway.browser();
  await another.signIn('ada@example.com');
  return another;
}
