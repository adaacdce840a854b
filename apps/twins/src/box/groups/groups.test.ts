import { sampleConfig } from '../config.ts';
import { anyText, object, rows, text, TwinUnderTest, type Reply } from '../box.harness.ts';

let twin: TwinUnderTest;
let token: string;

beforeEach(async () => {
  twin = await TwinUnderTest.start();
  token = await twin.token();
});
afterEach(() => twin.close());

const create = (body: unknown, query = '', as = token) =>
  twin.call('POST', `/2.0/groups${query}`, { token: as, body });
const get = (path: string) => twin.call('GET', `/2.0/${path}`, { token });
const put = (id: string, body: unknown) => twin.call('PUT', `/2.0/groups/${id}`, { token, body });
const remove = (id: string) => twin.call('DELETE', `/2.0/groups/${id}`, { token });
const made = async (name: string): Promise<string> => text((await create({ name })).body.id);
const names = (reply: Reply): unknown[] => rows(reply.body.entries).map((group) => group.name);
const refusal = ({ status, body }: Reply): unknown[] => [status, body.code];
const problems = ({ body }: Reply): unknown[] =>
  rows(object(body.context_info).errors).map((error) => `${text(error.name)}: ${text(error.reason)}`);

describe('creating a group', () => {
  it('answers 201 with exactly the standard fields', async () => {
    const { status, body } = await create({
      name: 'Sales',
      provenance: 'Okta',
      description: 'People who sell',
    });
    expect(status).toBe(201);
    expect(Object.keys(body)).toEqual(['type', 'id', 'name', 'group_type', 'created_at', 'modified_at']);
    expect(body).toMatchObject({ type: 'group', name: 'Sales', group_type: 'managed_group' });
    expect(body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[78]:00$/);
  });

  it('answers with fields only type, id and the requested fields', async () => {
    const { body } = await create(
      { name: 'Sales', provenance: 'Okta', external_sync_identifier: '00g1' },
      '?fields=provenance,external_sync_identifier,invitability_level,nope',
    );
    expect(body).toEqual({
      type: 'group',
      id: anyText,
      provenance: 'Okta',
      external_sync_identifier: '00g1',
      invitability_level: 'admins_only',
    });
  });

  it('rejects a name in use, ignoring case, and does not name the existing group', async () => {
    const id = await made('Sales');
    for (const name of ['Sales', 'SALES']) {
      const reply = await create({ name });
      expect(refusal(reply)).toEqual([409, 'conflict']);
      expect(problems(reply)).toEqual(['group_tag_name: invalid_parameter']);
      expect(reply.text).not.toContain(id);
    }
  });

  it('creates exactly one group for a hundred concurrent creates', async () => {
    const replies = await Promise.all(Array.from({ length: 100 }, () => create({ name: 'Sales' })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(99);
  });

  it.each([
    [{}, ['name: missing_parameter']],
    [{ name: '' }, ['name: invalid_parameter']],
    [{ name: '  ' }, ['name: invalid_parameter']],
    [{ name: 7 }, ['name: invalid_parameter']],
    [{ name: 'x'.repeat(256) }, ['name: invalid_parameter']],
    [
      { name: 'Sales', provenance: 'x'.repeat(256), description: 1, invitability_level: 'everybody' },
      [
        'provenance: invalid_parameter',
        'description: invalid_parameter',
        'invitability_level: invalid_parameter',
      ],
    ],
    [[], ['entity-body: invalid_parameter']],
    ['{"name":', ['entity-body: invalid_parameter']],
  ])('rejects %j and creates nothing', async (body, expected) => {
    const reply = await create(body);
    expect([reply.status, problems(reply)]).toEqual([400, expected]);
    expect((await get('groups')).body.total_count).toBe(0);
  });
});

describe('reading and listing groups', () => {
  it('lists type, id, name and kind, oldest first, and more only when requested', async () => {
    await made('Sales');
    await made('Research');
    const reply = await get('groups');
    expect(reply.body).toMatchObject({ total_count: 2, limit: 100, offset: 0 });
    expect(names(reply)).toEqual(['Sales', 'Research']);
    expect(Object.keys(rows(reply.body.entries)[0] ?? {})).toEqual(['type', 'id', 'name', 'group_type']);
    expect(rows((await get('groups?fields=modified_at')).body.entries)[0]).toEqual({
      type: 'group',
      id: anyText,
      modified_at: anyText,
    });
  });

  it('filters by the start of the name, not by the whole name or its middle', async () => {
    for (const name of ['Sales', 'Sales EMEA', 'Presales']) await made(name);
    expect(names(await get('groups?filter_term=sales'))).toEqual(['Sales', 'Sales EMEA']);
    expect(names(await get('groups?filter_term=EMEA'))).toEqual([]);
  });

  it('pages by offset: at most 1000 per page, an offset up to 10000, and no marker', async () => {
    await twin.control('POST', 'seed', {
      groups: Array.from({ length: 1001 }, (_, at) => ({ name: `Group ${at}` })),
    });
    const first = await get('groups?limit=5000');
    expect([first.body.limit, names(first).length, first.body.total_count]).toEqual([1000, 1000, 1001]);
    expect(names(await get('groups?limit=1000&offset=1000'))).toEqual(['Group 1000']);
    expect(names(await get('groups?offset=10000'))).toEqual([]);
    expect((await get('groups?usemarker=true')).body).not.toHaveProperty('next_marker');
  });

  it.each(['offset=10001', 'offset=-1', 'offset=two', 'limit=0', 'limit=ten'])(
    'rejects %s',
    async (query) => {
      expect((await get(`groups?${query}`)).status).toBe(400);
    },
  );

  it('returns a new group by id at once, and in the listing after the lag', async () => {
    await twin.control('PUT', 'settings', { lookupLagMs: 60_000 });
    const id = await made('Sales');
    expect((await get(`groups/${id}`)).body.name).toBe('Sales');
    expect(names(await get('groups?filter_term=Sales'))).toEqual([]);
    await twin.control('PUT', 'settings', { clockOffsetMs: 60_001 });
    token = await twin.token();
    expect(names(await get('groups?filter_term=Sales'))).toEqual(['Sales']);
  });

  it('answers 404 for a group that does not exist', async () => {
    for (const id of ['1', 'abc', '%2e%2e']) {
      expect(refusal(await get(`groups/${id}`))).toEqual([404, 'not_found']);
      expect(refusal(await put(id, { name: 'x' }))).toEqual([404, 'not_found']);
      expect(refusal(await remove(id))).toEqual([404, 'not_found']);
    }
  });
});

describe('changing a group', () => {
  it('changes only what is sent, and frees the old name', async () => {
    const id = text((await create({ name: 'Sales', provenance: 'Okta' })).body.id);
    await twin.control('PUT', 'settings', { clockOffsetMs: 5000 });
    const { status, body } = await put(id, { name: 'Traders' });
    expect([status, body.name]).toEqual([200, 'Traders']);
    expect(body.modified_at).not.toBe(body.created_at);
    expect((await get(`groups/${id}?fields=provenance`)).body.provenance).toBe('Okta');
    expect((await create({ name: 'Sales' })).status).toBe(201);
  });

  it('rejects the name of another group, but accepts its own, in another case too', async () => {
    const id = await made('Sales');
    await made('Research');
    const reply = await put(id, { name: 'research' });
    expect([refusal(reply), problems(reply)]).toEqual([
      [409, 'conflict'],
      ['group_tag_name: invalid_parameter'],
    ]);
    expect((await get(`groups/${id}`)).body.name).toBe('Sales');
    expect((await put(id, { name: 'SALES' })).body.name).toBe('SALES');
  });

  it('changes nothing when any field is invalid', async () => {
    const id = await made('Sales');
    expect((await put(id, { name: 'Traders', member_viewability_level: 'nobody' })).status).toBe(400);
    expect((await get(`groups/${id}`)).body.name).toBe('Sales');
  });

  it('answers a delete with 204, then 404, and frees the name', async () => {
    const id = await made('Sales');
    const reply = await remove(id);
    expect([reply.status, reply.text]).toEqual([204, '']);
    expect([(await get(`groups/${id}`)).status, (await remove(id)).status]).toEqual([404, 404]);
    expect((await create({ name: 'Sales' })).status).toBe(201);
  });
});

describe('administering groups', () => {
  it('is not allowed to an app user, by their own token or by As-User', async () => {
    const ada = await twin.appUser(token, 'Ada');
    expect(refusal(await create({ name: 'Sales' }, '', await twin.token(ada)))).toEqual([
      403,
      'access_denied_insufficient_permissions',
    ]);
    const asAda = await twin.call('GET', '/2.0/groups', { token, asUser: ada });
    expect(refusal(asAda)).toEqual([403, 'access_denied_insufficient_permissions']);
  });

  it('is not allowed to an app without the scope, even if it has the scope for users', async () => {
    await twin.control('PUT', 'apps', { clientId: sampleConfig.clientId, manageGroups: false });
    const id = await twin.appUser(token, 'Ada');
    for (const path of ['groups', 'groups/1', 'groups/1/memberships', `users/${id}/memberships`]) {
      expect(refusal(await get(path))).toEqual([403, 'insufficient_scope']);
    }
    expect((await get(`users/${id}`)).status).toBe(200);
  });

  it('is not allowed to an app without access to the enterprise, which owns the groups', async () => {
    await twin.control('PUT', 'apps', { clientId: sampleConfig.clientId, enterpriseAccess: false });
    const id = await twin.appUser(token, 'Ada');
    for (const path of ['groups', 'groups/1', `users/${id}/memberships`]) {
      expect(refusal(await get(path))).toEqual([403, 'access_denied_insufficient_permissions']);
    }
  });

  it('requires a token and a known method', async () => {
    expect((await twin.call('GET', '/2.0/groups')).status).toBe(401);
    for (const [method, path] of [
      ['PUT', 'groups'],
      ['POST', 'groups/1'],
      ['PATCH', 'groups/1'],
      ['POST', 'groups/1/memberships'],
      ['DELETE', 'users/1/memberships'],
      ['GET', 'group_memberships'],
      ['PATCH', 'group_memberships/1'],
    ] as const) {
      expect(refusal(await twin.call(method, `/2.0/${path}`, { token }))).toEqual([
        405,
        'method_not_allowed',
      ]);
    }
  });
});
