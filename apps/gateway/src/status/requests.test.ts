import { randomUUID } from 'node:crypto';
import { Api, oktaIssuer, type Answer, type Credentials } from '../access/api.harness.ts';

let api: Api;
let machine: Credentials;

beforeAll(async () => {
  api = await Api.start();
  machine = await api.machine();
});
afterAll(() => api.stop());

const place = '/v1/provisioning-requests';
const person = (subject = `00u${randomUUID()}`) => ({
  subject,
  username: `${subject}@example.com`,
  email: 'ada@example.com',
  name: 'Ada Example',
});
const post = (body: unknown, headers: Record<string, string> = {}, as = machine) =>
  api.call('POST', place, { as, body, headers });
const faults = ({ status, body }: Answer) => [
  status,
  body.code,
  body.errors?.map(({ field }: { field: string }) => field),
];

describe('POST /v1/provisioning-requests', () => {
  it('accepts a person and gives the address of the request', async () => {
    const body = person();
    const answer = await post(body);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(`${place}/${answer.body.id}`);
    expect(answer.body).toMatchObject({
      cause: 'api',
      status: 'queued',
      outcome: null,
      timeline: [{ event: 'queued' }],
    });
    const identity = await api.get(`/v1/identities/${answer.body.identityId}`, machine);
    expect(identity.body).toMatchObject({ issuer: oktaIssuer, ...body, active: true, boxAccount: null });
  });

  it('gives all callers who wait for the same change the same request', async () => {
    const body = person();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(body)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
  });

  it('answers 200 with the newest request when nothing is left to do', async () => {
    const body = person();
    const first = await post(body);
    await api.finish(first.body.id, {});
    const again = await post(body);
    expect([again.status, again.body.id, again.body.status]).toEqual([200, first.body.id, 'succeeded']);
    const changed = await post({ ...body, name: 'Ada Married' });
    expect(changed.status).toBe(202);
    expect(changed.body.id).not.toBe(first.body.id);
  });

  it('refuses a person who was deactivated', async () => {
    const body = person();
    const { body: made } = await post(body);
    await api.sql('UPDATE identity SET active = false WHERE id = $1', [made.identityId]);
    const answer = await post(body);
    expect([answer.status, answer.body.code]).toEqual([403, 'identity_deactivated']);
  });

  it('accepts only the issuer of its tenant', async () => {
    expect(faults(await post({ ...person(), issuer: 'https://evil.example.com' }))).toEqual([
      400,
      'invalid_request',
      ['issuer'],
    ]);
    expect((await post({ ...person(), issuer: oktaIssuer })).status).toBe(202);
  });

  it.each([
    ['an unknown field', { ...person(), admin: true }, ['admin']],
    ['a missing field', { subject: 'a' }, ['username', 'name']],
    ['a wrong type', { ...person(), name: 7 }, ['name']],
    ['a list', [], ['body']],
    ['no object', 'null', ['body']],
    ['an empty subject', { ...person(), subject: '' }, ['subject']],
    ['a NUL', { ...person(), name: 'a\0b' }, ['name']],
    ['a lone surrogate', `{"subject":"a","username":"b","name":"\\ud800"}`, ['name']],
    ['a line break', { ...person(), username: 'a\nb' }, ['username']],
    ['an over-long name', { ...person(), name: 'x'.repeat(256) }, ['name']],
    ['an address that is none', { ...person(), email: 'ada' }, ['email']],
    ['a prototype', '{"subject":"a","username":"b","name":"c","__proto__":{"admin":true}}', ['__proto__']],
  ])('refuses %s and names the field', async (_name, body, fields) => {
    const answer = await post(body);
    expect(answer.body.code === 'malformed_body' ? [400, 'invalid_request', fields] : faults(answer)).toEqual(
      [400, 'invalid_request', fields],
    );
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/jsonx', ''])(
    'refuses a body of type "%s"',
    async (type) => {
      const answer = await api.call('POST', place, {
        as: machine,
        body: JSON.stringify(person()),
        headers: { 'content-type': type },
      });
      expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type']);
    },
  );

  it('refuses a body that is not JSON, too large, or in an unknown charset', async () => {
    const send = (body: string, type = 'application/json') =>
      api.call('POST', place, { as: machine, body, headers: { 'content-type': type } });
    expect((await send('{')).body.code).toBe('malformed_body');
    expect((await send(JSON.stringify({ name: 'x'.repeat(70_000) }))).body.code).toBe('body_too_large');
    expect((await send('{}', 'application/json; charset=ebcdic')).body.code).toBe('unsupported_media_type');
    expect((await send('['.repeat(30_000) + ']'.repeat(30_000))).status).toBe(400);
  });
});

describe('Idempotency-Key', () => {
  it('gives the same request for the same call, in whatever state it is', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = person();
    const first = await post(body, key);
    const { name, subject, username, email } = body;
    const second = await post({ name, email, username, subject, issuer: oktaIssuer }, key);
    expect([second.status, second.body.id]).toEqual([202, first.body.id]);
    await api.finish(first.body.id, {});
    const third = await post(body, key);
    expect([third.status, third.body.id, third.body.status]).toEqual([200, first.body.id, 'succeeded']);
  });

  it('refuses another body', async () => {
    const key = { 'idempotency-key': randomUUID() };
    await post(person(), key);
    const answer = await post(person(), key);
    expect([answer.status, answer.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  it('belongs to one client', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const first = await post(person(), key);
    const other = await post(person(), key, {
      token: await api.keys.token(['foyer.write'], 'another-client'),
    });
    expect(other.status).toBe(202);
    expect(other.body.id).not.toBe(first.body.id);
  });

  it('holds for calls at the same time', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = person();
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(body, key)));
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.body.id}`)).size).toBe(1);
  });

  it.each(['', ' ', 'a b', 'x'.repeat(256), 'é'])('refuses "%s" as a key', async (key) => {
    const answer = await post(person(), { 'idempotency-key': key });
    expect(faults(answer)).toEqual([400, 'invalid_request', ['Idempotency-Key']]);
  });
});

describe('POST /v1/provisioning-requests/retries', () => {
  const retryAll = (body: unknown, as = machine) => api.call('POST', `${place}/retries`, { as, body });
  const failed = async (code: 'box_user_mismatch' | 'box_forbidden') => {
    const { requestId } = await api.admit();
    await api.finish(requestId, { code });
    return requestId;
  };
  const newest = async (requestId: string) => {
    const { body } = await api.get(`${place}/${requestId}`, machine);
    return (await api.get(`${place}?identityId=${body.identityId}`, machine)).body.items[0];
  };

  it('creates a new request for each dead letter of the code, once, and for no other code', async () => {
    const [one, two, other] = [
      await failed('box_user_mismatch'),
      await failed('box_user_mismatch'),
      await failed('box_forbidden'),
    ];
    const answer = await retryAll({ errorCode: 'box_user_mismatch' });
    expect([answer.status, answer.body]).toEqual([202, { retried: 2, deactivated: 0 }]);
    for (const id of [one, two])
      expect(await newest(id)).toMatchObject({ status: 'queued', retryOf: id, cause: 'operator' });
    expect(await newest(other)).toMatchObject({ id: other, status: 'failed' });
    expect((await retryAll({ errorCode: 'box_user_mismatch' })).body).toEqual({ retried: 0, deactivated: 0 });
    const { items } = (await api.get(`${place}?status=failed&errorCode=box_user_mismatch`, machine)).body;
    expect(items.map(({ id }: { id: string }) => id).sort()).toEqual([one, two].sort());
  });

  it('creates no request for people who were deactivated, and is recorded', async () => {
    const id = await failed('box_user_mismatch');
    const { body } = await api.get(`${place}/${id}`, machine);
    await api.sql('UPDATE identity SET active = false WHERE id = $1', [body.identityId]);
    expect((await retryAll({ errorCode: 'box_user_mismatch' })).body).toEqual({ retried: 0, deactivated: 1 });
    expect(await newest(id)).toMatchObject({ id });
    const [call] = await api.sql(
      `SELECT parameters, answer FROM api_call JOIN api_call_outcome ON call_id = id
       WHERE operation = 'retry_provisioning_requests' ORDER BY id DESC LIMIT 1`,
    );
    expect(call).toMatchObject({
      parameters: { errorCode: 'box_user_mismatch' },
      answer: { retried: 0, deactivated: 1 },
    });
  });

  it.each([
    ['an unknown code', { errorCode: 'nothing' }, ['errorCode']],
    ['a code that no request fails with', { errorCode: 'not_found' }, ['errorCode']],
    ['a list', { errorCode: ['box_forbidden'] }, ['errorCode']],
    ['nothing', {}, ['errorCode']],
    ['more', { errorCode: 'box_forbidden', tenant: 'other' }, ['tenant']],
  ])('refuses %s', async (_what, body, fields) => {
    expect(faults(await retryAll(body))).toEqual([400, 'invalid_request', fields]);
  });

  it('is allowed to machines with the write scope', async () => {
    const answer = await retryAll({ errorCode: 'box_forbidden' }, await api.machine('foyer.read'));
    expect([answer.status, answer.body.code]).toEqual([403, 'insufficient_scope']);
  });
});

describe('POST /v1/provisioning-requests/{id}/retry', () => {
  const retry = (id: string, options = {}) =>
    api.call('POST', `${place}/${id}/retry`, { as: machine, ...options });

  it('creates a new request for a failed one', async () => {
    const { requestId } = await api.admit();
    await api.finish(requestId, { code: 'box_forbidden' });
    const answer = await retry(requestId);
    expect([answer.status, answer.body.retryOf, answer.body.cause]).toEqual([202, requestId, 'operator']);
    expect(answer.headers.get('location')).toBe(`${place}/${answer.body.id}`);
    expect((await retry(requestId, { body: {} })).body.id).toBe(answer.body.id);
  });

  it('refuses a request that has not failed, an unknown request, and a body with fields', async () => {
    const { requestId } = await api.admit();
    expect((await retry(requestId)).body.code).toBe('not_retryable');
    expect((await retry(randomUUID())).body.code).toBe('not_found');
    expect(faults(await retry(requestId, { body: { force: true } }))).toEqual([
      400,
      'invalid_request',
      ['force'],
    ]);
    expect(faults(await retry('7'))).toEqual([400, 'invalid_request', ['id']]);
  });
});

describe('a call that changes something', () => {
  const recorded = async (query: string) =>
    (await api.get(`/v1/api-calls?direction=in&${query}`, machine)).body.items;

  it('is recorded: who, what, and with which result', async () => {
    const body = person();
    const { body: made } = await post(body, { 'idempotency-key': 'record-1' });
    await post({ ...body, extra: 1 });
    const [call] = await recorded(`requestId=${made.id}`);
    expect(call).toMatchObject({
      system: 'foyer',
      operation: 'create_provisioning_request',
      method: 'POST',
      path: place,
      identityId: made.identityId,
      actor: 'test-client',
      parameters: { issuer: oktaIssuer, subject: body.subject, username: body.username, key: 'record-1' },
      result: 'ok',
      status: 202,
      error: null,
    });
    expect(JSON.stringify(call)).not.toContain(machine.token);
    expect((await recorded('status=400&limit=1'))[0]).toMatchObject({
      result: 'refused',
      error: 'invalid_request',
    });
  });

  it('gets no second record when it is read', async () => {
    const { requestId } = await api.admit();
    await api.get(`${place}/${requestId}`, machine);
    expect(await recorded(`requestId=${requestId}`)).toEqual([]);
  });
});
