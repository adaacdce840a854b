import { randomUUID } from 'node:crypto';
import { Api, type Credentials } from '../access/api.harness.ts';
import { Twin } from '../testing/twins.harness.ts';

let box: Twin;
let api: Api;

beforeAll(async () => {
  box = await Twin.start('box', { BOX_TWIN_PORT: '0', BOX_TWIN_RATE_LIMIT: '0' });
  api = await Api.start({ box });
});
afterAll(async () => {
  await api.stop();
  await box.stop();
});

interface Person {
  readonly identityId: string;
  readonly boxUserId: string;
  readonly browser: Credentials;
}

/** Somebody with these files in Box, signed in. */
async function somebody(...files: string[]): Promise<Person> {
  const { identityId, requestId, subject } = await api.admit();
  const { users } = await box.control<{ users: [{ id: string }] }>('POST', 'seed', {
    users: [{ name: 'Ada Example', externalId: subject }],
    files: files.map((path) => ({ externalId: subject, path })),
  });
  await api.finish(requestId, { boxUserId: users[0].id });
  return { identityId, boxUserId: users[0].id, browser: await api.session(identityId) };
}

const list = ({ browser }: Pick<Person, 'browser'>, query = '') => api.get(`/v1/me/files${query}`, browser);
const failing = (fault: object) =>
  box.control('POST', 'faults', { match: { method: 'GET', path: '/2.0/folders' }, ...fault });

it('lists the person’s own folder, on their behalf, and puts the call on record', async () => {
  const ada = await somebody('Contracts/', 'Welcome.pdf');
  await somebody('not-hers.txt');
  const { status, body } = await list(ada);
  expect([status, body.nextCursor]).toEqual([200, null]);
  expect(body.items).toMatchObject([
    { type: 'folder', name: 'Contracts' },
    { type: 'file', name: 'Welcome.pdf' },
  ]);
  const calls = await api.get(`/v1/api-calls?identityId=${ada.identityId}`, await api.machine());
  expect(calls.body.items[0]).toMatchObject({ direction: 'out', system: 'box', result: 'ok', status: 200 });
  expect(JSON.stringify(calls.body)).not.toContain('Welcome.pdf');
});

it('lists nothing for a newcomer', async () => {
  expect((await list(await somebody())).body).toEqual({ items: [], nextCursor: null });
});

it('gives every item once, page by page', async () => {
  const names = Array.from({ length: 7 }, (_, i) => `file-${i}.txt`);
  const ada = await somebody(...names);
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { body } = await list(ada, `?limit=3${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    seen.push(...body.items.map(({ name }: { name: string }) => name));
    cursor = body.nextCursor;
  }
  expect(seen.toSorted()).toEqual(names);
});

it('says that there is no Box account yet', async () => {
  const { identityId } = await api.admit();
  const answer = await list({ browser: await api.session(identityId) });
  expect([answer.status, answer.body.code]).toEqual([409, 'no_box_account']);
});

it('does nothing for somebody who was deactivated', async () => {
  const ada = await somebody();
  await api.sql('UPDATE identity SET active = false WHERE id = $1', [ada.identityId]);
  const answer = await list(ada);
  expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
});

it.each([
  'abc',
  Buffer.from('["box"]').toString('base64url'),
  Buffer.from('["box",""]').toString('base64url'),
  Buffer.from('["box","a\\u0000"]').toString('base64url'),
  Buffer.from('["box","not a marker of Box"]').toString('base64url'),
  Buffer.from('["2026-11-21T09:00:00.000Z","0b6b1c9e-58a6-4f0c-9d0a-2d7c3f1e8a01"]').toString('base64url'),
])('refuses %s as a cursor', async (cursor) => {
  const { status, body } = await list(await somebody(), `?cursor=${cursor}`);
  expect([status, body.code, body.errors]).toEqual([
    400,
    'invalid_request',
    [{ field: 'cursor', message: 'is not one of this list' }],
  ]);
});

it('shows the former holder nothing when the identity goes to somebody else while Box is asked', async () => {
  const max = await somebody('secret-of-the-next-one.txt');
  await failing({ kind: 'slow', delayMs: 1_500 });
  const under = list(max);
  const asked = () =>
    api.sql(`SELECT FROM api_call WHERE identity_id = $1 AND direction = 'out'`, [max.identityId]);
  while ((await asked()).length === 0);
  await api.sql(`UPDATE identity SET subject = $2 WHERE id = $1`, [max.identityId, `00u${randomUUID()}`]);
  const { status, text } = await under;
  expect([status, text.includes('secret')]).toEqual([401, false]);
});

it.each([
  [{ kind: 'status', status: 503 }, 503, 'box_unavailable', null],
  [{ kind: 'html', status: 502 }, 503, 'box_unavailable', null],
  [{ kind: 'resetBefore' }, 503, 'box_unavailable', null],
  [{ kind: 'hang' }, 503, 'box_unavailable', null],
  [{ kind: 'status', status: 403 }, 502, 'box_forbidden', null],
  // The last: after it nobody calls Box for seven seconds.
  [{ kind: 'status', status: 429, retryAfter: 7 }, 503, 'box_rate_limited', '7'],
])('tells of Box’s %j as %s %s', async (fault, status, code, retryAfter) => {
  const ada = await somebody();
  await failing(fault);
  const answer = await list(ada);
  await box.control('DELETE', 'faults');
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  if (retryAfter !== null) expect(answer.headers.get('retry-after')).toBe(retryAfter);
});
