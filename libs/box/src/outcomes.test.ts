import { createGzip } from 'node:zlib';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box } from './index.ts';
import { auth, hang, json, reset, ScriptedBox, user, type Answer } from './scripted-box.harness.ts';

/** Long enough for a prompt answer on a busy machine; only calls without an answer take that long. */
const TIMEOUT_MS = 1_500;
let server: ScriptedBox;
let log: MemoryCallLog;
let box: Box;
const context = leasedContext();

beforeEach(async () => {
  server = await ScriptedBox.start();
  log = new MemoryCallLog();
  box = createBox({ auth, baseUrl: server.url, log, timeoutMs: TIMEOUT_MS });
});
afterEach(async () => {
  await box.close();
  await server.close();
});

const create = () => box.createUser(context, { externalId: 'sub-1', name: 'Ada Example' });
const update = () => box.updateUser(context, '4711', { status: 'inactive' });
const find = () => box.findUser(context, 'sub-1');
const read = () => box.readUser(context, '4711');
const outcomes = (operation: string) =>
  log.of(operation).map(({ outcome }) => [outcome?.result, outcome?.status]);

const html =
  (status: number): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html><h1>Bad Gateway</h1></html>');
const cutShort: Answer = (response) => {
  response.writeHead(201, { 'content-type': 'application/json', 'content-length': '500' });
  response.write('{"id":"47', () => response.socket?.resetAndDestroy());
};
const cutChunk: Answer = (response) => {
  response.writeHead(201, { 'content-type': 'application/json' });
  response.write('{"id":"47', () => response.socket?.destroy());
};
const trickle: Answer = (response) => {
  response.writeHead(201, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
};
const flood: Answer = (response) => {
  response.writeHead(201, { 'content-type': 'application/json' });
  response.end(`"${'x'.repeat(1024 * 1024)}"`);
};
/** A few kilobytes on the wire, which decompress without end. */
const bomb: Answer = (response) => {
  response.writeHead(201, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
  const gzip = createGzip({ level: 9 });
  gzip.on('error', () => undefined).pipe(response);
  const pour = (): void => {
    while (!response.destroyed)
      if (!gzip.write(' '.repeat(1024 * 1024))) return void gzip.once('drain', pour);
  };
  pour();
};
const damaged: Answer = (response) => response.writeHead(201).end('{"id":"4711","na');

describe('a call that Box may have carried out', () => {
  const cases: [string, Answer, number | null][] = [
    ['no answer in time', hang, null],
    ['a reset connection', reset, null],
    ['a body cut short of its length', cutShort, 201],
    ['a body cut between chunks', cutChunk, 201],
    ['a body that never ends', trickle, 201],
    ['a body that is too large', flood, 201],
    ['a body that unpacks without an end', bomb, 201],
    ['damaged JSON', damaged, 201],
    ['a 201 that is no user', json(201, { hello: 'there' }), 201],
    ['an empty 202 to come back to', json(202, {}, { 'retry-after': '1' }), 202],
    ['a redirect, which is not followed', json(307, {}, { location: '/2.0/users' }), 307],
    ['a 408', json(408, {}), 408],
    ['a 500', json(500, { type: 'error', code: 'internal_server_error' }), 500],
    ['a 503', json(503, { type: 'error', code: 'unavailable' }), 503],
    ['an HTML 502', html(502), 502],
  ];

  it.each(cases)('is ambiguous for a create after %s, and sent once', async (_name, answer, status) => {
    server.api(answer);
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_ambiguous', ambiguous: true } });
    expect(server.apiRequests).toHaveLength(1);
    expect(outcomes('create_user')).toEqual([['ambiguous', status]]);
  });

  it.each(cases)('is ambiguous for an update after %s, and sent once', async (_name, answer) => {
    server.api(answer);
    expect(await update()).toMatchObject({ ok: false, fault: { code: 'box_ambiguous', ambiguous: true } });
    expect(server.apiRequests).toHaveLength(1);
  });

  it.each(cases)('is unavailable for a look-up after %s, and sent once', async (_name, answer, status) => {
    server.api(answer);
    expect(await find()).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
    expect(server.apiRequests).toHaveLength(1);
    expect(outcomes('find_user')).toEqual([['failed', status]]);
  });

  it('stays ambiguous for a create when a 503 has Retry-After, and the pause is passed on', async () => {
    server.api(json(503, { code: 'unavailable' }, { 'retry-after': '3' }));
    const fault = { code: 'box_ambiguous', ambiguous: true, retryAfterMs: 3000 };
    expect(await create()).toMatchObject({ ok: false, fault });
  });

  it('is reported without the markup of an HTML page', async () => {
    server.api(html(502));
    expect(await find()).toMatchObject({ ok: false, fault: { detail: 'Box answered 502' } });
  });
});

describe('a call that Box certainly did not carry out', () => {
  it('is a create for which no token could be requested', async () => {
    const gone = createServer();
    await once(gone.listen(0, '127.0.0.1'), 'listening');
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const nowhere = createBox({ auth, baseUrl: `http://127.0.0.1:${port}`, log, timeoutMs: TIMEOUT_MS });
    const result = await nowhere.createUser(context, { externalId: 'sub-1', name: 'Ada' });
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
    expect(log.of('create_user')).toEqual([]);
    await nowhere.close();
  });

  it('is a create whose connection was refused after the token was received', async () => {
    server.token((response, request) => {
      json(200, { access_token: 'token', expires_in: 3600 }, { connection: 'close' })(response, request);
      response.on('close', () => void server.close());
    });
    const result = await create();
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
    expect(outcomes('create_user')).toEqual([['failed', null]]);
  });

  it('is a call to a host name that does not exist', async () => {
    const nowhere = createBox({ auth, baseUrl: 'http://box.invalid', log });
    const result = await nowhere.findUser(context, 'sub-1');
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
    await nowhere.close();
  });

  it('is a rate limited call: Retry-After in seconds and as a date is passed on', async () => {
    const at = new Date(Date.now() + 60_000).toUTCString();
    server.api(
      json(
        429,
        { code: 'rate_limit_exceeded', message: 'Request rate limit exceeded' },
        { 'retry-after': '7' },
      ),
      json(429, {}, { 'retry-after': at }),
      json(429, {}),
    );
    const fault = { code: 'box_rate_limited', ambiguous: false };
    expect(await create()).toMatchObject({ ok: false, fault: { ...fault, retryAfterMs: 7000 } });
    const dated = await create();
    expect(dated).toMatchObject({ ok: false, fault });
    const wait = dated.ok ? 0 : (dated.fault.retryAfterMs ?? 0);
    expect(wait).toBeGreaterThan(55_000);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(await create()).toMatchObject({ ok: false, fault: { ...fault, retryAfterMs: undefined } });
    expect(outcomes('create_user')).toEqual(Array(3).fill(['failed', 429]));
    expect(server.apiRequests).toHaveLength(3);
  });

  it("is a create that Box refused, with Box's message and the invalid field", async () => {
    const problem = { reason: 'invalid_parameter', name: 'name', message: 'Too long' };
    server.api(
      json(400, { code: 'bad_request', message: 'Bad Request', context_info: { errors: [problem] } }),
      json(403, { code: 'insufficient_scope', message: 'The request requires higher privileges.' }),
    );
    const detail = 'Box answered 400 bad_request: Bad Request (name: Too long)';
    expect(await create()).toEqual({ ok: false, fault: { code: 'box_invalid', detail, ambiguous: false } });
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_forbidden', ambiguous: false } });
    expect(outcomes('create_user')).toEqual([
      ['refused', 400],
      ['refused', 403],
    ]);
  });

  it('is a refusal whose body is cut off: the status is enough', async () => {
    server.api((response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.write('{"co', () => response.socket?.destroy());
    });
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_forbidden', ambiguous: false } });
  });
});

describe('a user that already exists', () => {
  const message = 'An app user already exists for this external_app_user_id';
  it.each([
    ['a list', { conflicts: [{ type: 'user', id: '99' }] }, '99'],
    ['an object', { conflicts: { type: 'user', id: '99' } }, '99'],
    ['an empty list', { conflicts: [] }, null],
    ['something else', { conflicts: 'user 99' }, null],
    ['an id that is none', { conflicts: [{ id: '../1' }] }, null],
    ['nothing', undefined, null],
  ])('is read from the 409 when its conflict is %s', async (_name, context_info, conflictId) => {
    server.api(json(409, { type: 'error', status: 409, code: 'conflict', message, context_info }));
    expect(await create()).toEqual({ ok: true, value: { kind: 'exists', conflictId } });
    expect(outcomes('create_user')).toEqual([['refused', 409]]);
  });

  it('is recognized by any 409, whatever its code and even without a body', async () => {
    server.api(json(409, { code: 'something_new', message }), (response) => response.writeHead(409).end());
    const exists = { ok: true, value: { kind: 'exists', conflictId: null } };
    expect(await create()).toEqual(exists);
    expect(await create()).toEqual(exists);
  });

  it('is not assumed when only the login is taken', async () => {
    server.api(
      json(409, { code: 'user_login_already_used', message: 'User with the specified login already exists' }),
    );
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_invalid', ambiguous: false } });
  });
});

describe('a user in a response of Box', () => {
  const expected = {
    id: '4711',
    name: 'Ada Example',
    login: user.login,
    status: 'active',
    externalId: 'sub-1',
    isAppUser: true,
  };

  it('is read from a 201 that the SDK itself cannot parse', async () => {
    server.api(json(201, { ...user, notification_email: [] }));
    expect(await create()).toEqual({ ok: true, value: { kind: 'created', user: expected } });
    expect(server.apiRequests).toHaveLength(1);
  });

  it('is read despite a field of an unexpected type', async () => {
    server.api(json(201, { id: '4711', name: null, login: 7, status: {}, external_app_user_id: [] }));
    expect(await create()).toMatchObject({ ok: true, value: { kind: 'created', user: { id: '4711' } } });
  });

  it('counts as active in the statuses that only restrict editing', async () => {
    server.api(
      json(200, { ...user, status: 'cannot_delete_edit' }),
      json(200, { ...user, status: 'inactive' }),
    );
    expect(await read()).toMatchObject({ ok: true, value: { status: 'active' } });
    expect(await read()).toMatchObject({ ok: true, value: { status: 'inactive' } });
  });

  it('is returned as it is when the look-up matched another user', async () => {
    const other = { ...user, id: '1', external_app_user_id: 'SUB-1' };
    server.api(
      json(200, { entries: [other, user] }),
      json(200, { entries: [other] }),
      json(200, { entries: [] }),
    );
    expect(await find()).toEqual({ ok: true, value: expected });
    expect(await find()).toMatchObject({ ok: true, value: { id: '1', externalId: 'SUB-1' } });
    expect(await find()).toEqual({ ok: true, value: null });
  });

  it('does not exist on 404: null for a read, a fault for an update', async () => {
    server.api(json(404, { code: 'not_found', message: 'Not Found' }), json(404, {}), json(404, {}));
    expect(await read()).toEqual({ ok: true, value: null });
    expect(await update()).toMatchObject({
      ok: false,
      fault: { code: 'box_user_missing', ambiguous: false },
    });
    expect(await find()).toMatchObject({ ok: false, fault: { code: 'box_invalid' } });
  });
});
