import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { boxUserIdOf, headingOf } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.close();
});
beforeEach(async () => {
  gateway.worker.resume();
  await gateway.box.control('DELETE', 'faults');
});

test('asks a person without a session to sign in', async () => {
  const page = await gateway.browser().open('/');
  expect([page.status, headingOf(page)]).toEqual([200, 'Welcome']);
  expect(page.text).toContain('<a class="button" href="/login">Sign in</a>');
});

test('shows a new person that there are no files yet, and later the files, as that person', async () => {
  const browser = gateway.browser();
  const empty = await browser.signIn('ada@example.com');
  expect(empty.text).toContain('There are no files in your Box account yet.');
  await gateway.box.control('POST', 'seed', {
    files: [{ userId: boxUserIdOf(empty), path: 'Plan <1>.txt' }],
  });
  const page = await browser.open('/');
  expect(page.text).toContain('Plan &lt;1&gt;.txt');
  const { calls } = await gateway.box.control<{ calls: { path: string; asUser: string | null }[] }>(
    'GET',
    'calls',
  );
  expect(calls.filter(({ path }) => path.startsWith('/2.0/folders/')).map(({ asUser }) => asUser)).toEqual([
    boxUserIdOf(empty),
    boxUserIdOf(empty),
  ]);
});

test('shows a page with a message when Box does not list the files', async () => {
  await gateway.box.control('POST', 'faults', {
    match: { path: '/2.0/folders/' },
    kind: 'status',
    status: 503,
    times: null,
  });
  const page = await gateway.browser().signIn('grace@example.com');
  expect([page.status, headingOf(page)]).toEqual([200, 'New user created: Grace Sample']);
  expect(page.text).toContain('Box cannot be reached at the moment. Try again in a minute.');
  expect(page.text).toContain(page.headers.get('x-request-id'));
});

test('shows the progress until the account is ready, and then the message', async () => {
  gateway.worker.pause();
  const browser = gateway.browser();
  const progress = await browser.signIn('alan@example.com');
  expect(headingOf(progress)).toBe('One moment, Alan Pattern');
  expect(progress.text).toMatch(/<noscript>\s*<meta http-equiv="refresh" content="2"/);
  expect(progress.text).toMatch(
    /<li class="current" aria-current="step">\s*Your Box account is being prepared/,
  );
  expect(progress.text).not.toMatch(/<dl|Attempts|queued|retrying/);
  const id = /data-request="([^"]+)"/.exec(progress.text)?.[1] ?? '';
  expect(progress.text).toContain(`<code>${id}</code>`);
  // The call that the page's script makes, from this browser.
  const status = async (headers: Record<string, string> = {}) =>
    browser.open(`/v1/provisioning-requests/${id}`, { headers: { accept: 'application/json', ...headers } });
  expect(JSON.parse((await status()).text)).toMatchObject({ status: 'queued' });
  gateway.worker.resume();
  for (let held = 0; held < 5 && !(await status({ prefer: 'wait=5' })).text.includes('"succeeded"'); held++);
  expect(headingOf(await browser.open('/'))).toBe('New user created: Alan Pattern');
  expect(headingOf(await gateway.browser().signIn('alan@example.com'))).toBe('Hello Alan Pattern');
});

test('says in plain words what failed, and retries when the person asks for it', async () => {
  await gateway.box.control('POST', 'faults', {
    match: { method: 'POST', path: '/2.0/users' },
    kind: 'status',
    status: 403,
  });
  const browser = gateway.browser();
  const failed = await browser.signIn('maria@example.com');
  expect(headingOf(failed)).toBe('Your Box account could not be prepared');
  const [request] = await gateway.database.query<{ id: string }>(
    `SELECT id FROM provisioning_request WHERE status = 'failed'`,
  );
  expect(failed.text).toContain(request?.id);
  expect(failed.text).toContain('contact your help desk');
  expect(failed.text).not.toMatch(/scope|access level|Box app|Attempts|retried/);
  const again = await browser.submit(failed, '/retry');
  expect(headingOf(again)).toBe('New user created: Maria Model');
  // A second retry must have no further effect.
  expect((await browser.open('/')).status).toBe(200);
});

test('does not show a person the remedy of operators, nor promise that a permanent fault will pass', async () => {
  await gateway.box.control('POST', 'faults', {
    match: { path: '/2.0/folders/' },
    kind: 'status',
    status: 403,
    times: null,
  });
  const page = await gateway.browser().signIn('ben@example.com');
  expect(page.text).toContain('Box does not allow this');
  expect(page.text).toContain(page.headers.get('x-request-id'));
  expect(page.text).not.toMatch(/account is fine|reload|in a minute|scope|administrator/i);
});

test('says that the work takes longer than usual after an attempt has failed', async () => {
  await gateway.box.control('POST', 'faults', {
    match: { method: 'POST', path: '/2.0/users' },
    kind: 'status',
    status: 429,
    retryAfter: 3,
    times: null,
  });
  const page = await gateway.browser().signIn('zoe@example.com');
  expect(headingOf(page)).toMatch(/^One moment, /);
  expect(page.text).toMatch(/<p class="note" data-field="slow"\s*>/);
  expect(page.text).not.toMatch(/\b(asked us to wait|rate|429)\b/);
});

test('says that a page does not exist', async () => {
  const page = await gateway.browser().open('/nowhere');
  expect([page.status, headingOf(page)]).toEqual([404, 'This page does not exist']);
  expect(page.text).not.toContain('The resource does not exist');
});

test.each([
  ['signed-out', 'You are signed out'],
  ['signed-out-here', 'You are signed out'],
  ['<i>', 'Welcome'],
])('returns from the sign-out with the state %s as %s', async (state, heading) => {
  const page = await gateway.browser().open(`/?state=${encodeURIComponent(state)}`);
  expect([page.status, headingOf(page)]).toEqual([200, heading]);
});

test('refuses a retry by a person who is not signed in', async () => {
  const page = await gateway.browser().open('/retry', { form: {} });
  expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in']);
});
