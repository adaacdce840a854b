import { createGzip } from 'node:zlib';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box } from './index.ts';
import { auth, hang, json, reset, ScriptedBox, user, type Answer } from './scripted-box.harness.ts';

const TIMEOUT_MS = 300;
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
const list = () => box.listFolder(context, { boxUserId: '4711', folderId: '0', limit: 10 });
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

describe('what Box may have done all the same', () => {
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

  it.each(cases)('%s makes a create ambiguous, sent once', async (_name, answer, status) => {
    server.api(answer);
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_ambiguous', ambiguous: true } });
    expect(server.apiRequests).toHaveLength(1);
    expect(outcomes('create_user')).toEqual([['ambiguous', status]]);
  });

  it.each(cases)('%s makes an update ambiguous, sent once', async (_name, answer) => {
    server.api(answer);
    expect(await update()).toMatchObject({ ok: false, fault: { code: 'box_ambiguous', ambiguous: true } });
    expect(server.apiRequests).toHaveLength(1);
  });

  it.each(cases)('%s makes a look-up unavailable, sent once', async (_name, answer, status) => {
    server.api(answer);
    expect(await find()).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
    expect(server.apiRequests).toHaveLength(1);
    expect(outcomes('find_user')).toEqual([['failed', status]]);
  });

  it('keeps a create ambiguous when a 503 says when to come back, and says when', async () => {
    server.api(json(503, { code: 'unavailable' }, { 'retry-after': '3' }));
    const fault = { code: 'box_ambiguous', ambiguous: true, retryAfterMs: 3000 };
    expect(await create()).toMatchObject({ ok: false, fault });
  });

  it('shows no markup of an HTML page', async () => {
    server.api(html(502));
    expect(await find()).toMatchObject({ ok: false, fault: { detail: 'Box answered 502' } });
  });
});

