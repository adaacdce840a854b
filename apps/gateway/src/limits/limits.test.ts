import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Api, type Credentials } from '../access/api.harness.ts';
import { Twin } from '@foyer/testing';

let box: Twin;
beforeAll(async () => {
  box = await Twin.start('box', { BOX_TWIN_PORT: '0', BOX_TWIN_RATE_LIMIT: '0' });
});
afterAll(() => box.stop());

const request = (api: Api, as: Credentials) => api.get('/v1/provisioning-requests?limit=1', as);

describe('requests under way', () => {
  let api: Api;
  const sockets: Socket[] = [];
  const logged: string[] = [];

  beforeAll(async () => {
    api = await Api.start({
      env: { REQUESTS_AT_ONCE: '8', REQUESTS_AT_ONCE_PER_CALLER: '3' },
      onLog: (line) => logged.push(line),
    });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await underWay(0);
  });
  afterAll(() => api.stop());

  const readUnderWay = async () =>
    Number(/^foyer_requests_under_way\{[^}]*\} (\d+)$/m.exec((await api.get('/metrics')).text)?.[1]);

  async function underWay(count: number): Promise<void> {
    while ((await readUnderWay()) !== count) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Requests whose bodies never arrive. */
  async function stall(count: number, credentials: Credentials | null): Promise<void> {
    const { hostname, port } = new URL(api.url);
    const before = await readUnderWay();
    for (let at = 0; at < count; at++) {
      const socket = connect(Number(port), hostname.replace(/[[\]]/g, ''));
      sockets.push(socket.on('error', () => undefined));
      const header = credentials?.token === undefined ? '' : `authorization: Bearer ${credentials.token}\r\n`;
      socket.write(
        `POST /v1/provisioning-requests HTTP/1.1\r\nhost: a\r\n${header}content-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
      );
    }
    await underWay(before + count);
  }

  test('of one caller are bounded: one more is refused at once, and those of others are not', async () => {
    const [greedy, other] = [await api.machine('foyer.read'), await api.machine('foyer.read')];
    await stall(3, greedy);
    const refused = await request(api, greedy);
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests']);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await request(api, other)).status).toBe(200);
    expect(logged.join('')).toContain('"event":"requests-shed"');
    expect((await api.get('/metrics')).text).toMatch(
      /foyer_requests_shed_total\{[^}]*reason="caller"[^}]*\} \d/,
    );
  });

  test('of all callers are bounded: health and metrics are still answered', async () => {
    await stall(8, null);
    const refused = await request(api, await api.machine('foyer.read'));
    expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
    expect(refused.headers.get('retry-after')).toBe('1');
    const scim = await api.get('/scim/v2/Users');
    expect([scim.status, scim.headers.get('content-type')]).toEqual([
      503,
      'application/scim+json; charset=utf-8',
    ]);
    const page = await api.get('/', undefined, { accept: 'text/html' });
    expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
    for (const answer of [refused, scim, page]) expect(answer.headers.get('connection')).toBe('close');
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await api.get(path)).status).toBe(200);
  });

  test('end with the connection', async () => {
    const caller = await api.machine('foyer.read');
    await stall(3, caller);
    for (const socket of sockets.splice(0)) socket.destroy();
    await underWay(0);
    expect((await request(api, caller)).status).toBe(200);
  });

  test('of one machine are bounded, however many tokens it has', async () => {
    const tokens = await Promise.all([1, 2, 3, 4].map(() => api.keys.token(['foyer.read'], 'one-machine')));
    const { requestId } = await api.admit();
    const held = tokens
      .slice(0, 3)
      .map((token) => api.get(`/v1/provisioning-requests/${requestId}`, { token }, { prefer: 'wait=60' }));
    // A request that only waits for a change has lent its place to others.
    await underWay(0);
    expect((await request(api, { token: tokens[3] ?? '' })).status).toBe(200);
    await api.finish(requestId, {});
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});

test('a principal may send a number of calls per minute; others are not delayed', async () => {
  const api = await Api.start({ env: { API_LIMIT_PER_MINUTE: '3', PERSON_LIMIT_PER_MINUTE: '2' } });
  try {
    const tokens = await Promise.all([1, 2, 3, 4].map(() => api.keys.token(['foyer.read'], 'busy')));
    const answers = [];
    for (const token of tokens) answers.push(await request(api, { token }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers[3]?.body.code).toBe('too_many_requests');
    expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(answers[3]?.headers.get('retry-after'))).toBeLessThanOrEqual(20);
    expect((await request(api, { token: await api.keys.token(['foyer.read'], 'quiet') })).status).toBe(200);

    const [ada, ben] = [await api.admit(), await api.admit()];
    const cookies = [await api.session(ada.identityId), await api.session(ada.identityId)];
    const hers = [];
    for (const at of [0, 1, 0]) hers.push((await api.get('/v1/me', cookies[at])).status);
    expect(hers).toEqual([200, 200, 429]);
    expect((await api.get('/v1/me', await api.session(ben.identityId))).status).toBe(200);
  } finally {
    await api.stop();
  }
});

test('answers are held for one caller up to a number; then they are given at once, and others’ are held', async () => {
  const api = await Api.start({ env: { HELD_ANSWERS_PER_CALLER: '2' } });
  try {
    const { requestId } = await api.admit();
    const path = `/v1/provisioning-requests/${requestId}`;
    const poll = async (client: string) =>
      api.get(path, { token: await api.keys.token(['foyer.read'], client) }, { prefer: 'wait=60' });
    const held = [poll('greedy'), poll('greedy')];
    const others: ReturnType<typeof poll>[] = [];
    const applied = (answer: Awaited<ReturnType<typeof poll>>) => answer.headers.get('preference-applied');
    // The network decides which of them arrives third.
    const first = await Promise.race([...held, poll('greedy')]);
    expect([first.status, applied(first)]).toEqual([200, null]);
    others.push(poll('other'));
    await api.finish(requestId, {});
    for (const answer of await Promise.all(others)) expect(answer.status).toBe(200);
    await Promise.all(held);
  } finally {
    await api.stop();
  }
});

test("one person cannot use up Box's limit with their files: new people still see theirs", async () => {
  const api = await Api.start({ box, env: { FILES_LIMIT_PER_MINUTE: '5' } });
  try {
    const people = [];
    for (const _ of [1, 2]) {
      const { identityId, requestId, subject } = await api.admit();
      const { users } = await box.control<{ users: [{ id: string }] }>('POST', 'seed', {
        users: [{ name: 'Ada Example', externalId: subject }],
      });
      await api.finish(requestId, { boxUserId: users[0].id });
      people.push(await api.session(identityId));
    }
    const [greedy, newcomer] = people;
    await box.control('DELETE', 'calls');
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.get('/v1/me/files', greedy)));
    for (let more = 0; more < 10; more++) answers.push(await api.get('/v1/me/files', greedy));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(refused).toHaveLength(25);
    for (const { headers, body } of refused) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(body.code).toBe('too_many_requests');
    }
    expect((await api.get('/v1/me/files', newcomer)).status).toBe(200);
  } finally {
    await api.stop();
  }
});
