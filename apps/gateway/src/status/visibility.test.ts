import { randomUUID } from 'node:crypto';
import { Intake, openTenant, PrismaCallLog } from '@foyer/persistence';
import { Api, oktaIssuer, type Answer, type Credentials } from '../access/api.harness.ts';

let api: Api;
let machine: Credentials;
let ada: Awaited<ReturnType<Api['admit']>>;
let bob: Awaited<ReturnType<Api['admit']>>;
let adasBrowser: Credentials;

beforeAll(async () => {
  api = await Api.start();
  machine = await api.machine();
  ada = await api.admit({ name: 'Ada Example' });
  bob = await api.admit({ name: 'Bob Example' });
  await api.finish(bob.requestId, { boxUserId: '31415926535' });
  adasBrowser = await api.session(ada.identityId);
});
afterAll(() => api.stop());

const requests = '/v1/provisioning-requests';
const ids = (answer: Answer) => answer.body.items.map(({ id }) => id);

describe('a person who signed in', () => {
  it('sees who they are', async () => {
    const { body } = await api.get('/v1/me', adasBrowser);
    expect(body).toMatchObject({ identity: { id: ada.identityId }, newestRequest: { id: ada.requestId } });
  });

  it('sees their own request and identity', async () => {
    expect((await api.get(`${requests}/${ada.requestId}`, adasBrowser)).status).toBe(200);
    expect((await api.get(`${requests}/${ada.requestId.toUpperCase()}`, adasBrowser)).status).toBe(200);
    expect((await api.get(`/v1/identities/${ada.identityId}`, adasBrowser)).status).toBe(200);
    expect((await api.get(`/v1/identities/${ada.identityId.toUpperCase()}`, adasBrowser)).status).toBe(200);
  });

  it('cannot distinguish data of others from data that does not exist', async () => {
    for (const path of [`${requests}/${bob.requestId}`, `/v1/identities/${bob.identityId}`]) {
      const others = await api.get(path, adasBrowser);
      const nothing = await api.get(path.replace(/[^/]*$/, randomUUID()), adasBrowser);
      expect([others.status, others.body.code]).toEqual([404, 'not_found']);
      expect({ ...others.body, instance: '' }).toEqual({ ...nothing.body, instance: '' });
      expect((await api.get(path, adasBrowser, { 'if-none-match': '*', prefer: 'wait=1' })).status).toBe(404);
    }
  });

  it('lists their own requests only', async () => {
    expect(ids(await api.get(requests, adasBrowser))).toEqual([ada.requestId]);
    expect(ids(await api.get(`${requests}?identityId=${ada.identityId}&status=queued`, adasBrowser))).toEqual(
      [ada.requestId],
    );
    expect(ids(await api.get(`${requests}?identityId=${bob.identityId}`, adasBrowser))).toEqual([]);
  });

  it('may not list people or calls', async () => {
    expect((await api.get('/v1/identities', adasBrowser)).status).toBe(403);
    expect((await api.get('/v1/api-calls', adasBrowser)).status).toBe(403);
  });
});

describe('lists', () => {
  it('filter', async () => {
    expect(ids(await api.get(`/v1/identities?subject=${bob.subject}`, machine))).toEqual([bob.identityId]);
    expect(ids(await api.get(`/v1/identities?username=${bob.subject}%40example.com`, machine))).toEqual([
      bob.identityId,
    ]);
    expect(ids(await api.get('/v1/identities?boxUserId=31415926535', machine))).toEqual([bob.identityId]);
    expect(ids(await api.get(`${requests}?status=succeeded`, machine))).toEqual([bob.requestId]);
  });

  it('give every item once, newest first, however they are paged', async () => {
    for (let i = 0; i < 7; i++) await api.admit();
    const all = ids(await api.get('/v1/identities?limit=200', machine));
    const paged: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await api.get(`/v1/identities?limit=2${cursor && `&cursor=${cursor}`}`, machine);
      paged.push(...ids(page));
      cursor = page.body.nextCursor;
    }
    expect(paged).toEqual(all);
    expect(all).toHaveLength(9);
  });

  it.each([
    [`${requests}?status=done`, 'status'],
    [`${requests}?identityId=7`, 'identityId'],
    [`${requests}?color=red`, 'color'],
    [`${requests}?limit=0`, 'limit'],
    [`${requests}?limit=201`, 'limit'],
    [`${requests}?limit=1e2`, 'limit'],
    [`${requests}?limit=+5`, 'limit'],
    [`${requests}?limit=`, 'limit'],
    [`${requests}?limit=5&limit=6`, 'limit'],
    [`${requests}?limit=99999999999999999999`, 'limit'],
    [`${requests}?cursor=`, 'cursor'],
    [`${requests}?cursor=abc`, 'cursor'],
    [`${requests}?cursor=a&cursor=b`, 'cursor'],
    [`${requests}?__proto__=1`, '__proto__'],
    ['/v1/identities?subject=%00', 'subject'],
    ['/v1/identities?subject=', 'subject'],
    ['/v1/api-calls?status=99', 'status'],
    ['/v1/api-calls?status=abc', 'status'],
    ['/v1/api-calls?from=yesterday', 'from'],
    ['/v1/api-calls?to=2026-02-30T00:00:00Z', 'to'],
    ['/v1/api-calls?direction=up', 'direction'],
    [`${requests}/7`, 'id'],
    ['/v1/identities/00000000-0000-0000-0000-00000000000g', 'id'],
  ])('refuse %s and name the field', async (path, field) => {
    const { status, body } = await api.get(path, machine);
    expect([status, body.code, body.errors?.[0]?.field]).toEqual([400, 'invalid_request', field]);
  });
});

