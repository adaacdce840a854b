import { anyText, object, rows, text, TwinUnderTest, type Reply } from '../box.harness.ts';

let twin: TwinUnderTest;
let token: string;
let ada: string;
let sales: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
  ada = await twin.appUser(token, 'Ada', '00u1');
  sales = await group('Sales');
});
afterEach(() => twin.close());

const group = async (name: string): Promise<string> =>
  text((await twin.call('POST', '/2.0/groups', { token, body: { name } })).body.id);
const post = (body: unknown) => twin.call('POST', '/2.0/group_memberships', { token, body });
const add = (user: unknown, to: unknown, more: object = {}) =>
  post({ user: { id: user }, group: { id: to }, ...more });
const added = async (user = ada, to = sales): Promise<string> => text((await add(user, to)).body.id);
const get = (path: string) => twin.call('GET', `/2.0/${path}`, { token });
const put = (id: string, body: unknown) => twin.call('PUT', `/2.0/group_memberships/${id}`, { token, body });
const remove = (path: string) => twin.call('DELETE', `/2.0/${path}`, { token });
const refusal = ({ status, body }: Reply): unknown[] => [status, body.code];
const problems = ({ body }: Reply): unknown[] =>
  rows(object(body.context_info).errors).map((error) => `${text(error.name)}: ${text(error.reason)}`);
const membersOf = async (id: string): Promise<unknown[]> =>
  rows((await get(`groups/${id}/memberships`)).body.entries).map(({ user }) => object(user).id);
const groupsOf = async (id: string): Promise<unknown[]> =>
  rows((await get(`users/${id}/memberships`)).body.entries).map((entry) => object(entry.group).id);

describe('adding a member', () => {
  it('answers 201 with user, group, role and dates, and lists it for both user and group', async () => {
    const { status, body } = await add(ada, sales);
    expect(status).toBe(201);
    expect(body).toEqual({
      type: 'group_membership',
      id: anyText,
      user: { type: 'user', id: ada, name: 'Ada', login: anyText },
      group: { type: 'group', id: sales, name: 'Sales', group_type: 'managed_group' },
      role: 'member',
      created_at: anyText,
      modified_at: anyText,
    });
    expect([await membersOf(sales), await groupsOf(ada)]).toEqual([[ada], [sales]]);
    const byId = await get(`group_memberships/${text(body.id)}`);
    expect([byId.status, byId.body]).toEqual([200, body]);
  });

  it('shows the permissions of an admin of the group', async () => {
    const permissions = { can_run_reports: true, can_create_accounts: false };
    const { body } = await add(ada, sales, { role: 'admin', configurable_permissions: permissions });
    expect(body).toMatchObject({ role: 'admin', configurable_permissions: permissions });
  });

  it('rejects an existing member, and adds a member once for any number of concurrent calls', async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => add(ada, sales)));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(refusal(await add(ada, sales))).toEqual([409, 'conflict']);
    expect(await membersOf(sales)).toEqual([ada]);
  });

  it('answers 404 for an unknown user or group, and 403 for a user who cannot be a member', async () => {
    const missingUser = await add('1', sales);
    expect([refusal(missingUser), problems(missingUser)]).toEqual([
      [404, 'not_found'],
      ['user: invalid_parameter'],
    ]);
    const missingGroup = await add(ada, '1');
    expect([refusal(missingGroup), problems(missingGroup)]).toEqual([
      [404, 'not_found'],
      ['group: invalid_parameter'],
    ]);
    const service = text((await get('users/me')).body.id);
    expect((await add(service, sales)).status).toBe(403);
  });

  it("answers 404 for another app's user", async () => {
    const other = { clientId: 'other', clientSecret: 'other-secret' };
    await twin.control('PUT', 'apps', other);
    const eve = await twin.appUser(await twin.token(undefined, other), 'Eve');
    expect((await add(eve, sales)).status).toBe(404);
    expect((await get(`users/${eve}/memberships`)).status).toBe(404);
  });

  it.each([
    [{}, ['user.id: missing_parameter', 'group.id: missing_parameter']],
    [{ user: {}, group: { id: '1' } }, ['user.id: missing_parameter']],
    [{ user: { id: 7 }, group: { id: '1' } }, ['user.id: invalid_parameter']],
    [{ user: '7', group: { id: '' } }, ['user.id: invalid_parameter', 'group.id: invalid_parameter']],
    [{ user: { id: '1' }, group: { id: '1' }, role: 'owner' }, ['role: invalid_parameter']],
    [
      { user: { id: '1' }, group: { id: '1' }, configurable_permissions: { can_run_reports: 'yes' } },
      ['configurable_permissions: invalid_parameter'],
    ],
    [[], ['entity-body: invalid_parameter']],
  ])('rejects %j', async (body, expected) => {
    const reply = await post(body);
    expect([reply.status, problems(reply)]).toEqual([400, expected]);
  });
});

