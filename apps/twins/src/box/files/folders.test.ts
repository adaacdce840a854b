import { anyText, object, rows, text, TwinUnderTest } from '../box.harness.ts';

let twin: TwinUnderTest;
let token: string;
let ada: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
  ada = await twin.appUser(token, 'Ada', '00u1');
});
afterEach(() => twin.close());

const items = (query = '', folder = '0', asUser = ada) =>
  twin.call('GET', `/2.0/folders/${folder}/items${query}`, { token, asUser });
const makeFolder = (name: unknown, parent: unknown = { id: '0' }, asUser = ada) =>
  twin.call('POST', '/2.0/folders', { token, asUser, body: { name, parent } });
const seedFiles = (...paths: string[]) =>
  twin.control('POST', 'seed', {
    files: paths.map((path, at) => ({ externalId: '00u1', path, size: 100 * (at + 1) })),
  });
const names = (body: Record<string, unknown>): unknown[] => rows(body.entries).map((item) => item.name);

describe('a folder', () => {
  const read = (id: string, query = '', asUser = ada) =>
    twin.call('GET', `/2.0/folders/${id}${query}`, { token, asUser });

  it('is read with its items, or with the requested fields only', async () => {
    await seedFiles('inner/c.txt', 'inner/empty/');
    const inner = text(rows((await items()).body.entries)[0]?.id);
    const { body } = await read(inner);
    expect([body.name, body.size, object(body.parent).id]).toEqual(['inner', 100, '0']);
    expect(names(object(body.item_collection))).toEqual(['empty', 'c.txt']);
    expect((await read(inner, '?fields=name')).body).toEqual({
      type: 'folder',
      id: inner,
      etag: '0',
      name: 'inner',
    });
    expect((await read('0')).body).toMatchObject({ id: '0', name: 'All Files', size: 100, parent: null });
  });

  it('of another user does not exist, and neither does a file as a folder', async () => {
    await seedFiles('inner/', 'a.txt');
    const [inner, file] = rows((await items()).body.entries).map((item) => text(item.id));
    const grace = await twin.appUser(token, 'Grace', '00u2');
    expect((await read(inner ?? '', '', grace)).status).toBe(404);
    expect((await read(file ?? '')).status).toBe(404);
    expect((await read('abc')).status).toBe(405);
  });
});

