import { type ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { control, isRecord, start } from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';
import { backOff } from './tasks.ts';
import { answering, TOKEN, type Seen } from './scim-server.harness.ts';
import { endScene, lines, makeScene, tasksOf, type Scene } from './scim.harness.ts';

let twin: OktaTwin;
let scene: Scene;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
beforeEach(async () => {
  scene = await makeScene(twin);
  await scene.configure();
  await scene.hire('nia@example.com', { firstName: 'Nia' });
});
afterEach(async () => expect(await endScene(scene)).toEqual([]));

const isPost = ({ method }: Seen): boolean => method === 'POST';
const scimError = (status: number, detail: string): ((res: ServerResponse) => void) =>
  answering(
    status,
    JSON.stringify({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(status),
      detail,
    }),
  );

const assign = (): Promise<Record<string, unknown>> => scene.act('assign', { person: 'nia@example.com' });

describe('a create that fails', () => {
  it.each([
    [
      'with 400',
      scimError(400, 'userName is bad'),
      400,
      'User nia@example.com: HTTP 400. Errors reported by remote server: userName is bad',
    ],
    ['with 401 and no body', answering(401, ''), 401, 'User nia@example.com: HTTP 401'],
    [
      'with 409',
      scimError(409, 'taken'),
      409,
      'User nia@example.com already exists: HTTP 409. Errors reported by remote server: taken',
    ],
    ['with 429', scimError(429, 'slow down'), 429, 'User nia@example.com: HTTP 429. Errors'],
    ['with 500', answering(500, '{"oops":true}'), 500, 'User nia@example.com: HTTP 500'],
    ["with a gateway's page", answering(502, '<html>Bad Gateway</html>'), 502, 'Invalid JSON'],
    ['with a page that says 200', answering(200, '<html>Sign in</html>'), 200, 'Invalid JSON'],
    ['with half of its JSON', answering(201, '{"id":"user-'), 201, 'Invalid JSON'],
    ['with 201 and nothing', answering(201, ''), 201, 'Create new user returned empty user'],
    ['with 201 and no object', answering(201, '[]'), 201, 'Create new user returned empty user'],
    ['with a user without an id', answering(201, '{}'), null, 'Create new user: the resource has no id'],
    ['with a redirect', answering(302, '', { location: 'https://example.com/' }), 302, 'HTTP 302'],
    ['without an answer', (res: ServerResponse) => res.destroy(), null, 'Could not connect: socket hang up'],
  ])('%s is a failed task with the reason', async (_what, act, httpStatus, error) => {
    scene.server.fault(act, isPost);
    const task = await assign();
    expect(task).toMatchObject({ status: 'failed', attempts: 1, httpStatus, result: null });
    expect(task['error']).toContain(error);
    expect(scene.server.asked()).toHaveLength(2);
  });

  it('because no server listens is a failed task with the reason', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const address = nobody.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    nobody.close();
    await scene.configure({ baseUrl: `http://127.0.0.1:${port}/scim/v2` });
    expect((await assign())['error']).toContain('Could not connect: connect ECONNREFUSED');
  });

  it.each([
    ['hangs', () => undefined],
    [
      'trickles',
      (res: ServerResponse) => {
        const drip = setInterval(() => res.write(' '), 10);
        res.once('close', () => clearInterval(drip));
      },
    ],
  ])('because the server %s beyond the limit is a failed task with the reason', async (_what, act) => {
    await scene.configure({ timeLimitMs: 300 });
    scene.server.fault(act);
    expect(await assign()).toMatchObject({
      status: 'failed',
      httpStatus: null,
      error: 'Timed out: no answer within 300 ms',
    });
  });
});

