import { randomUUID } from 'node:crypto';
import { Api, type Credentials } from '../access/api.harness.ts';
import { Twin } from '@foyer/testing';

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

/** A signed-in person with these files in Box. */
async function samplePerson(...files: string[]): Promise<Person> {
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

it('lists the person’s own folder, on their behalf, and records the call', async () => {
  const ada = await samplePerson('Contracts/', 'Welcome.pdf');
  await samplePerson('not-hers.txt');
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

it('lists nothing for a new person', async () => {
  expect((await list(await samplePerson())).body).toEqual({ items: [], nextCursor: null });
});

it('gives every item once, page by page', async () => {
  const names = Array.from({ length: 7 }, (_, i) => `file-${i}.txt`);
  const ada = await samplePerson(...names);
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

it('does nothing for a person who was deactivated', async () => {
  const ada = await samplePerson();
  await api.sql('UPDATE identity SET active = false WHERE id = $1', [ada.identityId]);
  const answer = await list(ada);
  expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
});

it.each([
  'abc',
  Buffer.from('["box"]').toString('base64url'),
  Buffer.from('["box","0",""]').toString('base64url'),
  Buffer.from('["box","0","a\\u0000"]').toString('base64url'),
  Buffer.from('["box","0","not a marker of Box"]').toString('base64url'),
  Buffer.from('["box","1","a marker of another folder"]').toString('base64url'),
  Buffer.from('["2026-11-21T09:00:00.000Z","0b6b1c9e-58a6-4f0c-9d0a-2d7c3f1e8a01"]').toString('base64url'),
])('refuses %s as a cursor', async (cursor) => {
  const { status, body } = await list(await samplePerson(), `?cursor=${cursor}`);
  expect([status, body.code, body.errors]).toEqual([
    400,
    'invalid_request',
    [{ field: 'cursor', message: 'does not belong to this list' }],
  ]);
});

it('shows the former holder nothing when the identity passes to another person during the call to Box', async () => {
  const max = await samplePerson('secret-of-the-next-one.txt');
  await failing({ kind: 'slow', delayMs: 1_500 });
  const under = list(max);
  const asked = () =>
    api.sql(`SELECT FROM api_call WHERE identity_id = $1 AND direction = 'out'`, [max.identityId]);
  while ((await asked()).length === 0);
  await api.sql(`UPDATE identity SET subject = $2 WHERE id = $1`, [max.identityId, `00u${randomUUID()}`]);
  const { status, text } = await under;
  expect([status, text.includes('secret')]).toEqual([401, false]);
});

/** The id of the item with this name in this folder. */
async function idOf(person: Person, name: string, query = ''): Promise<string> {
  const { body } = await list(person, query);
  return body.items.find((item) => item.name === name)?.id ?? '';
}
const content = (id: string, { browser }: Person) => api.get(`/v1/me/files/${id}/content`, browser);

it('lists a folder in another folder, page by page, with cursors that work for this folder only', async () => {
  const ada = await samplePerson('Contracts/2026/a.txt', 'Contracts/b.txt', 'Contracts/c.txt');
  const contracts = await idOf(ada, 'Contracts');
  const first = await list(ada, `?folder=${contracts}&limit=2`);
  expect(first.body.items).toMatchObject([{ type: 'folder', name: '2026' }, { name: 'b.txt' }]);
  const cursor = encodeURIComponent(first.body.nextCursor ?? '');
  const second = await list(ada, `?folder=${contracts}&limit=2&cursor=${cursor}`);
  expect([second.body.items.map(({ name }) => name), second.body.nextCursor]).toEqual([['c.txt'], null]);
  const elsewhere = await list(ada, `?limit=2&cursor=${cursor}`);
  expect([elsewhere.status, elsewhere.body.code]).toEqual([400, 'invalid_request']);
  const inner = await idOf(ada, '2026', `?folder=${contracts}`);
  expect((await list(ada, `?folder=${inner}`)).body.items).toMatchObject([{ name: 'a.txt' }]);
});

it('redirects to the address of the content at Box, and records the call without the address or the name', async () => {
  const ada = await samplePerson('Inner/Secret plan.txt');
  const id = await idOf(ada, 'Secret plan.txt', `?folder=${await idOf(ada, 'Inner')}`);
  const answer = await content(id, ada);
  expect(answer.status).toBe(302);
  expect(answer.headers.get('cache-control')).toContain('no-store');
  const address = answer.headers.get('location') ?? '';
  expect(address).not.toMatch(/access_token|bearer/i);
  const file = await fetch(address);
  expect(file.headers.get('content-disposition')).toContain('Secret%20plan.txt');
  const calls = await api.get(`/v1/api-calls?identityId=${ada.identityId}`, await api.machine());
  expect(calls.body.items[0]).toMatchObject({
    operation: 'locate_content',
    parameters: { fileId: id },
    status: 302,
  });
  expect(calls.text).not.toContain(new URL(address).pathname);
  expect(calls.text).not.toContain('Secret');
});

it.each(['1', '99999999999999999999'])('answers that file and folder %s do not exist', async (id) => {
  const ada = await samplePerson('Inner/a.txt');
  for (const answer of [await content(id, ada), await list(ada, `?folder=${id}`)])
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
});

it('answers for the items of another person as if they did not exist, also when Box answers that they are forbidden', async () => {
  const bob = await samplePerson('Inner/a.txt');
  const inner = await idOf(bob, 'Inner');
  const file = await idOf(bob, 'a.txt', `?folder=${inner}`);
  const ada = await samplePerson();
  const none = await list(ada, '?folder=1');
  const told = ({ status, body }: Awaited<ReturnType<typeof list>>) => [status, body.code, body.detail];
  expect(told(await list(ada, `?folder=${inner}`))).toEqual(told(none));
  expect(told(await content(file, ada))).toEqual(told(none));
  await box.control('POST', 'faults', {
    match: { method: 'GET', path: '/2.0/fol' },
    kind: 'status',
    status: 403,
  });
  expect(told(await list(ada, `?folder=${inner}`))).toEqual(told(none));
  await box.control('DELETE', 'faults');
});

it.each(['abc', '-1', '1'.repeat(21), '0%2F1', '..', '1e3'])('refuses %s as an id', async (id) => {
  const ada = await samplePerson();
  expect((await list(ada, `?folder=${id}`)).body.code).toBe('invalid_request');
  expect([400, 404]).toContain((await content(id, ada)).status);
});

it('gives no file and no folder to a machine or without credentials', async () => {
  for (const path of ['/v1/me/files?folder=1', '/v1/me/files/1/content']) {
    expect((await api.get(path)).status).toBe(401);
    expect((await api.get(path, await api.machine())).status).toBe(404);
  }
});

it('does not redirect the former holder when the identity passes to another person during the call to Box', async () => {
  const max = await samplePerson('secret-of-the-next-one.txt');
  const id = await idOf(max, 'secret-of-the-next-one.txt');
  await box.control('POST', 'faults', {
    match: { method: 'GET', path: '/2.0/files' },
    kind: 'slow',
    delayMs: 1_500,
  });
  const under = content(id, max);
  const asked = () =>
    api.sql(`SELECT FROM api_call WHERE identity_id = $1 AND operation = 'locate_content'`, [max.identityId]);
  while ((await asked()).length === 0);
  await api.sql(`UPDATE identity SET subject = $2 WHERE id = $1`, [max.identityId, `00u${randomUUID()}`]);
  const { status, headers } = await under;
  expect([status, headers.get('location')]).toEqual([401, null]);
});

it.each([
  [{ kind: 'status', status: 503 }, 503, 'box_unavailable', null],
  [{ kind: 'html', status: 502 }, 503, 'box_unavailable', null],
  [{ kind: 'resetBefore' }, 503, 'box_unavailable', null],
  [{ kind: 'hang' }, 503, 'box_unavailable', null],
  [{ kind: 'status', status: 403 }, 502, 'box_forbidden', null],
  // This case must be last, because it pauses all calls to Box for seven seconds.
  [{ kind: 'status', status: 429, retryAfter: 7 }, 503, 'box_rate_limited', '7'],
])('reports %j of Box as %s %s', async (fault, status, code, retryAfter) => {
  const ada = await samplePerson();
  await failing(fault);
  const answer = await list(ada);
  await box.control('DELETE', 'faults');
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  if (retryAfter !== null) expect(answer.headers.get('retry-after')).toBe(retryAfter);
});
