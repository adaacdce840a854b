import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box } from './index.ts';
import { auth, hang, json, reset, SECRET, ScriptedBox, user, type Answer } from './scripted-box.harness.ts';

let server: ScriptedBox;
let log: MemoryCallLog;
let box: Box;
const context = leasedContext();

beforeEach(async () => {
  server = await ScriptedBox.start();
  log = new MemoryCallLog();
  box = createBox({ auth, baseUrl: server.url, log, timeoutMs: 1_500 });
});
afterEach(async () => {
  await box.close();
  await server.close();
});

const create = () => box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
const find = () => box.findUser(context, 'sub-1');
const nobody = json(200, { entries: [] });
const unauthorized: Answer = (response) => response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
const switchedOff = json(401, { code: 'unauthorized', message: 'Unauthorized - User has been deactivated' });

describe('the token', () => {
  it('is requested once for many concurrent calls, and then kept', async () => {
    server.api(...Array.from({ length: 21 }, () => nobody));
    await box.close();
    // Twenty concurrent calls take time on a busy machine, and none may time out.
    box = createBox({ auth, baseUrl: server.url, log, timeoutMs: 10_000 });
    await Promise.all(Array.from({ length: 20 }, find));
    await find();
    expect(server.tokenRequests).toHaveLength(1);
    expect(log.of('token')).toHaveLength(1);
    expect(server.apiRequests).toHaveLength(21);
  });

  it("is requested with the app's id, its secret and its enterprise", async () => {
    server.api(nobody);
    await find();
    expect(Object.fromEntries(new URLSearchParams(server.tokenRequests[0]?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'app-1',
      client_secret: SECRET,
      box_subject_type: 'enterprise',
      box_subject_id: '77',
    });
  });

  it('is logged for the call that needed it, but not fenced by its lease', async () => {
    log.loseLease(context.lease);
    await expect(create()).rejects.toMatchObject({ name: 'LeaseLost' });
    expect(server.tokenRequests).toHaveLength(1);
    expect(server.apiRequests).toHaveLength(0);
    const [call] = log.of('token');
    expect(call?.context).toEqual({ ...context, lease: null });
    expect(call?.intent).toMatchObject({
      direction: 'out',
      system: 'box',
      method: 'POST',
      path: '/oauth2/token',
    });
    expect(call?.outcome).toMatchObject({ result: 'ok', status: 200, answer: { expiresIn: 3600 } });
  });

  it.each([
    ['invalid_client', 400, 'The client credentials are invalid'],
    ['unauthorized_client', 400, 'This app is not authorized by the enterprise admin'],
    ['invalid_grant', 401, 'Grant credentials are invalid'],
  ])(
    "is refused with %s: the credentials are wrong, and Box's message is reported",
    async (error, status, error_description) => {
      server.token(json(status, { error, error_description }));
      const detail = `Box answered ${status} ${error}: ${error_description}`;
      const retryAfterMs: unknown = expect.any(Number);
      expect(await create()).toEqual({
        ok: false,
        fault: { code: 'box_auth_failed', detail, ambiguous: false, retryAfterMs },
      });
      expect(server.apiRequests).toHaveLength(0);
      expect(log.calls.map(({ intent, outcome }) => [intent.operation, outcome?.result])).toEqual([
        ['token', 'failed'],
      ]);
    },
  );

  it('is temporarily unavailable: the call waits, and nothing was done', async () => {
    server.token(json(429, { error: 'slow_down' }, { 'retry-after': '9' }));
    const fault = { code: 'box_rate_limited', ambiguous: false, retryAfterMs: 9000 };
    expect(await create()).toMatchObject({ ok: false, fault });
    expect(log.of('create_user')).toEqual([]);
  });

  it.each<[string, Answer]>([
    ['fails', json(503, { error: 'unavailable' })],
    ['is cut off', reset],
    ['does not come', hang],
    ['is a page', (response) => response.writeHead(200).end('<html>')],
    ['cannot be a header', json(200, { access_token: 'a\nb', expires_in: 3600 })],
  ])('leaves a create certainly not done when its request %s', async (_name, answer) => {
    server.token(answer);
    const fault = { code: 'box_unavailable', ambiguous: false };
    expect(await create()).toMatchObject({ ok: false, fault });
    expect(server.tokenRequests).toHaveLength(1);
    expect(log.of('create_user')).toEqual([]);
  });

  it('is requested again by the next call after a failure', async () => {
    server.token(json(503, {}));
    const failed = await Promise.all([find(), find(), find()]);
    expect(failed.map((result) => result.ok)).toEqual([false, false, false]);
    expect(server.tokenRequests).toHaveLength(1);
    server.api(nobody);
    expect(await find()).toEqual({ ok: true, value: null });
    expect(server.tokenRequests).toHaveLength(2);
  });
});

describe('a token that Box refuses', () => {
  it('is renewed, and the call is sent once more: both are on record', async () => {
    server.api(unauthorized, json(201, user));
    expect(await create()).toMatchObject({ ok: true, value: { kind: 'created' } });
    expect(server.apiRequests.map((request) => request.headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    expect(
      log.calls.map(({ intent, outcome }) => [intent.operation, outcome?.result, outcome?.status]),
    ).toEqual([
      ['token', 'ok', 200],
      ['create_user', 'failed', 401],
      ['token', 'ok', 200],
      ['create_user', 'ok', 201],
    ]);
  });

  it('is renewed once for many concurrent calls', async () => {
    await box.close();
    // Ten concurrent calls take time on a busy machine, and none may time out.
    box = createBox({ auth, baseUrl: server.url, log, timeoutMs: 10_000 });
    server.api(nobody);
    await find();
    const byToken: Answer = (response, request) =>
      (request.headers.authorization === 'Bearer token-1' ? unauthorized : nobody)(response, request);
    server.api(...Array.from({ length: 20 }, () => byToken));
    const results = await Promise.all(Array.from({ length: 10 }, find));
    expect(results.filter((result) => !result.ok)).toEqual([]);
    expect(server.tokenRequests).toHaveLength(2);
  });

  it('for the second time is a fault of the credentials', async () => {
    server.api(unauthorized, unauthorized);
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_auth_failed', ambiguous: false } });
    expect(server.apiRequests).toHaveLength(2);
    expect(server.tokenRequests).toHaveLength(2);
  });

  it('is kept when the person is deactivated', async () => {
    server.api(switchedOff, nobody);
    const result = await box.listFolder(context, { boxUserId: '4711', folderId: '0', limit: 10 });
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_user_deactivated', ambiguous: false } });
    await find();
    expect(server.tokenRequests).toHaveLength(1);
    expect(server.apiRequests).toHaveLength(2);
  });

  it('is kept when our own service account is deactivated, which is not a fault of the person', async () => {
    server.api(switchedOff);
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_auth_failed', ambiguous: false } });
    expect(server.seen).toHaveLength(2);
  });
});
