import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { z } from 'zod';
import { ProvisioningRequest } from '@foyer/shared';
import { signIn, type SignIn } from '../demonstration/browser.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { SAMPLE_PASSWORD } from '../stack/twins.ts';
import { until } from '@foyer/testing';

/** Time limits short enough for a test to see a dead worker replaced: lease 4 s, Box calls 2 s. */
const quick = {
  BOX_TIMEOUT_MS: '2000',
  LEASE_SECONDS: '4',
  STALLED_INTERVAL_MS: '1000',
  RELAY_INTERVAL_MS: '200',
  RELAY_GRACE_MS: '1000',
  RETRY_BASE_MS: '100',
  RETRY_MAX_MS: '1000',
};

/** Foyer as it runs: every app a process of its own, over the real queue. One suite for both back ends of the queue. */
export function describeMainJob(
  backEnd: string,
  options: { redis: boolean },
  only: { wipeQueue(stack: Stack): Promise<void> },
): void {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({
      redis: options.redis,
      provisioners: 3,
      postgresUrl: process.env.FOYER_TEST_POSTGRES_URL,
      template: 'foyer_template',
      env: { gateway: { SIGN_IN_LIMIT_PER_MINUTE: '100000', BOX_TIMEOUT_MS: '2000' }, provisioner: quick },
    });
  });
  afterAll(() => stack?.stop());
  afterEach(() => stack.box.clearFaults());

  const newPerson = async (name = 'Iris Example') => {
    const login = `iris-${randomUUID().slice(0, 8)}@example.com`;
    const person = await stack.okta.addPerson({
      login,
      email: login,
      name,
      status: 'ACTIVE',
      assigned: true,
    });
    return { ...person, credentials: { username: login, password: SAMPLE_PASSWORD } };
  };
  const boxUsersOf = async (oktaId: string) =>
    (await stack.box.state()).users.filter(({ externalId }) => externalId === oktaId);
  const api = async (method: string, path: string, scope: string, body?: object) => {
    const token = await stack.okta.serviceToken(scope);
    return fetch(`${stack.urls.gateway}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
    });
  };
  /** Pushes a person over the API, like another system. Returns the request's id. */
  const push = async (subject: string): Promise<string> => {
    const body = { subject, username: `${subject}@example.com`, name: `Person ${subject}` };
    const response = await api('POST', '/v1/provisioning-requests', 'foyer.write', body);
    // 200 when a worker was faster than this response.
    expect([200, 202]).toContain(response.status);
    return ProvisioningRequest.parse(await response.json()).id;
  };
  const request = async (id: string) =>
    ProvisioningRequest.parse(
      await (await api('GET', `/v1/provisioning-requests/${id}`, 'foyer.read')).json(),
    );
  const ended = (id: string) =>
    until(`request ${id} is final`, async () => {
      const found = await request(id);
      return found.finishedAt === null ? null : found;
    });
  const query = async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> => {
    const client = new pg.Client(stack.databaseUrl);
    await client.connect();
    try {
      return (await client.query<T>(sql, values)).rows;
    } finally {
      await client.end();
    }
  };
  const createsOf = async (oktaId: string) =>
    (await stack.box.calls()).filter(
      ({ method, path, body }) =>
        method === 'POST' && path === '/2.0/users' && JSON.stringify(body).includes(oktaId),
    );

  describe(`the main job, queue on ${backEnd}`, () => {
    it('creates a new person with one call and greets them the second time with none', async () => {
      const person = await newPerson('Iris Example');
      const first = await signIn(stack.urls.gateway, person.credentials);
      expect(first.message).toBe('New user created: Iris Example');
      const [user] = await boxUsersOf(person.id);
      expect(first.boxUserId).toBe(user!.id);
      await stack.box.clearCalls();
      const second = await signIn(stack.urls.gateway, person.credentials);
      expect(second.message).toBe('Hello Iris Example');
      const provisioning = (await stack.box.calls()).filter(({ path }) => path.startsWith('/2.0/users'));
      expect(provisioning).toEqual([]);
    });

    it('creates one Box user for a hundred first sign-ins of one person at once, and answers every browser', async () => {
      const person = await newPerson('Juno Example');
      const browsers = await Promise.all(
        Array.from({ length: 100 }, () => signIn(stack.urls.gateway, person.credentials)),
      );
      const messages = new Set(browsers.map(({ message }) => message));
      expect([...messages].sort()).toEqual(expect.arrayContaining(['New user created: Juno Example']));
      expect([...messages].every((text) => /^(New user created:|Hello) Juno Example$/.test(text))).toBe(true);
      expect(new Set(browsers.map(({ boxUserId }) => boxUserId)).size).toBe(1);
      expect(await boxUsersOf(person.id)).toHaveLength(1);
      expect(await createsOf(person.id)).toHaveLength(1);
      const accounts = await query(
        'SELECT 1 FROM box_account a JOIN identity i ON i.id = a.identity_id WHERE i.subject = $1',
        [person.id],
      );
      expect(accounts).toHaveLength(1);
    });

    it('never mixes up thirty people who sign in at once', async () => {
      const people = await Promise.all(Array.from({ length: 30 }, (_, n) => newPerson(`Person Number ${n}`)));
      const pages: SignIn[] = await Promise.all(
        people.map((person) => signIn(stack.urls.gateway, person.credentials)),
      );
      for (const [n, person] of people.entries()) {
        const [user] = await boxUsersOf(person.id);
        expect(pages[n]!.message).toBe(`New user created: Person Number ${n}`);
        expect(pages[n]!.boxUserId).toBe(user!.id);
        expect(user!.name).toBe(`Person Number ${n}`);
      }
    });

    it('ends with one Box user when every worker is killed between the commit of Box and that of Foyer', async () => {
      const subject = `00u-kill-${randomUUID().slice(0, 8)}`;
      await stack.box.fault({
        kind: 'slowAfter',
        delayMs: 20_000,
        match: { method: 'POST', externalId: subject },
      });
      const id = await push(subject);
      await until('Box has committed', async () => ((await boxUsersOf(subject)).length === 1 ? true : null));
      await Promise.all(stack.parts.provisioners.map((part) => part.kill('SIGKILL')));
      expect((await request(id)).boxUserId).toBeNull();
      await Promise.all(stack.parts.provisioners.map((part) => part.start()));
      expect(await ended(id)).toMatchObject({ status: 'succeeded', outcome: 'created' });
      expect(await boxUsersOf(subject)).toHaveLength(1);
      expect(await createsOf(subject)).toHaveLength(1);
    });

    it('finishes every request although the data of the queue is deleted while they wait', async () => {
      await Promise.all(stack.parts.provisioners.map((part) => part.stop()));
      const subjects = Array.from({ length: 25 }, (_, n) => `00u-wiped-${n}-${randomUUID().slice(0, 8)}`);
      const ids = await Promise.all(subjects.map(push));
      await only.wipeQueue(stack);
      await Promise.all(stack.parts.provisioners.map((part) => part.start()));
      for (const id of ids)
        expect(await ended(id)).toMatchObject({ status: 'succeeded', outcome: 'created' });
      for (const subject of subjects) expect(await boxUsersOf(subject)).toHaveLength(1);
    });

    it('loses nothing when workers are killed and stopped while many people wait', async () => {
      const subjects = Array.from({ length: 60 }, (_, n) => `00u-crowd-${n}-${randomUUID().slice(0, 8)}`);
      await stack.box.settings({ latencyMs: 40 });
      const ids = await Promise.all(subjects.map(push));
      const [one, two] = stack.parts.provisioners;
      await one!.restart('SIGKILL');
      expect((await two!.stop())?.code).toBe(0);
      await two!.start();
      for (const id of ids)
        expect(await ended(id)).toMatchObject({ status: 'succeeded', outcome: 'created' });
      await stack.box.settings({ latencyMs: 0 });
      for (const subject of subjects) expect(await boxUsersOf(subject)).toHaveLength(1);
    });

    it('records an intent for every write to Box, and an outcome or a later look-up', async () => {
      const unsettled = await query(
        `SELECT c.id FROM api_call c LEFT JOIN api_call_outcome o ON o.call_id = c.id
         WHERE c.operation = 'create_user' AND (o.result IS NULL OR o.result = 'ambiguous')
           AND NOT EXISTS (SELECT 1 FROM api_call f WHERE f.identity_id = c.identity_id AND f.id > c.id
             AND f.operation IN ('find_user', 'read_user'))`,
      );
      expect(unsettled).toEqual([]);
      const [{ n }] = (await query<{ n: number }>(
        `SELECT count(*)::int AS n FROM api_call WHERE operation = 'create_user'`,
      )) as [{ n: number }];
      const seen = (await stack.box.state()).users.filter(({ kind }) => kind === 'app').length;
      expect(n).toBeGreaterThanOrEqual(seen);
    });

    it('answers the browser with a progress page while Box commits too late for the look-up, and ends with one user', async () => {
      const person = await newPerson('Slow Example');
      // Box commits after our time limit, and after the look-up that follows it.
      await stack.box.fault({
        kind: 'slow',
        delayMs: 5_000,
        match: { method: 'POST', externalId: person.id },
      });
      // The look-up is slow, too, so that the whole takes longer than the callback waits.
      await stack.box.fault({
        kind: 'slow',
        delayMs: 1_500,
        match: { method: 'GET', externalId: person.id },
      });
      const page = await signIn(stack.urls.gateway, person.credentials);
      expect(page.message).toBe('New user created: Slow Example');
      expect(page.refreshes).toBeGreaterThan(0);
      expect(await boxUsersOf(person.id)).toHaveLength(1);
    });

    it('shows in the audit log every call that led to the state of an identity, without a secret', async () => {
      const id = await push(`00u-audit-${randomUUID().slice(0, 8)}`);
      await ended(id);
      const response = await api('GET', `/v1/api-calls?requestId=${id}`, 'foyer.audit');
      const text = await response.text();
      const { items } = z
        .object({
          items: z.array(z.object({ operation: z.string(), direction: z.string(), result: z.string() })),
        })
        .parse(JSON.parse(text));
      expect(items.map(({ operation }) => operation)).toEqual(expect.arrayContaining(['create_user']));
      expect(text).not.toMatch(/twin-box-secret|Bearer |access_token"\s*:\s*"[^[]/);
    });
  });
}