describe('the items of a folder', () => {
  it('are empty for a new user', async () => {
    expect((await items()).body).toEqual({
      total_count: 0,
      entries: [],
      limit: 100,
      offset: 0,
      order: [
        { by: 'type', direction: 'ASC' },
        { by: 'name', direction: 'ASC' },
      ],
    });
  });

  it('are mini folders, then mini files, by name', async () => {
    await seedFiles('b.txt', 'A.txt', 'Zoo/', 'inner/c.txt');
    const { body } = await items();
    expect(names(body)).toEqual(['inner', 'Zoo', 'A.txt', 'b.txt']);
    const [folder, , file] = rows(body.entries);
    expect(Object.keys(object(folder))).toEqual(['type', 'id', 'sequence_id', 'etag', 'name']);
    expect(Object.keys(object(file))).toEqual([
      'type',
      'id',
      'file_version',
      'sequence_id',
      'etag',
      'sha1',
      'name',
    ]);
    expect(names((await items('', text(folder?.id))).body)).toEqual(['c.txt']);
  });

  it('have with fields only type, id, etag and the requested fields', async () => {
    await seedFiles('inner/c.txt');
    const { body } = await items('?fields=name,size,owned_by');
    expect(body.entries).toEqual([
      {
        type: 'folder',
        id: anyText,
        etag: '0',
        name: 'inner',
        size: 100,
        owned_by: { type: 'user', id: ada, name: 'Ada', login: anyText },
      },
    ]);
  });

  it('are visible to their owner only', async () => {
    await seedFiles('inner/c.txt');
    const bob = await twin.appUser(token, 'Bob');
    const inner = text(rows((await items()).body.entries)[0]?.id);
    expect((await items('', '0', bob)).body.total_count).toBe(0);
    expect((await items('', inner, bob)).status).toBe(404);
    expect((await twin.call('GET', '/2.0/folders/0/items', { token })).body.total_count).toBe(0);
    expect(
      (await twin.call('GET', '/2.0/folders/0/items', { token: await twin.token(ada) })).body.total_count,
    ).toBe(1);
  });

  it('are paged by offset', async () => {
    await seedFiles('a', 'b', 'c');
    const { body } = await items('?limit=2&offset=2');
    expect(body).toMatchObject({ total_count: 3, limit: 2, offset: 2 });
    expect(names(body)).toEqual(['c']);
    expect((await items('?limit=x')).body.code).toBe('invalid_limit');
  });

  it('are paged by marker, without a total', async () => {
    await seedFiles('a', 'b', 'c', 'inner/');
    const first = await items('?usemarker=true&limit=3');
    expect(Object.keys(first.body)).toEqual(['entries', 'limit', 'next_marker']);
    expect(names(first.body)).toEqual(['inner', 'a', 'b']);
    const second = await items(`?usemarker=true&limit=3&marker=${text(first.body.next_marker)}`);
    expect([names(second.body), second.body.next_marker]).toEqual([['c'], null]);
  });

  it('are sorted as requested, with folders first', async () => {
    await seedFiles('a', 'b', 'inner/');
    expect(names((await items('?sort=name&direction=DESC')).body)).toEqual(['inner', 'b', 'a']);
    expect(names((await items('?sort=size&direction=DESC')).body)).toEqual(['inner', 'b', 'a']);
    expect((await items('?sort=colour')).status).toBe(400);
    expect((await items('?direction=up')).status).toBe(400);
  });

  it('are 404 for a folder that does not exist, and 405 for an invalid id', async () => {
    expect((await items('', '12345')).body.code).toBe('not_found');
    expect((await items('', 'root')).body.code).toBe('method_not_allowed');
  });

  it('count towards the space used', async () => {
    await seedFiles('a', 'inner/b');
    expect((await twin.call('GET', `/2.0/users/${ada}`, { token })).body.space_used).toBe(300);
  });
});

describe('creating a folder', () => {
  it('answers 201 with the folder, owned by the acting user', async () => {
    const { status, body } = await makeFolder('Reports');
    expect(status).toBe(201);
    expect(body).toMatchObject({
      type: 'folder',
      name: 'Reports',
      size: 0,
      item_status: 'active',
      owned_by: { id: ada },
      parent: { type: 'folder', id: '0', name: 'All Files' },
      path_collection: { total_count: 1, entries: [{ id: '0', name: 'All Files' }] },
    });
    const inner = await makeFolder('2026', { id: body.id });
    expect(object(inner.body.path_collection).entries).toMatchObject([{ id: '0' }, { id: body.id }]);
  });

  it('rejects a name that is taken, ignoring case', async () => {
    const first = await makeFolder('Reports');
    const reply = await makeFolder('REPORTS');
    expect([reply.status, reply.body.code]).toEqual([409, 'item_name_in_use']);
    expect(object(reply.body.context_info).conflicts).toMatchObject([{ id: first.body.id }]);
  });

  it.each([
    ['a/b', 'item_name_invalid'],
    ['a\\b', 'item_name_invalid'],
    ['end ', 'item_name_invalid'],
    ['..', 'item_name_invalid'],
    ['', 'item_name_invalid'],
    ['bell\u0007', 'item_name_invalid'],
    ['x'.repeat(256), 'item_name_too_long'],
    [7, 'bad_request'],
    [undefined, 'bad_request'],
  ])('rejects the name %j as %s', async (name, code) => {
    const reply = await makeFolder(name);
    expect([reply.status, reply.body.code]).toEqual([400, code]);
  });

  it('requires a parent of the acting user', async () => {
    expect((await makeFolder('New', undefined)).status).toBe(201);
    expect((await makeFolder('Newer', null)).status).toBe(400);
    expect((await makeFolder('Newer', { id: 0 })).status).toBe(400);
    expect((await makeFolder('Newer', { id: '12345' })).status).toBe(404);
  });
});
