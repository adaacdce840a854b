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

const from = (address: string) => ({ headers: { 'x-forwarded-for': address }, follow: () => false });

test('an address may begin so many sign-ins a minute; others are not held up', async () => {
  const statuses: number[] = [];
  for (let tries = 0; tries < 7; tries++) {
    statuses.push((await gateway.browser().open('/login', from('192.0.2.1'))).status);
  }
  expect(statuses).toEqual([302, 302, 302, 302, 302, 429, 429]);
  const page = await gateway.browser().open('/login', from('192.0.2.1'));
  expect(headingOf(page)).toBe('Too many requests');
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await gateway.browser().open('/login', from('192.0.2.2'))).status).toBe(302);
});

test('callbacks that fail count too, and beyond the limit none is written down', async () => {
  for (let tries = 0; tries < 8; tries++) {
    await gateway.browser().open('/authorization-code/callback?state=x&code=y', from('192.0.2.3'));
  }
  const lines = await gateway.database.query(
    `SELECT 1 FROM api_call WHERE operation = 'sign_in' AND parameters ->> 'address' = '192.0.2.3'`,
  );
  expect(lines).toHaveLength(5);
});
