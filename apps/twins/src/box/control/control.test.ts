import { object, rows, text, TwinUnderTest, type Reply } from '../box.harness.ts';

let twin: TwinUnderTest;
let token: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
});
afterEach(() => twin.close());

const create = (externalId: string): Promise<Reply> =>
  twin.call('POST', '/2.0/users', {
    token,
    body: { name: 'Ada', is_platform_access_only: true, external_app_user_id: externalId },
  });
const fault = (body: object) => twin.control('POST', 'faults', body);
const onCreate = { method: 'POST', path: '/2.0/users' };
/** The error code with which the connection ended instead of a response. */
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: unknown) =>
      typeof error === 'object' && error !== null && 'cause' in error ? object(error.cause).code : error,
  );
/** Resolves when the twin has received the call and not answered it yet. */
async function untilPending(path: string): Promise<void> {
  while (!(await twin.calls()).some((call) => call.path === path && call.end === 'pending')) continue;
}

describe('the record of calls', () => {
  it('lists them in order of arrival, without secrets', async () => {
    const id = text((await create('00u1')).body.id);
    await twin.call('GET', '/2.0/folders/0/items?limit=5', { token, asUser: id });
    const calls = await twin.calls();
    expect(calls).toMatchObject([
      {
        method: 'POST',
        path: '/oauth2/token',
        clientId: 'twin-box-client',
        status: 200,
        body: { grant_type: 'client_credentials', client_secret: '[redacted]' },
      },
      {
        method: 'POST',
        path: '/2.0/users',
        status: 201,
        body: { external_app_user_id: '00u1' },
        asUser: null,
      },
      {
        method: 'GET',
        path: '/2.0/folders/0/items',
        query: { limit: '5' },
        asUser: id,
        userId: id,
        end: 'answered',
      },
    ]);
    expect(JSON.stringify(calls)).not.toContain('twin-box-secret');
    expect(JSON.stringify(calls)).not.toContain(token);
  });

  it('can be read from a number on, and cleared', async () => {
    await create('00u1');
    const [first, second] = await twin.calls();
    const later = await twin.control('GET', `calls?since=${String(first?.seq)}`);
    expect(rows(later.body.calls)).toEqual([second]);
    expect((await twin.control('DELETE', 'calls')).status).toBe(204);
    expect(await twin.calls()).toEqual([]);
    expect((await twin.control('GET', 'calls?since=yesterday')).status).toBe(400);
  });
});

describe('state, seed and reset', () => {
  it('show users, apps, tokens and settings, and no secret', async () => {
    await create('00u1');
    const state = await twin.state();
    expect(state).toMatchObject({
      enterpriseId: '900100',
      users: [
        { kind: 'service', clientId: 'twin-box-client' },
        {
          kind: 'app',
          externalId: '00u1',
          name: 'Ada',
          status: 'active',
          items: 0,
          clientId: 'twin-box-client',
        },
      ],
      apps: [{ clientId: 'twin-box-client', authorized: true, publicKeys: 0 }],
      tokens: { issued: 1, live: 1 },
      settings: { rateLimitPerMinute: 1000, latencyMs: 0 },
    });
    expect(JSON.stringify(state)).not.toContain('twin-box-secret');
  });

  it('return to the initial state, drop tokens and delayed calls, and never reuse an id', async () => {
    const before = text((await create('00u1')).body.id);
    await twin.control('PUT', 'settings', { retention: true });
    await fault({ match: onCreate, kind: 'slow', delayMs: 60_000 });
    const waiting = failureOf(create('00u2'));
    await untilPending('/2.0/users');
    expect((await twin.control('POST', 'reset')).status).toBe(204);
    expect(await waiting).toBe('ECONNRESET');
    expect(await twin.state()).toMatchObject({
      users: [{ kind: 'service' }],
      tokens: { issued: 0 },
      settings: { retention: false },
    });
    expect((await create('00u1')).status).toBe(401);
    token = await twin.token();
    expect(Number((await create('00u1')).body.id)).toBeGreaterThan(Number(before));
  });

  it('reject a seed that is invalid or breaks what Box keeps unique', async () => {
    const seed = (body: object) => twin.control('POST', 'seed', body);
    const users = [{ name: 'Ada', externalId: '00u1' }];
    expect((await seed({ users })).body).toMatchObject({
      users: [{ externalId: '00u1' }],
      files: [],
      groups: [],
    });
    for (const bad of [
      { users },
      { users: [{ externalId: '00u2' }] },
      { users: [{ name: 'Ada', kind: 'managed' }] },
      { users: [{ name: 'Ada', clientId: 'nobody' }] },
      { files: [{ externalId: 'nobody', path: 'a' }] },
      { files: [{ externalId: '00u1', path: 'a\\b' }] },
      { files: 'a' },
      { groups: [{}] },
      { groups: [{ name: 'Sales', members: ['12345'] }] },
      { groups: [{ name: 'Sales', members: [7] }] },
    ]) {
      const reply = await seed(bad);
      expect([reply.status, typeof reply.body.error]).toEqual([400, 'string']);
    }
  });
});

describe('settings and apps', () => {
  it('delay every call by the latency', async () => {
    await twin.control('PUT', 'settings', { latencyMs: 500 });
    const pending = create('00u1');
    await untilPending('/2.0/users');
    expect(object(await twin.state()).users).toHaveLength(1);
    expect((await pending).status).toBe(201);
  });

  it('keep values that are not sent, and reject invalid ones', async () => {
    await twin.control('PUT', 'settings', { rateLimitPerMinute: null });
    expect((await twin.control('PUT', 'settings', { retention: true })).body).toMatchObject({
      rateLimitPerMinute: null,
      retention: true,
    });
    for (const bad of [{ latencyMs: 'soon' }, { notificationEmail: 'maybe' }, { speed: 9 }, [], '{']) {
      expect((await twin.control('PUT', 'settings', bad)).status).toBe(400);
    }
  });

  it('reject a new app without a secret, an invalid key and an unknown grant', async () => {
    for (const bad of [
      { clientId: 'new' },
      { clientId: 'new', clientSecret: 's', publicKeys: ['x'] },
      { clientId: 'new', clientSecret: 's', grants: ['magic'] },
      { clientSecret: 's' },
    ]) {
      expect((await twin.control('PUT', 'apps', bad)).status).toBe(400);
    }
  });

  it('answer 404 and 405 for unknown addresses and methods', async () => {
    expect((await twin.control('GET', 'nothing')).status).toBe(404);
    expect((await twin.control('PATCH', 'settings')).status).toBe(405);
    expect((await twin.control('GET', 'health')).body).toEqual({ status: 'ok' });
  });
});
