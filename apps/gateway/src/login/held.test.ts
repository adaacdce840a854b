import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { headingOf } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';
import { complemented, isEmailVerified } from './person.ts';

let gateway: TestGateway;
const logged: string[] = [];

beforeAll(async () => {
  gateway = await startGateway({ onLog: (line) => logged.push(line) });
});
afterAll(async () => {
  await gateway.close();
});

interface Found {
  readonly totalResults: number;
  readonly Resources: readonly { readonly id: string }[];
}

async function scim(method: string, path: string, body?: object): Promise<Found> {
  const token = await gateway.context.tenant.scimTokens.create(
    { name: `t${Date.now()}`, days: 1 },
    'operator',
  );
  const response = await fetch(`${gateway.url}/scim/v2${path}`, {
    method,
    headers: { authorization: `Bearer ${token?.token}`, 'content-type': 'application/scim+json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Found;
}
const named = (name: string): Promise<Found> =>
  scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`);
const switchOff = { Operations: [{ op: 'replace', value: { active: false } }] };

test('a deactivated person gets neither a session nor a Box user under another id', async () => {
  const login = 'max@example.com';
  const before = await gateway.okta.control<{ id: string }>('POST', 'people', { login, name: 'Max Before' });
  await gateway.browser().signIn(login);
  const [{ id } = { id: '' }] = (await named(login)).Resources;
  await scim('PATCH', `/Users/${id}`, switchOff);
  await gateway.okta.control('DELETE', `people/${before.id}`);
  await gateway.okta.control('POST', 'people', { login, name: 'Max After' });

  const browser = gateway.browser();
  const page = await browser.signIn(login);
  expect([page.status, headingOf(page)]).toEqual([403, 'Your sign-in is on hold']);
  expect(page.text).toContain('Sign in as someone else');
  expect(page.text).not.toContain(id);
  expect((await browser.cookies('foyer')).filter(({ key }) => key === 'foyer')).toEqual([]);
  const people = await gateway.database.query('SELECT FROM identity');
  expect(people).toHaveLength(1);
  const { calls } = await gateway.box.control<{ calls: { method: string; path: string }[] }>('GET', 'calls');
  expect(calls.filter(({ method, path }) => method === 'POST' && path.startsWith('/2.0/users'))).toHaveLength(
    1,
  );
  const outcomes = await gateway.database.query<{ error: string }>(
    `SELECT o.error FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id
     WHERE c.operation = 'sign_in' ORDER BY c.id DESC LIMIT 1`,
  );
  expect(outcomes).toEqual([{ error: 'sign_in_held' }]);
  expect(logged.filter((line) => line.includes('"sign-in-held"') && line.includes(id))).toHaveLength(1);
});

test('a directory does not find a name that is not verified, and finds one that Okta verified', async () => {
  await gateway.okta.control('POST', 'people', {
    login: 'ceo@example.com',
    name: 'A Stranger',
    emailVerified: false,
  });
  await gateway.okta.control('POST', 'people', { login: 'cfo@example.com', name: 'C. F. O.' });
  for (const login of ['ceo@example.com', 'cfo@example.com']) await gateway.browser().signIn(login);
  expect((await named('ceo@example.com')).totalResults).toBe(0);
  expect((await named('cfo@example.com')).totalResults).toBe(1);
});

test.each([
  [{ email: 'a@example.com', email_verified: true }, {}, true],
  [{}, { email: 'a@example.com', email_verified: true }, true],
  [{ email: 'a@example.com' }, { email: 'a@example.com', email_verified: true }, true],
  [{ email: 'ceo@example.com' }, { email: 'a@example.com', email_verified: true }, false],
  [{ email: 'ceo@example.com' }, { email_verified: true }, false],
  [
    { email: 'a@example.com', email_verified: false },
    { email: 'a@example.com', email_verified: true },
    false,
  ],
  [{ email: 'a@example.com', email_verified: 'true' }, {}, false],
  [{ email: 'a@example.com', email_verified: 1 }, {}, false],
  [{ email: 'a@example.com' }, {}, false],
])('%j and userinfo %j verify the name: %p', (idToken, userinfo, vouched) => {
  expect(isEmailVerified(complemented(idToken, userinfo))).toBe(vouched);
});
