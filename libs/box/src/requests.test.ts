import { leasedContext, MemoryCallLog } from '@foyer/provisioning/testing';
import { createBox, type Box } from './index.ts';
import { auth, json, ScriptedBox, user, type Answer } from './scripted-box.harness.ts';

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
const list = () => box.listFolder(context, { boxUserId: '4711', folderId: '0', limit: 10 });
const outcomes = (operation: string) =>
  log.of(operation).map(({ outcome }) => [outcome?.result, outcome?.status]);

describe('a request to Box', () => {
  const fields = 'id,name,login,status,external_app_user_id,is_platform_access_only';

  it('asks for an app user, and for the fields that Box omits by default', async () => {
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

  it('encodes unusual external ids completely', async () => {
    server.api(json(200, { entries: [] }));
    await box.findUser(context, 'a&b=c/ü#?%20');
    expect(server.apiRequests[0]?.url.searchParams.get('external_app_user_id')).toBe('a&b=c/ü#?%20');
    expect(server.apiRequests[0]?.url.searchParams.get('fields')).toBe(fields);
  });

  it('updates only the changed fields', async () => {
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

  it('lists a folder as the person, page by page; the token request has no As-User header', async () => {
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

  it("returns the address of a file's content and does not follow it", async () => {
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
  ])('rejects %s as the address of a download', async (location) => {
    server.api(redirect(location));
    expect(await locate()).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
  });

  it('reports a file that is not ready as unavailable, and one that does not exist as not found', async () => {
    server.api(redirect(undefined, 202), json(404, {}));
    expect(await locate()).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
    expect(await locate()).toMatchObject({ ok: false, fault: { code: 'not_found' } });
  });

  it('treats a redirect of any other call as a failure', async () => {
    server.api(redirect('https://dl.example.com/'));
    expect(await find()).toMatchObject({ ok: false, fault: { code: 'box_unavailable' } });
  });

  it('uses one connection for consecutive calls', async () => {
    for (let count = 0; count < 10; count += 1) {
      server.api(json(200, { entries: [] }));
      await find();
    }
    expect(server.seen).toHaveLength(11);
    expect(new Set(server.seen.map((request) => request.connection)).size).toBe(1);
  });

  it('opens no more connections than its limit', async () => {
    const narrow = createBox({ auth, baseUrl: server.url, log, maxConnections: 2 });
    server.api(...Array.from({ length: 12 }, () => json(200, { entries: [] })));
    await Promise.all(Array.from({ length: 12 }, (_, at) => narrow.findUser(context, `sub-${at}`)));
    expect(new Set(server.seen.map((request) => request.connection)).size).toBeLessThanOrEqual(2);
    await narrow.close();
  });
});

describe('closing', () => {
  it('waits for running calls and rejects new ones', async () => {
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

  it('rejects a base URL that is not an origin', () => {
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
