import { anyText, object, rows, text, TwinUnderTest } from '../box.harness.ts';

let twin: TwinUnderTest;
let token: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
});
afterEach(() => twin.close());

const appUser = (name: string, externalId?: string, more: object = {}): object => ({
  name,
  is_platform_access_only: true,
  external_app_user_id: externalId,
  ...more,
});

const create = (body: unknown, query = '', as = token) =>
  twin.call('POST', `/2.0/users${query}`, { token: as, body });
const get = (path: string, as = token) => twin.call('GET', `/2.0/${path}`, { token: as });
const put = (id: string, body: unknown) => twin.call('PUT', `/2.0/users/${id}`, { token, body });
const names = (body: Record<string, unknown>): unknown[] => rows(body.entries).map((user) => user.name);
const problems = (body: Record<string, unknown>): unknown[] =>
  rows(object(body.context_info).errors).map((error) => `${text(error.name)}: ${text(error.reason)}`);

describe('looking up users', () => {
  it('finds an app user by the exact external id only', async () => {
    const id = await twin.appUser(token, 'Ada', '00u1');
    const found = await get('users?external_app_user_id=00u1');
    expect(found.body).toMatchObject({ total_count: 1, limit: 100, offset: 0, entries: [{ id }] });
    expect((await get('users?external_app_user_id=00u')).body).toMatchObject({ total_count: 0, entries: [] });
  });

  it('is limited to the app: another app finds nothing, and may use the same external id', async () => {
    const other = { clientId: 'other', clientSecret: 'other-secret' };
    await twin.control('PUT', 'apps', other);
    const otherToken = await twin.token(undefined, other);
    const id = await twin.appUser(token, 'Ada', '00u1');
    const seen = await get('users?external_app_user_id=00u1', otherToken);
    expect([seen.status, seen.body.total_count]).toEqual([200, 0]);
    expect((await get(`users/${id}`, otherToken)).status).toBe(404);
    expect((await create(appUser('Ada', '00u1'), '', otherToken)).status).toBe(201);
  });

  it('lags behind a create when so configured, while reading by id does not', async () => {
    await twin.control('PUT', 'settings', { lookupLagMs: 5000 });
    const id = await twin.appUser(token, 'Ada', '00u1');
    expect((await get('users?external_app_user_id=00u1')).body.total_count).toBe(0);
    expect((await get('users')).body.total_count).toBe(0);
    expect((await get(`users/${id}`)).status).toBe(200);
    expect((await create(appUser('Ada', '00u1'))).status).toBe(409);
    await twin.control('PUT', 'settings', { clockOffsetMs: 6000 });
    expect((await get('users?external_app_user_id=00u1')).body.total_count).toBe(1);
  });

  it('still finds a deactivated user', async () => {
    const id = await twin.appUser(token, 'Ada', '00u1');
    await put(id, { status: 'inactive' });
    expect((await get('users?external_app_user_id=00u1')).body.entries).toMatchObject([
      { status: 'inactive' },
    ]);
  });

  it('answers 404 for an unknown id, and names it', async () => {
    const reply = await get('users/12345');
    expect([reply.status, reply.body.code]).toEqual([404, 'not_found']);
    expect(problems(reply.body)).toEqual(['user: invalid_parameter']);
  });

  it("returns the token's user, or the user of As-User", async () => {
    const id = await twin.appUser(token, 'Ada');
    expect((await get('users/me')).body.login).toMatch(/^AutomationUser_/);
    expect((await twin.call('GET', '/2.0/users/me', { token, asUser: id })).body.id).toBe(id);
    expect((await get('users/me?fields=enterprise')).body).toEqual({
      type: 'user',
      id: anyText,
      enterprise: { type: 'enterprise', id: '900100', name: 'Box Twin Enterprise' },
    });
  });

  it('shows an unset notification email as configured', async () => {
    const id = await twin.appUser(token, 'Ada');
    expect((await get(`users/${id}`)).body).not.toHaveProperty('notification_email');
    await twin.control('PUT', 'settings', { notificationEmail: 'emptyArray' });
    expect((await get(`users/${id}`)).body.notification_email).toEqual([]);
    await twin.control('PUT', 'settings', { notificationEmail: 'null' });
    expect((await get(`users/${id}`)).body.notification_email).toBeNull();
  });
});

