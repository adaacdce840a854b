import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { headingOf } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ env: { SIGN_IN_LIMIT_PER_MINUTE: '5', TRUST_PROXY: '1' } });
});
afterAll(async () => {
  await gateway.close();
});

const from = (address: string, headers: Record<string, string> = {}) => ({
  headers: { 'x-forwarded-for': address, ...headers },
  follow: () => false,
});
const linesOf = (address: string) =>
  gateway.database.query(
    `SELECT 1 FROM api_call WHERE operation = 'sign_in' AND parameters ->> 'address' = $1`,
    [address],
  );

test('an address may begin any number of sign-ins', async () => {
  for (let tries = 0; tries < 12; tries++) {
    expect((await gateway.browser().open('/login', from('192.0.2.1'))).status).toBe(302);
  }
});

test.each(['image', 'iframe', 'frame', 'script', 'style', 'empty', 'object'])(
  "another page's %s begins and ends no sign-in, and is not counted",
  async (destination) => {
    const fetched = from('192.0.2.2', { 'sec-fetch-dest': destination, 'sec-fetch-site': 'cross-site' });
    for (const path of ['/login', '/authorization-code/callback?state=x&code=y']) {
      const page = await gateway.browser().open(path, fetched);
      expect([page.status, headingOf(page)]).toEqual([400, 'This link does not work']);
      expect(page.headers.getSetCookie()).toEqual([]);
      expect(page.headers.get('location')).toBeNull();
    }
    expect(await linesOf('192.0.2.2')).toHaveLength(0);
  },
);

test('a prefetch of a browser begins no sign-in', async () => {
  const prefetch = from('192.0.2.2', { 'sec-fetch-dest': 'document', 'sec-purpose': 'prefetch;prerender' });
  expect((await gateway.browser().open('/login', prefetch)).status).toBe(400);
  const opened = from('192.0.2.2', { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' });
  expect((await gateway.browser().open('/login', opened)).status).toBe(302);
});

test('callbacks without an attempt are not all recorded, and block no other person', async () => {
  const statuses: number[] = [];
  for (let tries = 0; tries < 8; tries++) {
    const path = '/authorization-code/callback?state=x&code=y';
    statuses.push((await gateway.browser().open(path, from('192.0.2.3'))).status);
  }
  expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429, 429]);
  expect(await linesOf('192.0.2.3')).toHaveLength(5);
  const browser = gateway.browser();
  const callback = await browser.callbackFor('ada@example.com');
  expect((await browser.open(callback, from('192.0.2.3'))).status).toBe(303);
});

test('a caller with many callbacks that cannot be verified is refused for a minute', async () => {
  const forged = async (address: string) => {
    const browser = gateway.browser();
    const callback = new URL(await browser.callbackFor('ada@example.com'));
    callback.searchParams.set('code', 'made-up');
    return browser.open(callback.href, from(address));
  };
  for (let tries = 0; tries < 5; tries++) expect((await forged('192.0.2.4')).status).toBe(401);
  await gateway.okta.control('DELETE', 'calls');
  const page = await forged('192.0.2.4');
  expect([page.status, headingOf(page)]).toEqual([429, 'That was a little too fast']);
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
  const { counts } = await gateway.okta.control<{ counts: Record<string, number> }>('GET', 'calls');
  expect(counts.token).toBeUndefined();
  expect((await forged('192.0.2.5')).status).toBe(401);
});