describe('what Box surely did not do', () => {
  it('is a create when not even a token could be asked for', async () => {
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

  it('is a create whose connection was refused after the token came', async () => {
    server.token((response, request) => {
      json(200, { access_token: 'token', expires_in: 3600 }, { connection: 'close' })(response, request);
      response.on('close', () => void server.close());
    });
    const result = await create();
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
    expect(outcomes('create_user')).toEqual([['failed', null]]);
  });

  it('is a call to a name that does not exist', async () => {
    const nowhere = createBox({ auth, baseUrl: 'http://box.invalid', log });
    const result = await nowhere.findUser(context, 'sub-1');
    expect(result).toMatchObject({ ok: false, fault: { code: 'box_unavailable', ambiguous: false } });
    await nowhere.close();
  });

  it('is a call that was rate limited: seconds and HTTP dates are passed on', async () => {
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

  it('is a create that Box refused, in its own words and with the field at fault', async () => {
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

  it('is a refusal whose explanation is cut off: the status is enough', async () => {
    server.api((response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.write('{"co', () => response.socket?.destroy());
    });
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_forbidden', ambiguous: false } });
  });
});

describe('a user that exists', () => {
  const message = 'An app user already exists for this external_app_user_id';
  it.each([
    ['a list', { conflicts: [{ type: 'user', id: '99' }] }, '99'],
    ['an object', { conflicts: { type: 'user', id: '99' } }, '99'],
    ['an empty list', { conflicts: [] }, null],
    ['something else', { conflicts: 'user 99' }, null],
    ['an id that is none', { conflicts: [{ id: '../1' }] }, null],
    ['nothing', undefined, null],
  ])('is named by the conflict when that is %s', async (_name, context_info, conflictId) => {
    server.api(json(409, { type: 'error', status: 409, code: 'conflict', message, context_info }));
    expect(await create()).toEqual({ ok: true, value: { kind: 'exists', conflictId } });
    expect(outcomes('create_user')).toEqual([['refused', 409]]);
  });

  it('is understood whatever the code, and without a body', async () => {
    server.api(json(409, { code: 'something_new', message }), (response) => response.writeHead(409).end());
    const exists = { ok: true, value: { kind: 'exists', conflictId: null } };
    expect(await create()).toEqual(exists);
    expect(await create()).toEqual(exists);
  });

  it('is not meant by a login that is taken', async () => {
    server.api(
      json(409, { code: 'user_login_already_used', message: 'User with the specified login already exists' }),
    );
    expect(await create()).toMatchObject({ ok: false, fault: { code: 'box_invalid', ambiguous: false } });
  });
});

describe('a user as Box shows it', () => {
  const expected = {
    id: '4711',
    name: 'Ada Example',
    login: user.login,
    status: 'active',
    externalId: 'sub-1',
    isAppUser: true,
  };

  it('is taken from a 201 that the SDK itself cannot read', async () => {
    server.api(json(201, { ...user, notification_email: [] }));
    expect(await create()).toEqual({ ok: true, value: { kind: 'created', user: expected } });
    expect(server.apiRequests).toHaveLength(1);
  });

  it('is not lost over a field of an unforeseen shape', async () => {
    server.api(json(201, { id: '4711', name: null, login: 7, status: {}, external_app_user_id: [] }));
    expect(await create()).toMatchObject({ ok: true, value: { kind: 'created', user: { id: '4711' } } });
  });

  it('counts as active in the statuses that only bar editing', async () => {
    server.api(
      json(200, { ...user, status: 'cannot_delete_edit' }),
      json(200, { ...user, status: 'inactive' }),
    );
    expect(await read()).toMatchObject({ ok: true, value: { status: 'active' } });
    expect(await read()).toMatchObject({ ok: true, value: { status: 'inactive' } });
  });

  it('is shown to the caller even when the look-up matched another', async () => {
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

  it('is missing on 404: null when read, a fault when updated', async () => {
    server.api(json(404, { code: 'not_found', message: 'Not Found' }), json(404, {}), json(404, {}));
    expect(await read()).toEqual({ ok: true, value: null });
    expect(await update()).toMatchObject({
      ok: false,
      fault: { code: 'box_user_missing', ambiguous: false },
    });
    expect(await find()).toMatchObject({ ok: false, fault: { code: 'box_invalid' } });
  });
});

describe('what is sent', () => {
  const fields = 'id,name,login,status,external_app_user_id,is_platform_access_only';

  it('asks for an app user, and for the fields that Box leaves out', async () => {
    server.api(json(201, user));
    await create();
    const [sent] = server.apiRequests;
    expect(sent).toMatchObject({ method: 'POST', url: { pathname: '/2.0/users' } });
    expect(sent?.url.searchParams.get('fields')).toBe(fields);
    expect(sent?.headers.authorization).toBe('Bearer token-1');
    expect(JSON.parse(sent?.body ?? '')).toEqual({
      name: 'Ada Example',
      external_app_user_id: 'sub-1',
      is_platform_access_only: true,
    });
  });

  it('keeps odd external ids whole', async () => {
    server.api(json(200, { entries: [] }));
    await box.findUser(context, 'a&b=c/ü#?%20');
    expect(server.apiRequests[0]?.url.searchParams.get('external_app_user_id')).toBe('a&b=c/ü#?%20');
    expect(server.apiRequests[0]?.url.searchParams.get('fields')).toBe(fields);
  });

  it('changes only what is to change', async () => {
    server.api(json(200, user));
    await update();
    const [sent] = server.apiRequests;
    expect(sent).toMatchObject({
      method: 'PUT',
      url: { pathname: '/2.0/users/4711' },
      body: '{"status":"inactive"}',
    });
    expect(sent?.url.searchParams.get('fields')).toBe(fields);
  });

  it('lists a folder as the person, by marker; the token request knows nothing of them', async () => {
    const entries = [{ type: 'file', id: '1', name: 'a.txt', etag: '0' }];
    server.api(json(200, { entries, next_marker: '' }));
    const page = { items: [{ type: 'file', id: '1', name: 'a.txt' }], nextMarker: null, folderName: null };
    expect(await list()).toEqual({ ok: true, value: page });
    const [sent] = server.apiRequests;
    expect(sent?.headers['as-user']).toBe('4711');
    expect(Object.fromEntries(sent?.url.searchParams ?? [])).toEqual({
      usemarker: 'true',
      limit: '10',
      fields: 'type,id,name,parent',
    });
    expect(server.tokenRequests[0]?.headers).not.toHaveProperty('as-user');
  });

  const redirect = (location: string | undefined, status = 302): Answer => {
    const headers = location === undefined ? {} : { location };
    return (response) => response.writeHead(status, headers).end();
  };
  const locate = () => box.locateContent(context, { boxUserId: '4711', fileId: '99' });

  it('gives the address that Box has a file’s content at, and follows it nowhere', async () => {
    server.api(redirect('https://dl.example.com/d/1/secret/download'));
    expect(await locate()).toEqual({ ok: true, value: 'https://dl.example.com/d/1/secret/download' });
    expect(server.apiRequests).toHaveLength(1);
    expect(server.apiRequests[0]).toMatchObject({
      url: { pathname: '/2.0/files/99/content' },
      headers: { 'as-user': '4711' },
    });
    expect(outcomes('locate_content')).toEqual([['ok', 302]]);
    const kept = log.of('locate_content').map(({ intent, outcome }) => ({ intent, outcome }));
    expect(JSON.stringify(kept)).not.toContain('secret');
  });

  it.each([
    'javascript:alert(1)',
    'http://dl.example.com/d/1/x',
    'https://user:password@dl.example.com/d/1/x',
    `https://dl.example.com/${'x'.repeat(5_000)}`,
    undefined,
  ])('sends nobody to %s', async (location) => {
    server.api(redirect(location));
    expect(await locate()).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
  });

  it('says that a file that is not ready is not available, and one that is not there not found', async () => {
    server.api(redirect(undefined, 202), json(404, {}));
    expect(await locate()).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
    expect(await locate()).toMatchObject({ ok: false, fault: { code: 'not_found' } });
  });

  it('takes a redirect for no answer to anything else', async () => {
    server.api(redirect('https://dl.example.com/'));
    expect(await find()).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
  });

  it('goes over one connection, one call after the other', async () => {
    for (let count = 0; count < 10; count += 1) {
      server.api(json(200, { entries: [] }));
      await find();
    }
    expect(server.seen).toHaveLength(11);
    expect(new Set(server.seen.map((request) => request.connection)).size).toBe(1);
  });

  it('opens no more connections than it may', async () => {
    const narrow = createBox({ auth, baseUrl: server.url, log, maxConnections: 2 });
    server.api(...Array.from({ length: 12 }, () => json(200, { entries: [] })));
    await Promise.all(Array.from({ length: 12 }, (_, at) => narrow.findUser(context, `sub-${at}`)));
    expect(new Set(server.seen.map((request) => request.connection)).size).toBeLessThanOrEqual(2);
    await narrow.close();
  });
});

describe('closing', () => {
  it('waits for calls under way and takes no more', async () => {
    const arrived = new Promise<() => void>((resolve) => {
      server.api((response, request) => resolve(() => json(201, user)(response, request)));
    });
    const creating = create();
    const answer = await arrived;
    const closed = box.close();
    await expect(find()).rejects.toThrow('closed');
    answer();
    expect(await creating).toMatchObject({ ok: true });
    await closed;
    expect(log.calls.every((call) => call.outcome !== null)).toBe(true);
  });

  it('refuses an address that is no origin', () => {
    for (const baseUrl of [
      'api.box.com',
      'ftp://api.box.com',
      'https://api.box.com/2.0',
      'https://a:b@api.box.com',
    ]) {
      expect(() => createBox({ auth, baseUrl, log })).toThrow('origin');
    }
  });
});