describe('listing users', () => {
  beforeEach(async () => {
    const people = ['Ann', 'Anton', 'Bea', 'Joann', 'Zoe'].map((name) => ({ name, externalId: `x-${name}` }));
    const others = [
      { name: 'Annie', kind: 'managed', login: 'annie@example.com' },
      { name: 'Eve', kind: 'external', login: 'eve@partner.example.com' },
    ];
    await twin.control('POST', 'seed', { users: [...people, ...others] });
  });

  it('returns managed and app users, oldest first', async () => {
    const { body } = await get('users');
    expect(names(body)).toEqual(['Ann', 'Anton', 'Bea', 'Joann', 'Zoe', 'Annie']);
    expect(Object.keys(body)).toEqual(['total_count', 'entries', 'limit', 'offset']);
  });

  it('filters by the start of the name or the login, not the middle', async () => {
    expect(names((await get('users?filter_term=ann')).body)).toEqual(['Ann', 'Annie']);
    expect(names((await get('users?filter_term=ANNIE@')).body)).toEqual(['Annie']);
    expect(names((await get('users?filter_term=AppUser_')).body)).toHaveLength(5);
  });

  it('finds an external user by the complete login only', async () => {
    expect(names((await get('users?user_type=external')).body)).toEqual([]);
    expect(names((await get('users?user_type=external&filter_term=eve')).body)).toEqual([]);
    expect(names((await get('users?user_type=external&filter_term=eve@partner.example.com')).body)).toEqual([
      'Eve',
    ]);
    expect(names((await get('users?user_type=all&filter_term=eve@partner.example.com')).body)).toEqual([
      'Eve',
    ]);
    expect(names((await get('users?filter_term=eve@partner.example.com')).body)).toEqual([]);
  });

  it('pages by offset', async () => {
    const { body } = await get('users?limit=2&offset=4');
    expect(body).toMatchObject({ total_count: 6, limit: 2, offset: 4 });
    expect(names(body)).toEqual(['Zoe', 'Annie']);
  });

  it('reduces a limit over 1000, and accepts an offset up to 10000', async () => {
    expect((await get('users?limit=5000')).body.limit).toBe(1000);
    expect((await get('users?offset=10000')).status).toBe(200);
  });

  it.each([
    ['offset=10001', 'bad_request'],
    ['offset=-1', 'invalid_offset'],
    ['offset=two', 'invalid_offset'],
    ['limit=0', 'invalid_limit'],
    ['limit=ten', 'invalid_limit'],
    ['user_type=robot', 'bad_request'],
    ['usemarker=perhaps', 'bad_request'],
    ['usemarker=true&marker=nonsense', 'bad_request'],
  ])('rejects %s with 400 %s', async (query, code) => {
    const reply = await get(`users?${query}`);
    expect([reply.status, reply.body.code]).toEqual([400, code]);
  });

  it('pages by marker without a total, unaffected by creates and deletes in between', async () => {
    const first = await get('users?usemarker=true&limit=2');
    expect(Object.keys(first.body)).toEqual(['entries', 'limit', 'next_marker']);
    await twin.call('DELETE', `/2.0/users/${text(rows(first.body.entries)[0]?.id)}`, { token });
    await twin.appUser(token, 'Yan');
    const seen = names(first.body);
    for (let marker = first.body.next_marker; typeof marker === 'string';) {
      const page = await get(`users?usemarker=true&limit=2&marker=${marker}`);
      seen.push(...names(page.body));
      marker = page.body.next_marker;
    }
    expect(seen).toEqual(['Ann', 'Anton', 'Bea', 'Joann', 'Zoe', 'Annie', 'Yan']);
  });

  it("rejects an app user's own token", async () => {
    const id = await twin.appUser(token, 'Ada');
    const own = await twin.token(id);
    expect((await get('users', own)).status).toBe(403);
    expect((await get(`users/${id}`, own)).status).toBe(200);
    expect((await twin.call('PUT', `/2.0/users/${id}`, { token: own, body: { name: 'X' } })).status).toBe(
      403,
    );
  });
});
