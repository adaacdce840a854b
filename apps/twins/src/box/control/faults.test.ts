import { object, text, TwinUnderTest, type Reply } from '../box.harness.ts';

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
const total = async (externalId: string): Promise<unknown> =>
  (await twin.call('GET', `/2.0/users?external_app_user_id=${externalId}`, { token })).body.total_count;
const fault = (body: object) => twin.control('POST', 'faults', body);
const onCreate = { method: 'POST', path: '/2.0/users' };
/** The error code with which the connection ended instead of a response. */
const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: unknown) =>
      typeof error === 'object' && error !== null && 'cause' in error ? object(error.cause).code : error,
  );
async function lastCall(): Promise<Record<string, unknown>> {
  return object((await twin.calls()).at(-1));
}
/** Resolves when the twin has received the call and not answered it yet. */
async function untilPending(path: string): Promise<void> {
  while (!(await twin.calls()).some((call) => call.path === path && call.end === 'pending')) continue;
}

describe('faults', () => {
  it('answer with a status and Retry-After, change nothing, and apply once by default', async () => {
    await fault({ match: onCreate, kind: 'status', status: 503, retryAfter: 7 });
    const failed = await create('00u1');
    expect(failed.body).toMatchObject({ status: 503, code: 'unavailable', message: 'Unavailable' });
    expect(failed.headers.get('retry-after')).toBe('7');
    expect(await total('00u1')).toBe(0);
    expect((await create('00u1')).status).toBe(201);
  });

  it('answer 429 and other codes as configured', async () => {
    await fault({ kind: 'status', status: 429 });
    expect((await create('00u1')).body.code).toBe('rate_limit_exceeded');
    await fault({ kind: 'status', status: 403, code: 'forbidden_by_policy' });
    expect((await create('00u1')).body.code).toBe('forbidden_by_policy');
  });

  it('apply to every n-th matching call, with the given message and Retry-After', async () => {
    const words = { code: 'forbidden', message: 'Kept.', retryAfter: '-5' };
    await fault({ match: onCreate, kind: 'status', status: 403, every: 3, times: 2, ...words });
    const replies = [];
    for (let call = 1; call <= 7; call++) replies.push(await create(`00u${call}`));
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 403, 201, 201, 403, 201]);
    expect(replies[2]?.body).toMatchObject({ code: 'forbidden', message: 'Kept.' });
    expect(replies[2]?.headers.get('retry-after')).toBe('-5');
    expect((await fault({ kind: 'hang', every: 0 })).status).toBe(400);
  });

  it('apply to the token endpoint in the OAuth format', async () => {
    await fault({ match: { path: '/oauth2/token' }, kind: 'status', status: 503 });
    const reply = await twin.form('/oauth2/token', {});
    expect([reply.status, reply.body]).toEqual([
      503,
      { error: 'unavailable', error_description: 'Unavailable' },
    ]);
  });

  it('answer the HTML page of a proxy', async () => {
    await fault({ kind: 'html', status: 502 });
    const reply = await create('00u1');
    expect([reply.status, reply.headers.get('content-type')]).toEqual([502, 'text/html; charset=utf-8']);
    expect(reply.text).toMatch(/^<html>/);
    expect(await total('00u1')).toBe(0);
  });

  it('cut the connection before the call is carried out', async () => {
    await fault({ kind: 'resetBefore' });
    expect(await failureOf(create('00u1'))).toBe('ECONNRESET');
    expect(await lastCall()).toMatchObject({ status: null, end: 'cut', fault: 'resetBefore' });
    expect(await total('00u1')).toBe(0);
  });

  it('cut the connection after the commit', async () => {
    await fault({ kind: 'resetAfter' });
    expect(await failureOf(create('00u1'))).toBe('ECONNRESET');
    expect(await lastCall()).toMatchObject({ status: 201, end: 'cut', fault: 'resetAfter' });
    expect(await total('00u1')).toBe(1);
  });

  it('answer 503 after the commit', async () => {
    await fault({ kind: 'statusAfter', status: 503 });
    expect((await create('00u1')).status).toBe(503);
    expect(await total('00u1')).toBe(1);
  });

  it('cut the JSON of a 2xx after the commit, and leave an error response complete', async () => {
    await fault({ match: onCreate, kind: 'damaged', times: 2 });
    const reply = await create('00u1');
    expect(reply.status).toBe(201);
    expect(reply.text).toMatch(/^\{"type":"user",/);
    expect(() => JSON.parse(reply.text) as unknown).toThrow();
    expect((await create('00u1')).body.code).toBe('conflict');
  });

  it('delay a call before it is carried out', async () => {
    await fault({ match: onCreate, kind: 'slow', delayMs: 500 });
    const pending = create('00u1');
    await untilPending('/2.0/users');
    expect(await total('00u1')).toBe(0);
    expect((await pending).status).toBe(201);
  });

  it('delay the response after the commit', async () => {
    await fault({ match: onCreate, kind: 'slowAfter', delayMs: 500 });
    const pending = create('00u1');
    await untilPending('/2.0/users');
    expect(await total('00u1')).toBe(1);
    expect((await pending).status).toBe(201);
  });

  it('never answer, until the caller disconnects', async () => {
    await fault({ match: onCreate, kind: 'hang' });
    const gone = new AbortController();
    const pending = fetch(`${twin.url}/2.0/users`, { method: 'POST', body: '{}', signal: gone.signal });
    await untilPending('/2.0/users');
    gone.abort();
    await expect(pending).rejects.toThrow();
    while ((await lastCall()).end !== 'cut') continue;
    expect(await total('00u1')).toBe(0);
  });

  it('match by expression and by external id, wherever it is given', async () => {
    const id = text((await create('00u1')).body.id);
    await create('00u2');
    await fault({ match: { externalId: '00u1' }, kind: 'status', status: 500, times: null });
    expect((await create('00u1')).status).toBe(500);
    expect((await twin.call('GET', '/2.0/users?external_app_user_id=00u1', { token })).status).toBe(500);
    expect((await twin.call('GET', `/2.0/users/${id}`, { token })).status).toBe(500);
    expect((await twin.call('GET', '/2.0/folders/0/items', { token, asUser: id })).status).toBe(500);
    expect((await create('00u2')).status).toBe(409);
    await twin.control('DELETE', 'faults');
    await fault({ match: { path: '^/2\\.0/users/\\d+$' }, kind: 'status', status: 500 });
    expect(await total('00u1')).toBe(1);
    expect((await twin.call('GET', `/2.0/users/${id}`, { token })).status).toBe(500);
  });

  it('match by app, skip some calls, and count down', async () => {
    await fault({ match: { clientId: 'other' }, kind: 'status', status: 500, times: null });
    await fault({ match: { clientId: 'twin-box-client' }, kind: 'status', status: 503, skip: 1, times: 2 });
    const statuses = [];
    for (const externalId of ['a', 'b', 'c', 'd']) statuses.push((await create(externalId)).status);
    expect(statuses).toEqual([201, 503, 503, 201]);
    expect((await twin.control('GET', 'faults')).body.faults).toMatchObject([
      { applied: 0, times: null, skip: 0 },
    ]);
  });

  it.each([
    [{}, 'fault.kind must be a non-empty string'],
    [{ kind: 'explode' }, 'fault.kind must be one of status, html'],
    [{ kind: 'status' }, 'fault.status must be a whole number'],
    [{ kind: 'slow', delayMs: -1 }, 'fault.delayMs must be a whole number'],
    [{ kind: 'hang', delayMs: 5 }, 'fault.delayMs means nothing for hang'],
    [{ kind: 'hang', times: 0 }, 'fault.times must be a whole number'],
    [{ kind: 'hang', often: true }, 'fault has unknown often'],
    [{ kind: 'hang', match: { path: 'users' } }, 'fault.match.path must be a prefix that starts with /'],
    [{ kind: 'hang', match: { path: '^(' } }, 'fault.match.path must be'],
    [{ kind: 'hang', match: { user: 1 } }, 'fault.match has unknown user'],
    [[], 'fault must be a JSON object'],
  ])('reject %j and report what is wrong', async (body, message) => {
    const reply = await fault(body);
    expect([reply.status, reply.body.error]).toEqual([400, expect.stringContaining(message)]);
  });
});