describe('retry-failed', () => {
  it('sends look-up and create again, so that a create whose answer was lost is linked and not duplicated', async () => {
    scene.server.fault((res) => res.destroy(), isPost, true);
    expect(await assign()).toMatchObject({ status: 'failed' });
    expect(scene.server.users.size).toBe(1);
    const { tasks } = await scene.act('retry-failed');
    expect(tasks).toMatchObject([{ status: 'done', result: 'linked', attempts: 2, error: null }]);
    expect(scene.server.asked().map((line) => line.replace(/\?.*/, ''))).toEqual([
      'GET /Users',
      'POST /Users',
      'GET /Users',
      'GET /Users/user-1',
      'PUT /Users/user-1',
    ]);
  });

  it('keeps a task that ended with 400 failed, even when it is named', async () => {
    scene.server.fault(scimError(400, 'bad'), isPost);
    const { id } = await assign();
    scene.server.clear();
    expect(await scene.act('retry-failed')).toEqual({ tasks: [] });
    expect(await scene.act('retry-failed', { tasks: [id] })).toEqual({
      error: `tasks: task ${String(id)} ended with 400, which Okta does not send again`,
    });
    expect(scene.server.seen).toEqual([]);
    expect(await tasksOf(scene)).toMatchObject([{ status: 'failed', httpStatus: 400 }]);
  });

  it('does not revert later changes', async () => {
    scene.server.fault(answering(500, ''), isPost);
    await assign();
    await scene.act('unassign', { person: 'nia@example.com' });
    scene.server.clear();
    expect(await scene.act('retry-failed')).toMatchObject({
      tasks: [{ status: 'done', result: 'overtaken: nothing sent' }],
    });
    expect(scene.server.seen).toEqual([]);
    await assign();
    scene.server.fault(answering(500, ''));
    expect(await scene.act('unassign', { person: 'nia@example.com' })).toMatchObject({ status: 'failed' });
    await scene.act('reassign', { person: 'nia@example.com' });
    await scene.act('retry-failed');
    expect([...scene.server.users.values()]).toMatchObject([{ active: true }]);
  });

  it('sends only the named tasks, and rejects one that did not fail', async () => {
    scene.server.fault(answering(500, ''), isPost);
    scene.server.fault(answering(500, ''), isPost);
    await scene.hire('bo@example.com');
    await assign();
    const { id } = await scene.act('assign', { person: 'bo@example.com' });
    expect(await scene.act('retry-failed', { tasks: [id] })).toMatchObject({
      tasks: [{ about: 'bo@example.com' }],
    });
    expect(lines(await tasksOf(scene))).toEqual([
      'assign nia@example.com: failed',
      'assign bo@example.com: done',
    ]);
    expect(await scene.act('retry-failed', { tasks: [id] })).toEqual({
      error: `tasks: task ${String(id)} has not failed`,
    });
  });
});

describe('retries', () => {
  it('are automatic when the app is configured so, until one succeeds', async () => {
    await scene.configure({ retries: 3, backOffMs: 1 });
    scene.server.fault(answering(503, ''));
    scene.server.fault(answering(502, '<html>'), isPost);
    expect(await assign()).toMatchObject({ status: 'done', attempts: 3, result: 'created' });
  });

  it('end after the configured number, and do not start after a 400', async () => {
    await scene.configure({ retries: 2, backOffMs: 1 });
    for (let times = 0; times < 3; times++) scene.server.fault(answering(500, ''));
    expect(await assign()).toMatchObject({ status: 'failed', attempts: 3 });
    scene.server.fault(scimError(400, 'bad'));
    expect(await scene.act('provision-user', { person: 'nia@example.com' })).toMatchObject({ attempts: 1 });
  });

  it('wait twice as long each time, and as long as Retry-After says', () => {
    expect([0, 1, 2].map((before) => backOff(before, 1000, 0))).toEqual([1000, 2000, 4000]);
    expect([0, 1, 2].map((before) => backOff(before, 1000, 3000))).toEqual([3000, 3000, 4000]);
  });

  it('respect Retry-After, and end with the app', async () => {
    await scene.configure({ retries: 1, backOffMs: 1 });
    scene.server.fault(answering(429, '', { 'retry-after': '600' }), isPost);
    const assigned = assign();
    while ((await control(twin, '/scim')).body['pending'] !== 1 || scene.server.seen.length < 2)
      await new Promise((go) => setImmediate(go));
    expect(await scene.act('retry-failed')).toEqual({ tasks: [] });
    await control(twin, '/scim', undefined, 'DELETE');
    expect(await assigned).toMatchObject({ status: 'failed', attempts: 2 });
    expect(scene.server.seen).toHaveLength(2);
  });
});