describe('a membership', () => {
  it('changes its role', async () => {
    const id = await added();
    expect((await put(id, { role: 'admin', configurable_permissions: null })).body).toMatchObject({
      role: 'admin',
      configurable_permissions: null,
    });
    expect((await put(id, { role: 'member' })).body).not.toHaveProperty('configurable_permissions');
    expect((await put(id, { role: 'owner' })).status).toBe(400);
    expect((await get(`group_memberships/${id}?fields=role`)).body).toEqual({
      type: 'group_membership',
      id,
      role: 'member',
    });
  });

  it('is deleted by its own id, answers 404 afterwards, and can be created again', async () => {
    const id = await added();
    const reply = await remove(`group_memberships/${id}`);
    expect([reply.status, reply.text]).toEqual([204, '']);
    expect(await membersOf(sales)).toEqual([]);
    for (const again of [
      await remove(`group_memberships/${id}`),
      await get(`group_memberships/${id}`),
      await put(id, { role: 'member' }),
    ]) {
      expect(refusal(again)).toEqual([404, 'not_found']);
    }
    expect(await added()).not.toBe(id);
  });

  it('is deleted with its user', async () => {
    const bob = await twin.appUser(token, 'Bob');
    const id = await added();
    await added(bob);
    expect((await remove(`users/${ada}`)).status).toBe(204);
    expect(await membersOf(sales)).toEqual([bob]);
    expect((await get(`group_memberships/${id}`)).status).toBe(404);
    expect((await get(`users/${ada}/memberships`)).status).toBe(404);
  });

  it('is deleted with its group', async () => {
    const research = await group('Research');
    const id = await added();
    await added(ada, research);
    expect((await remove(`groups/${sales}`)).status).toBe(204);
    expect(await groupsOf(ada)).toEqual([research]);
    expect((await get(`group_memberships/${id}`)).status).toBe(404);
    expect((await get(`groups/${sales}/memberships`)).status).toBe(404);
  });

  it('is kept when its user is deactivated', async () => {
    await added();
    await twin.call('PUT', `/2.0/users/${ada}`, { token, body: { status: 'inactive' } });
    expect(await membersOf(sales)).toEqual([ada]);
  });

  it('is missing from listings during the lag, but found by id and by a second add', async () => {
    await twin.control('PUT', 'settings', { lookupLagMs: 60_000 });
    const id = await added();
    expect([await membersOf(sales), await groupsOf(ada)]).toEqual([[], []]);
    expect((await get(`group_memberships/${id}`)).status).toBe(200);
    expect((await add(ada, sales)).status).toBe(409);
  });

  it('is matched by faults that name its user', async () => {
    const id = await added();
    await twin.control('POST', 'faults', {
      match: { externalId: '00u1' },
      kind: 'status',
      status: 503,
      times: 3,
    });
    const bob = await twin.appUser(token, 'Bob');
    expect((await add(bob, sales)).status).toBe(201);
    expect((await add(ada, sales)).status).toBe(503);
    expect((await get(`users/${ada}/memberships`)).status).toBe(503);
    expect((await remove(`group_memberships/${id}`)).status).toBe(503);
  });
});

describe('a group of 10 000', () => {
  it('is paged by offset through all members, to the last offset that Box accepts', async () => {
    await twin.control('PUT', 'settings', { rateLimitPerMinute: null });
    const users = Array.from({ length: 10_000 }, (_, at) => ({ name: `Person ${at}` }));
    const seeded = await twin.control('POST', 'seed', { users });
    const members = rows(seeded.body.users).map(({ id }) => text(id));
    const { body } = await twin.control('POST', 'seed', { groups: [{ name: 'Everybody', members }] });
    const everybody = text(rows(body.groups)[0]?.id);
    const seen: unknown[] = [];
    for (let offset = 0; offset < 10_000; offset += 1000) {
      const page = await get(`groups/${everybody}/memberships?limit=1000&offset=${offset}`);
      expect(page.body.total_count).toBe(10_000);
      seen.push(...rows(page.body.entries).map(({ user }) => object(user).id));
    }
    expect(new Set(seen)).toEqual(new Set(members));
    expect((await get(`groups/${everybody}/memberships?offset=10000`)).body.entries).toEqual([]);
    expect((await get(`groups/${everybody}/memberships?offset=10001`)).status).toBe(400);

    const state = await twin.state();
    expect(rows(state.groups)).toContainEqual(expect.objectContaining({ id: everybody, members: 10_000 }));
  });
});
