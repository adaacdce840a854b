import { randomUUID } from 'node:crypto';
import { Api, type Answer, type Credentials } from '../access/api.harness.ts';

let api: Api;
let machine: Credentials;

beforeAll(async () => {
  api = await Api.start();
  machine = await api.machine();
});
afterAll(() => api.stop());

const at = (id: string) => `/v1/provisioning-requests/${id}`;
const follow = (id: string, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  api.call('GET', at(id), { as: machine, headers, ...(signal && { signal }) });
const bump = (id: string) =>
  api.sql(`UPDATE provisioning_request SET status = 'running', version = version + 1 WHERE id = $1`, [id]);
const brief = ({ status, body, headers }: Answer) => [status, body.status, headers.get('preference-applied')];

/** Resolves when the expected number of responses is held. */
async function held(count: number): Promise<void> {
  while (api.context.watch.waiting < count) await new Promise(setImmediate);
}

describe('entity tags', () => {
  it('answer 304 without a body while nothing changes', async () => {
    const { requestId } = await api.admit();
    const first = await follow(requestId);
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^"\d+"$/);
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    for (const header of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const again = await follow(requestId, { 'if-none-match': header });
      expect([again.status, again.text, again.headers.get('etag'), again.headers.get('retry-after')]).toEqual(
        [304, '', tag, '1'],
      );
    }
    await bump(requestId);
    let changed = await follow(requestId, { 'if-none-match': tag });
    while (changed.status === 304) changed = await follow(requestId, { 'if-none-match': tag });
    expect([changed.status, changed.body.status]).toEqual([200, 'running']);
    expect(changed.headers.get('etag')).not.toBe(tag);
  });

  it('that cannot be parsed match nothing', async () => {
    const { requestId } = await api.admit();
    for (const header of ['0', '"', '""', 'W/', '"0', ',,,', 'x'.repeat(5_000)]) {
      expect((await follow(requestId, { 'if-none-match': header })).status).toBe(200);
    }
  });

  it('do not reveal whether a request exists', async () => {
    expect((await follow(randomUUID(), { 'if-none-match': '*' })).status).toBe(404);
    expect((await follow(randomUUID(), { prefer: 'wait=5' })).status).toBe(404);
  });
});

describe('Retry-After', () => {
  it('states when the next attempt is, and is absent when there is none to wait for', async () => {
    const { requestId } = await api.admit();
    expect((await follow(requestId)).headers.get('retry-after')).toBe('1');
    await api.sql(
      `UPDATE provisioning_request SET status = 'retrying', next_attempt_at = now() + interval '90 s', version = version + 1 WHERE id = $1`,
      [requestId],
    );
    const seconds = Number((await follow(requestId)).headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(80);
    expect(seconds).toBeLessThanOrEqual(90);
    await api.finish(requestId, {});
    expect((await follow(requestId)).headers.get('retry-after')).toBeNull();
  });
});

describe('Prefer: wait', () => {
  it('holds the answer until the request differs from the version that the client has', async () => {
    const { requestId } = await api.admit();
    const tag = (await follow(requestId)).headers.get('etag') ?? '';
    const waiting = follow(requestId, { 'if-none-match': tag, prefer: 'wait=20' });
    await held(1);
    await bump(requestId);
    expect(brief(await waiting)).toEqual([200, 'running', 'wait=20']);
  });

  it('without a version holds it until something changes', async () => {
    const { requestId } = await api.admit();
    const waiting = follow(requestId, { prefer: 'wait=20' });
    await held(1);
    await api.finish(requestId, {});
    expect(brief(await waiting)).toEqual([200, 'succeeded', 'wait=20']);
  });

  it('answers at once when there is nothing more to wait for', async () => {
    const { requestId } = await api.admit();
    await api.finish(requestId, {});
    const done = await follow(requestId, { prefer: 'wait=30' });
    expect(brief(done)).toEqual([200, 'succeeded', 'wait=30']);
    const tag = done.headers.get('etag') ?? '';
    expect((await follow(requestId, { prefer: 'wait=30', 'if-none-match': tag })).status).toBe(304);
  });

  it('answers at once when the client’s version is an old one', async () => {
    const { requestId } = await api.admit();
    expect((await follow(requestId, { prefer: 'wait=30', 'if-none-match': '"99"' })).status).toBe(200);
  });

  it('returns the current state when the time is up', async () => {
    const { requestId } = await api.admit();
    const tag = (await follow(requestId)).headers.get('etag') ?? '';
    const began = performance.now();
    const unchanged = await follow(requestId, { prefer: 'wait=2', 'if-none-match': tag });
    expect([unchanged.status, unchanged.headers.get('preference-applied')]).toEqual([304, 'wait=2']);
    expect(performance.now() - began).toBeGreaterThan(1_900);
  });

  it.each([
    ['wait=0', 'wait=0'],
    ['wait="0"', 'wait=0'],
    ['respond-async, WAIT = 0; x=y', 'wait=0'],
    ['wait=-1', null],
    ['wait=soon', null],
    ['wait', null],
    ['wait=1e1', null],
    ['', null],
  ])('reads "%s" as RFC 7240 says', async (prefer, applied) => {
    const { requestId } = await api.admit();
    expect((await follow(requestId, { prefer })).headers.get('preference-applied')).toBe(applied);
  });

  it('grants 30 seconds at most', async () => {
    const { requestId } = await api.admit();
    const waiting = follow(requestId, { prefer: 'wait=9999999999' });
    await held(1);
    await api.finish(requestId, {});
    expect((await waiting).headers.get('preference-applied')).toBe('wait=30');
  });

  it('releases the poll of a client that disconnected', async () => {
    const { requestId } = await api.admit();
    const leaving = new AbortController();
    const waiting = follow(requestId, { prefer: 'wait=30' }, leaving.signal).catch(
      (error: Error) => error.name,
    );
    await held(1);
    leaving.abort();
    expect(await waiting).toBe('AbortError');
    while (api.context.watch.waiting > 0) await new Promise(setImmediate);
  });

  it('holds two hundred answers at once, and answers them all with one change', async () => {
    const { requestId } = await api.admit();
    const tag = (await follow(requestId)).headers.get('etag') ?? '';
    const waiting = Array.from({ length: 200 }, () =>
      follow(requestId, { prefer: 'wait=30', 'if-none-match': tag }),
    );
    await held(200);
    await bump(requestId);
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.body.status}`))).toEqual(
      new Set(['200 running']),
    );
  });

  it('answers at once when the gateway stops', async () => {
    const stopping = await Api.start();
    try {
      const as = await stopping.machine();
      const { requestId } = await stopping.admit();
      const path = at(requestId);
      const before = stopping.call('GET', path, { as, headers: { prefer: 'wait=30' } });
      while (stopping.context.watch.waiting === 0) await new Promise(setImmediate);
      stopping.beginShutdown();
      expect((await before).status).toBe(200);
      const after = await stopping.call('GET', path, { as, headers: { prefer: 'wait=30' } });
      expect([after.status, after.headers.get('preference-applied')]).toEqual([200, null]);
    } finally {
      await stopping.stop();
    }
  });
});
