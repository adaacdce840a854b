import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { boxUserIdOf, headingOf, type Browser } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

let gateway: TestGateway;
const logged: string[] = [];

beforeAll(async () => {
  gateway = await startGateway({ onLog: (line) => logged.push(line) });
});
afterAll(async () => {
  await gateway.close();
});
beforeEach(async () => {
  await gateway.okta.control('POST', 'reset');
});

const sessionOf = async (browser: Browser) =>
  (await browser.cookies('foyer')).find(({ key }) => key === 'foyer')?.value;
const auditOf = (identity: string) =>
  gateway.database.query<{ operation: string; direction: string; result: string; parameters: object }>(
    `SELECT c.operation, c.direction, o.result, c.parameters FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id
     JOIN identity i ON i.id = c.identity_id WHERE i.username = $1 AND c.operation = 'sign_in' ORDER BY c.id`,
    [identity],
  );

test('greets a new person as created, and the same person later with hello', async () => {
  const first = await gateway.browser().signIn('ada@example.com');
  expect(headingOf(first)).toBe('New user created: Ada Example');
  expect(boxUserIdOf(first)).toMatch(/^[0-9]+$/);
  const second = await gateway.browser().signIn('ada@example.com');
  expect(headingOf(second)).toBe('Hello Ada Example');
  expect(boxUserIdOf(second)).toBe(boxUserIdOf(first));
});

test('records each sign-in without code, state or token', async () => {
  await gateway.browser().signIn('grace@example.com');
  const [line, ...more] = await auditOf('grace@example.com');
  expect(more).toEqual([]);
  expect(line).toMatchObject({ direction: 'in', result: 'ok' });
  const all = await gateway.database.query<{ row: string }>(
    `SELECT row_to_json(c)::text AS row FROM api_call c WHERE system = 'okta'`,
  );
  expect(all.map(({ row }) => row).join()).not.toMatch(/eyJ|code_verifier|"code"|twin-okta-secret/);
});

test('writes no code, state, token, cookie or secret into the log', async () => {
  const browser = gateway.browser();
  const callback = new URL(await browser.callbackFor('ada@example.com'));
  const cookies = await browser.jar.getCookies(gateway.url);
  await browser.open(callback.href);
  await browser.open(callback.href);
  const secrets = [
    ...callback.searchParams.values(),
    ...cookies.map(({ value }) => value),
    'eyJ',
    'twin-okta-secret',
  ];
  const text = logged.join('');
  expect(text).toContain('"path":"/authorization-code/callback"');
  for (const secret of secrets) expect(text).not.toContain(secret);
});

test('never mixes up people who sign in at once', async () => {
  await gateway.okta.control('POST', 'seed', { count: 20, prefix: 'crowd' });
  const pages = await Promise.all(
    Array.from({ length: 20 }, (_, index) => gateway.browser().signIn(`crowd${index + 1}@example.com`)),
  );
  expect(pages.map(headingOf)).toEqual(pages.map((_, index) => `New user created: crowd ${index + 1}`));
  expect(new Set(pages.map(boxUserIdOf)).size).toBe(20);
});

test('creates one Box user for one person who signs in for the first time in many browsers at once', async () => {
  const pages = await Promise.all(
    Array.from({ length: 10 }, () => gateway.browser().signIn('maria@example.com')),
  );
  expect(new Set(pages.map(boxUserIdOf)).size).toBe(1);
  expect(pages.every((page) => page.status === 200)).toBe(true);
});

describe('several tabs of one browser', () => {
  test('each end well, whichever comes back first', async () => {
    const browser = gateway.browser();
    const callbacks = [
      await browser.callbackFor('ada@example.com'),
      await browser.callbackFor('ada@example.com'),
    ];
    for (const callback of callbacks)
      expect(headingOf(await browser.open(callback))).toBe('Hello Ada Example');
  });

  test('do not disturb each other when they begin in the same moment', async () => {
    const browser = gateway.browser();
    const follow = (location: string) => !location.includes('/authorize');
    const begun = await Promise.all([1, 2].map(() => browser.open('/login', { follow })));
    expect(begun.map(({ status }) => status)).toEqual([302, 302]);
    expect(await browser.cookies('foyer-login-')).toHaveLength(2);
  });

  test('are bounded: the oldest attempt is removed', async () => {
    const browser = gateway.browser();
    const follow = (location: string) => !location.includes('/authorize');
    for (let tab = 0; tab < 9; tab++) await browser.open('/login', { follow });
    expect(await browser.cookies('foyer-login-')).toHaveLength(5);
  });
});

test('refuses a callback that is replayed, and one that another browser began', async () => {
  const browser = gateway.browser();
  const callback = await browser.callbackFor('ada@example.com');
  const elsewhere = await gateway.browser().open(callback);
  expect([elsewhere.status, headingOf(elsewhere)]).toEqual([400, 'The sign-in has expired']);
  expect((await browser.open(callback)).status).toBe(200);
  expect(headingOf(await browser.open(callback))).toBe('The sign-in has expired');
});