describe('another tenant in the same database', () => {
  let theirs: { identityId: string; requestId: string };

  beforeAll(async () => {
    const { database } = api.context;
    const tenantId = await openTenant(database, 'other');
    const admission = await new Intake(database, tenantId).admit(
      { issuer: oktaIssuer, subject: ada.subject, username: 'eve@example.com', name: 'Eve Example' },
      'api',
      { client: 'test-client', key: 'shared-key', bodyHash: 'x' },
    );
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    theirs = { identityId: admission.identity.id, requestId: admission.requestId };
    await new PrismaCallLog(database, tenantId, 0).record(
      { ...theirs, lease: null },
      {
        direction: 'in',
        system: 'foyer',
        operation: 'secret',
        method: 'POST',
        path: '/',
        actor: null,
        parameters: {},
      },
      { result: 'ok', status: 299, error: null, answer: null, durationMs: 1 },
    );
    await api.sql(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation) VALUES ($1, $2, '27182818284', 'Eve', 'active', 1)`,
      [theirs.identityId, tenantId],
    );
  });

  it('does not exist by id', async () => {
    for (const as of [machine, adasBrowser]) {
      expect((await api.get(`${requests}/${theirs.requestId}`, as)).status).toBe(404);
      expect((await api.get(`${requests}/${theirs.requestId}`, as, { 'if-none-match': '*' })).status).toBe(
        404,
      );
      expect((await api.get(`/v1/identities/${theirs.identityId}`, as)).status).toBe(404);
    }
  });

  it('is in no list', async () => {
    for (const path of [
      `${requests}?limit=200`,
      `${requests}?identityId=${theirs.identityId}`,
      '/v1/identities?limit=200',
      '/v1/identities?username=eve%40example.com',
      '/v1/identities?boxUserId=27182818284',
      '/v1/api-calls?limit=200',
      `/v1/api-calls?requestId=${theirs.requestId}`,
      `/v1/api-calls?identityId=${theirs.identityId}`,
      '/v1/api-calls?status=299',
      '/v1/api-calls?result=ok&limit=200',
    ]) {
      const { status, body } = await api.get(path, machine);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toMatch(
        new RegExp(`${theirs.identityId}|${theirs.requestId}|"Eve|:299,`),
      );
    }
  });

  it('cannot be reached by a session of its people, nor by their files', async () => {
    const eve = await api.session(theirs.identityId);
    const paths = ['/v1/me', '/v1/me/files', requests];
    paths.push(`${requests}/${theirs.requestId}`, `/v1/identities/${theirs.identityId}`);
    for (const path of paths) expect([path, (await api.get(path, eve)).status]).toEqual([path, 401]);
  });

  it('cannot have its requests retried', async () => {
    await api.finish(theirs.requestId, { code: 'box_forbidden' });
    const answer = await api.call('POST', `${requests}/${theirs.requestId}/retry`, { as: machine });
    expect(answer.status).toBe(404);
  });

  it('has its own idempotency keys', async () => {
    const answer = await api.call('POST', requests, {
      as: machine,
      headers: { 'idempotency-key': 'shared-key' },
      body: { subject: '00uOther', username: 'other@example.com', name: 'Other' },
    });
    expect(answer.status).toBe(202);
  });
});