describe('tasks', () => {
  it('show each request and response, without the token and without a password', async () => {
    let password = '';
    scene.server.fault((res) => {
      const [body] = scene.server.bodies('POST');
      password = String(isRecord(body) ? body['password'] : '');
      res.end(JSON.stringify({ id: 'user-1', PassWord: 'other secret', note: `${TOKEN} ${password}` }));
    }, isPost);
    const task = await assign();
    expect(password.length).toBeGreaterThan(8);
    const text = JSON.stringify([task, await tasksOf(scene), (await control(twin, '/scim')).body]);
    for (const secret of [TOKEN, password, 'other secret']) expect(text).not.toContain(secret);
    expect(task['exchanges']).toMatchObject([
      {
        method: 'GET',
        path: '/Users?filter=userName%20eq%20%22nia%40example.com%22&startIndex=1&count=100',
        headers: { Authorization: 'Bearer [redacted]', 'User-Agent': 'Okta SCIM Client 1.0.0' },
        body: null,
        status: 200,
        answer: { totalResults: 0 },
      },
      { method: 'POST', body: { userName: 'nia@example.com', password: '[redacted]' }, status: 200 },
    ]);
  });

  it('can be listed from a number on', async () => {
    await assign();
    const { id } = await scene.act('test-connection');
    const { body } = await control(twin, `/scim/tasks?since=${String(Number(id) - 1)}`);
    expect(body).toMatchObject({ tasks: [{ deed: { kind: 'test-connection' } }], pending: 0 });
    expect((await control(twin, '/scim/tasks?since=x')).status).toBe(400);
  });
});

describe('an impossible action is rejected with 400', () => {
  it.each([
    ['/scim', 'PUT', { baseUrl: 'ftp://example.com' }, 'baseUrl: must be an http(s) URL'],
    ['/scim', 'PUT', { baseUrl: 'https://example.com/?a=b' }, 'baseUrl: must be an http(s) URL'],
    ['/scim', 'PUT', { token: 'with blank' }, 'token: must be printable ASCII'],
    ['/scim', 'PUT', { token: 'two\r\nlines!' }, 'token: must be printable ASCII'],
    ['/scim', 'PUT', { dialect: 'azure' }, 'dialect: must be one of aiw, oin'],
    ['/scim', 'PUT', { timeLimitMs: 0 }, 'timeLimitMs: must be a whole number from 1'],
    ['/scim/test-connection', 'POST', { extra: 1 }, 'extra: is unknown'],
    ['/scim/assign', 'POST', {}, 'person: must be a string'],
    ['/scim/assign', 'POST', { person: 'nobody' }, 'person: nobody is "nobody"'],
    ['/scim/reassign', 'POST', { person: 'nia@example.com' }, 'person: never was provisioned; use assign'],
    ['/scim/provision-user', 'POST', { person: 'nia@example.com' }, 'person: is not assigned; use assign'],
    ['/scim/update', 'POST', { person: 'nia@example.com' }, 'person: is not provisioned'],
    ['/scim/update', 'POST', { person: 'nia@example.com', change: { login: 5 } }, 'login: must be a string'],
    ['/scim/push-group', 'POST', { group: 'nothing' }, 'group: no group is "nothing"'],
    ['/scim/push-now', 'POST', { group: 'Sales' }, 'group: is not pushed; use push-group'],
    ['/scim/assign', 'POST', { person: 'deactivated@example.com' }, 'assigned: a DEPROVISIONED person'],
    ['/groups', 'POST', { name: 'Sales' }, 'name "Sales" is taken'],
    ['/groups', 'POST', { name: 'New', members: ['nobody'] }, 'members[0]: nobody is "nobody"'],
    ['/groups/Everyone', 'PATCH', { name: 'All' }, 'Everyone is built in'],
    ['/groups/Sales', 'PATCH', { members: [], add: ['nia@example.com'] }, 'members: is all of them'],
  ])('%s %s %j', async (path, method, body, message) => {
    const answer = await control(twin, path, body, method);
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toContain(message);
    expect(scene.server.seen).toEqual([]);
  });

  it('before provisioning is configured, and after its configuration was removed', async () => {
    expect((await control(twin, '/scim', undefined, 'DELETE')).status).toBe(204);
    for (const path of ['/scim', '/scim/tasks']) expect((await control(twin, path)).status).toBe(400);
    expect(await assign()).toEqual({
      error: 'scim: provisioning is not configured; PUT /_control/scim first',
    });
    expect((await control(twin, '/scim', { token: TOKEN }, 'PUT')).body).toEqual({
      error: 'baseUrl: is needed first',
    });
  });
});
