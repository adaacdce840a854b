import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobQueue } from '@foyer/provisioning';
import { headingOf } from '../testing/browser.harness.ts';
import { startGateway, type TestGateway } from '../testing/gateway.harness.ts';

/** Behaves like BullMQ while the Redis server is down. */
class HangingQueue implements JobQueue {
  added = 0;
  async add(): Promise<void> {
    this.added++;
    await new Promise(() => undefined);
  }
  async depth(): Promise<never> {
    return new Promise(() => undefined);
  }
  async ping(timeoutMs: number): Promise<void> {
    await new Promise((_, reject) => setTimeout(reject, timeoutMs, new Error('no answer')));
  }
  async close(): Promise<void> {}
}

describe('while the queue is unavailable', () => {
  let gateway: TestGateway;
  const queue = new HangingQueue();

  beforeAll(async () => {
    gateway = await startGateway({ queue });
  });
  afterAll(async () => {
    await gateway.close();
  });

  test('people can sign in, and follow their request on a page that shows its progress', async () => {
    const page = await gateway.browser().signIn('ada@example.com');
    expect(queue.added).toBe(1);
    expect([page.status, headingOf(page)]).toEqual([200, 'One moment, Ada Example']);
    expect(page.text).toContain('<meta http-equiv="refresh" content="2"');
    const [request] = await gateway.database.query<{ id: string; status: string }>(
      'SELECT * FROM provisioning_request',
    );
    expect(request).toMatchObject({ status: 'queued' });
    expect(page.text).toContain(request?.id);
  });

  test('readyz reports it, and stays ready, because the relay replaces the queue', async () => {
    const answer = await fetch(`${gateway.url}/readyz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      ready: true,
      parts: { database: 'ok', migrations: 'ok', queue: 'not ready' },
    });
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  });
});

describe('while Okta or the database is unavailable', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(async () => {
    await gateway.close();
  });
  afterEach(async () => {
    await gateway.okta.control('DELETE', 'faults');
  });

  test('a sign-in says that Okta cannot be reached, and works when it is back', async () => {
    await gateway.okta.control('POST', 'faults', {
      kind: 'error',
      endpoint: 'discovery',
      status: 503,
      times: null,
    });
    const page = await gateway.browser().open('/login');
    expect([page.status, headingOf(page)]).toEqual([503, 'Okta cannot be reached']);
    expect(page.headers.get('retry-after')).toBe('10');
    await gateway.okta.control('DELETE', 'faults');
    expect((await gateway.browser().signIn('ada@example.com')).status).toBe(200);
  });

  test('a callback for which Okta returns no tokens ends without a session', async () => {
    const browser = gateway.browser();
    await gateway.okta.control('POST', 'faults', { kind: 'error', endpoint: 'token', status: 500 });
    const page = await browser.signIn('grace@example.com');
    expect([page.status, headingOf(page)]).toEqual([503, 'Okta cannot be reached']);
    expect(await browser.cookies('foyer')).toEqual([]);
  });

  test('an unavailable database is reported as 503 to people and programs, and used again when it is back', async () => {
    const browser = gateway.browser();
    await browser.signIn('ada@example.com');
    const arriving = gateway.browser();
    const callback = await arriving.callbackFor('ada@example.com');
    await gateway.database.goAway();
    try {
      const page = await browser.open('/');
      expect([page.status, headingOf(page)]).toEqual([503, 'This page is not available']);
      expect(page.text).not.toMatch(/ECONN|postgres|at .*\.ts/);
      const cookie = await browser.jar.getCookieString(gateway.url);
      const problem = await fetch(`${gateway.url}/v1/me`, { headers: { cookie } });
      expect(problem.status).toBe(503);
      expect(await problem.json()).toMatchObject({ code: 'unavailable' });
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
      expect((await arriving.open(callback)).status).toBe(503);
      // A visitor who is not signed in sees the start page without a query to the database.
      expect((await gateway.browser().open('/')).status).toBe(200);
    } finally {
      await gateway.database.comeBack();
    }
    expect((await browser.open('/')).status).toBe(200);
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
  });
});