test('refuses a replay even with the cookies from before', async () => {
  const browser = gateway.browser();
  const callback = await browser.callbackFor('ada@example.com');
  const cookie = await browser.jar.getCookieString(gateway.url);
  await browser.open(callback);
  const replayed = await fetch(callback, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' });
  expect(replayed.status).toBe(400);
  expect(replayed.headers.getSetCookie().join()).not.toMatch(/foyer=/);
});

test('changes the session id at every sign-in, and ends the one before', async () => {
  const browser = gateway.browser();
  await browser.signIn('ada@example.com');
  const before = await sessionOf(browser);
  await browser.signIn('ada@example.com');
  expect(await sessionOf(browser)).not.toBe(before);
  const old = await fetch(gateway.url, { headers: { cookie: `foyer=${before}` } });
  expect(await old.text()).toContain('href="/login"');
});

test('signs out here and at Okta', async () => {
  const browser = gateway.browser();
  const page = await browser.signIn('ada@example.com');
  const cookie = await sessionOf(browser);
  const out = await browser.submit(page, '/logout');
  expect(out.trail.map((url) => new URL(url).pathname)).toEqual(['/logout', '/oauth2/v1/logout', '/']);
  expect(headingOf(out)).toBe('You are signed out');
  expect(out.text).toContain('href="/login"');
  const again = await fetch(gateway.url, { headers: { cookie: `foyer=${cookie}` } });
  expect(await again.text()).toContain('href="/login"');
  // Okta prompts for the password again.
  expect((await browser.open('/login')).text).toContain('name="password"');
});

test('shows a separate page when Okta refuses, and does not begin again automatically', async () => {
  const browser = gateway.browser();
  const page = await browser.signIn('unassigned@example.com');
  expect([page.status, headingOf(page)]).toEqual([403, 'You cannot sign in here']);
  expect(page.text).toContain('href="/login?prompt=login"');
  expect(await sessionOf(browser)).toBeUndefined();
  expect((await browser.open('/login?prompt=login')).text).toContain('name="password"');
});

test('accepts an error from Okta only with a state that belongs to this browser', async () => {
  const page = await gateway.browser().open('/authorization-code/callback?error=access_denied&state=made-up');
  expect(headingOf(page)).toBe('The sign-in has expired');
});

test.each(['code', 'state', 'error', 'iss'])('refuses %s given twice', async (name) => {
  const answer = await fetch(`${gateway.url}/authorization-code/callback?state=x&${name}=a&${name}=b`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field: name }] });
});

test('leads back to where the person wanted to go, and only within this origin', async () => {
  const follow = (location: string) => new URL(location).pathname !== '/v1/me';
  const wanted = await gateway
    .browser()
    .signIn('ada@example.com', { path: '/login?returnTo=%2Fv1%2Fme%3Fa%3Db', follow });
  expect(wanted.headers.get('location')).toBe(`${gateway.url}/v1/me?a=b`);
  const hostile = await gateway
    .browser()
    .signIn('ada@example.com', { path: '/login?returnTo=%2F%2Fevil.example.com' });
  expect(hostile.url).toBe(`${gateway.url}/`);
});

describe('the profile from Okta', () => {
  test('is completed from userinfo when the ID token is thin', async () => {
    await gateway.okta.control('PATCH', 'people/00u1noName0000000007', { name: null });
    const page = await gateway.browser().signIn('noname@example.com');
    expect(headingOf(page)).toBe('New user created: noname@example.com');
    const counts = (await gateway.okta.control<{ counts: Record<string, number> }>('GET', 'calls')).counts;
    expect(counts.userinfo).toBeGreaterThan(0);
  });

  test('is shown as text, whatever it is', async () => {
    await gateway.okta.control('POST', 'people', {
      login: 'markup@example.com',
      name: '<img src=x onerror="1">&\'',
    });
    const page = await gateway.browser().signIn('markup@example.com');
    expect(page.text).not.toContain('<img');
    expect(headingOf(page)).toBe('New user created: <img src=x onerror="1">&\'');
  });

  test('is updated in the same Box user when it changed', async () => {
    const first = await gateway.browser().signIn('alan@example.com');
    await gateway.okta.control('PATCH', 'people/00u1alanPattern00003', { name: 'Alan M. Pattern' });
    const second = await gateway.browser().signIn('alan@example.com');
    expect(headingOf(second)).toBe('Hello Alan M. Pattern');
    expect(boxUserIdOf(second)).toBe(boxUserIdOf(first));
  });
});

test('refuses a person who was deactivated, and ends their sessions', async () => {
  const browser = gateway.browser();
  await browser.signIn('ben@example.com');
  await gateway.database.query(`UPDATE identity SET active = false WHERE username = 'ben@example.com'`);
  const refused = await gateway.browser().signIn('ben@example.com');
  expect([refused.status, headingOf(refused)]).toEqual([403, 'Your access has been switched off']);
  expect((await browser.open('/')).text).toContain('href="/login"');
});

test('refuses a sign-in that cannot be recorded, and stores a new identity and its record in one transaction', async () => {
  const { database } = gateway;
  await database.query(`CREATE FUNCTION refuse_record() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$`);
  await database.query(`CREATE TRIGGER refused BEFORE INSERT ON api_call FOR EACH ROW WHEN (NEW.operation = 'sign_in')
    EXECUTE FUNCTION refuse_record()`);
  const people = () => database.query(`SELECT id FROM identity WHERE username = 'hanako@example.com'`);
  const refused = await gateway.browser().signIn('hanako@example.com');
  expect(headingOf(refused)).toMatch(/not available/i);
  expect(await people()).toEqual([]);
  await database.query('DROP TRIGGER refused ON api_call');
  await gateway.browser().signIn('hanako@example.com');
  expect(await people()).toHaveLength(1);
  const [line] = await database.query(
    `SELECT o.status, c.request_id = r.id AS about, e.xmin = c.tx::xid AS one FROM api_call c
     JOIN api_call_outcome o ON o.call_id = c.id JOIN identity i ON i.id = c.identity_id
     JOIN provisioning_request r ON r.identity_id = i.id JOIN request_event e ON e.request_id = r.id AND e.event = 'queued'
     WHERE i.username = 'hanako@example.com' AND c.operation = 'sign_in'`,
  );
  expect(line).toEqual({ status: 303, about: true, one: true });
});
