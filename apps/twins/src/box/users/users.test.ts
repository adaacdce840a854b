import { anyText, conflictId, object, rows, text, TwinUnderTest } from '../box.harness.ts';

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
const problems = (body: Record<string, unknown>): unknown[] =>
  rows(object(body.context_info).errors).map((error) => `${text(error.name)}: ${text(error.reason)}`);

describe('creating an app user', () => {
  it('answers 201 with exactly the standard fields', async () => {
    const { status, body } = await create(appUser('Ada Example', '00u1'));
    expect(status).toBe(201);
    expect(Object.keys(body)).toEqual([
      ...['type', 'id', 'name', 'login', 'created_at', 'modified_at', 'language', 'timezone', 'space_amount'],
      ...['space_used', 'max_upload_size', 'status', 'job_title', 'phone', 'address', 'avatar_url'],
    ]);
    expect(body).toMatchObject({ type: 'user', name: 'Ada Example', status: 'active', job_title: '' });
    expect(body).toMatchObject({ space_amount: 10737418240, max_upload_size: 5368709120, language: 'en' });
    expect(body.login).toMatch(/^AppUser_\d{7}_[A-Za-z0-9]{10}@boxdevedition\.com$/);
    expect(body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[78]:00$/);
  });

  it('answers with fields only type, id and the requested fields', async () => {
    const { body } = await create(
      appUser('Ada', '00u1'),
      '?fields=external_app_user_id,is_platform_access_only,nope',
    );
    expect(body).toEqual({
      type: 'user',
      id: anyText,
      external_app_user_id: '00u1',
      is_platform_access_only: true,
    });
  });

  it('rejects a second one with the same external id, and names the first', async () => {
    const first = await create(appUser('Ada', '00u1'));
    const second = await create(appUser('Ada again', '00u1'));
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({
      type: 'error',
      status: 409,
      code: 'conflict',
      message: 'An app user already exists for this external_app_user_id',
      request_id: second.headers.get('box-request-id'),
    });
    expect(conflictId(second)).toBe(first.body.id);
  });

  it('creates exactly one user for a hundred concurrent creates', async () => {
    const replies = await Promise.all(Array.from({ length: 100 }, () => create(appUser('Ada', '00u1'))));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(99);
    expect((await get('users')).body.total_count).toBe(1);
  });

  it('creates any number of users without an external id', async () => {
    await create(appUser('Ada'));
    await create(appUser('Ada'));
    expect((await get('users')).body.total_count).toBe(2);
  });

  it('generates the login and ignores one that is sent', async () => {
    const { body } = await create(appUser('Ada', undefined, { login: 'ada@example.com' }));
    expect(body.login).toMatch(/^AppUser_/);
  });

  it('reports unlimited space as a very large number', async () => {
    expect((await create(appUser('Ada', undefined, { space_amount: -1 }))).body.space_amount).toBe(1e15);
  });

  it.each<[string, unknown, string[]]>([
    ['no name', { is_platform_access_only: true }, ['name: missing_parameter']],
    ['an empty name', appUser(' '), ['name: invalid_parameter']],
    ['a name of 51 characters', appUser('x'.repeat(51)), ['name: invalid_parameter']],
    ['a name that is no text', { name: 7, is_platform_access_only: true }, ['name: invalid_parameter']],
    ['neither a login nor the app user flag', { name: 'Ada' }, ['login: missing_parameter']],
    ['a login that is no address', { name: 'Ada', login: 'ada' }, ['login: invalid_parameter']],
    ['an unknown status', appUser('Ada', 'x', { status: 'gone' }), ['status: invalid_parameter']],
    ['an unknown role', appUser('Ada', 'x', { role: 'owner' }), ['role: invalid_parameter']],
    ['an unknown timezone', appUser('Ada', 'x', { timezone: 'Mars/One' }), ['timezone: invalid_parameter']],
    [
      'a job title that is too long',
      appUser('Ada', 'x', { job_title: 'x'.repeat(101) }),
      ['job_title: invalid_parameter'],
    ],
    [
      'an address that is too long',
      appUser('Ada', 'x', { address: 'x'.repeat(256) }),
      ['address: invalid_parameter'],
    ],
    ['a fraction of a byte', appUser('Ada', 'x', { space_amount: 1.5 }), ['space_amount: invalid_parameter']],
    [
      'a flag that is text',
      appUser('Ada', 'x', { is_sync_enabled: 'yes' }),
      ['is_sync_enabled: invalid_parameter'],
    ],
    [
      'tracking codes of no shape',
      appUser('Ada', 'x', { tracking_codes: [1] }),
      ['tracking_codes: invalid_parameter'],
    ],
    ['a list instead of an object', [], ['entity-body: invalid_parameter']],
    ['broken JSON', '{"name":', ['entity-body: invalid_parameter']],
  ])('rejects %s with 400', async (_what, body, expected) => {
    const reply = await create(body);
    expect([reply.status, reply.body.code]).toEqual([400, 'bad_request']);
    expect(problems(reply.body)).toEqual(expected);
    expect((await get('users')).body.total_count).toBe(0);
  });

  it('accepts a name of 50 characters, counted as Unicode characters', async () => {
    expect((await create(appUser('🦊'.repeat(50)))).status).toBe(201);
  });

  it("rejects an app user's own token with 403", async () => {
    const id = await twin.appUser(token, 'Ada');
    const reply = await create(appUser('Bob'), '', await twin.token(id));
    expect([reply.status, reply.body.code]).toEqual([403, 'access_denied_insufficient_permissions']);
  });

  it('rejects an app without the scope to manage users', async () => {
    await twin.control('PUT', 'apps', { clientId: 'twin-box-client', manageUsers: false });
    const reply = await create(appUser('Ada'));
    expect([reply.status, reply.body.code]).toEqual([403, 'insufficient_scope']);
  });
});

describe('creating a managed user', () => {
  it('keeps the login, and rejects it a second time, ignoring case', async () => {
    expect((await create({ name: 'Ada', login: 'ada@example.com' })).body.login).toBe('ada@example.com');
    const again = await create({ name: 'Ada', login: 'ADA@example.com' });
    expect([again.status, again.body.code]).toEqual([409, 'user_login_already_used']);
    expect(again.body.message).toBe('User with the specified login already exists');
  });
});

describe('updating a user', () => {
  it('changes only what is sent', async () => {
    const id = await twin.appUser(token, 'Ada', '00u1');
    await twin.control('PUT', 'settings', { clockOffsetMs: 5000 });
    const { status, body } = await put(id, { job_title: 'Countess' });
    expect([status, body.name, body.job_title]).toEqual([200, 'Ada', 'Countess']);
    expect(body.modified_at).not.toBe(body.created_at);
  });

  it('sets the whole profile, on create and on update, and clears the fields that may be empty', async () => {
    const profile = {
      language: 'gb',
      timezone: 'Europe/London',
      job_title: 'Countess',
      phone: '+44 20 7946 0000',
      address: '12 Example Square, London',
      status: 'inactive',
    };
    const made = (await create(appUser('Ada', '00u1', profile))).body;
    expect(made).toMatchObject(profile);
    const other = { ...profile, language: 'f2', timezone: 'America/Montreal', status: 'active' };
    expect((await put(text(made.id), other)).body).toMatchObject(other);
    const empty = { job_title: '', phone: '', address: '' };
    expect((await put(text(made.id), empty)).body).toMatchObject({ ...other, ...empty });
  });

  it.each([
    ['language', 'en-US'],
    ['language', ''],
    ['timezone', 'Mars/Olympus'],
    ['job_title', 'x'.repeat(101)],
    ['phone', 'x'.repeat(101)],
    ['address', 'x'.repeat(256)],
    ['phone', null],
    ['address', ['Street']],
    ['external_app_user_id', ''],
    ['external_app_user_id', 'x'.repeat(256)],
    ['status', 'gone'],
  ])('rejects the %s %j, and keeps the previous value', async (field, value) => {
    const id = await twin.appUser(token, 'Ada', '00u1');
    const before = (await get(`users/${id}`)).body;
    const reply = await put(id, { [field]: value, name: 'Somebody Else' });
    expect([reply.status, problems(reply.body)]).toEqual([400, [`${field}: invalid_parameter`]]);
    expect((await get(`users/${id}`)).body).toEqual(before);
  });

  it('changes the external id, and frees the old one', async () => {
    const id = await twin.appUser(token, 'Ada', 'old');
    expect((await put(id, { external_app_user_id: 'new' })).status).toBe(200);
    expect((await get('users?external_app_user_id=old')).body.total_count).toBe(0);
    expect((await get('users?external_app_user_id=new')).body.total_count).toBe(1);
    expect((await create(appUser('Bob', 'old'))).status).toBe(201);
  });

  it('rejects an external id in use, except its own', async () => {
    const ada = await twin.appUser(token, 'Ada', '00u1');
    const bob = await twin.appUser(token, 'Bob', '00u2');
    const reply = await put(bob, { external_app_user_id: '00u1' });
    expect([reply.status, conflictId(reply)]).toEqual([409, ada]);
    expect((await put(ada, { external_app_user_id: '00u1' })).status).toBe(200);
  });

  it('changes nothing when any field is invalid', async () => {
    const id = await twin.appUser(token, 'Ada');
    expect((await put(id, { name: 'Bob', status: 'gone' })).status).toBe(400);
    expect((await get(`users/${id}`)).body.name).toBe('Ada');
  });

  it('cannot change the login of an app user, who has no mailbox to confirm it', async () => {
    const id = await twin.appUser(token, 'Ada');
    expect((await put(id, { login: 'ada@example.com' })).body.code).toBe('user_email_confirmation_required');
  });

  it('sets and removes the notification email', async () => {
    const id = await twin.appUser(token, 'Ada');
    const set = await put(id, { notification_email: { email: 'ada@example.com' } });
    expect(set.body.notification_email).toEqual({ email: 'ada@example.com', is_confirmed: false });
    expect((await put(id, { notification_email: null })).body).not.toHaveProperty('notification_email');
    expect((await put(id, { notification_email: { email: 'ada' } })).status).toBe(400);
  });

  it('removes a managed user from the enterprise', async () => {
    const made = await create({ name: 'Ada', login: 'ada@example.com' });
    expect((await put(text(made.body.id), { enterprise: null })).status).toBe(200);
    expect((await get('users')).body.total_count).toBe(0);
    expect((await put(await twin.appUser(token, 'Bob'), { enterprise: null })).status).toBe(400);
  });
});

describe('deleting a user', () => {
  const remove = (id: string, query = '') => twin.call('DELETE', `/2.0/users/${id}${query}`, { token });
  const withFile = async (): Promise<string> => {
    const id = await twin.appUser(token, 'Ada', '00u1');
    await twin.control('POST', 'seed', { files: [{ externalId: '00u1', path: 'a.txt' }] });
    return id;
  };

  it('answers 204, then 404, and frees the external id', async () => {
    const id = await twin.appUser(token, 'Ada', '00u1');
    const own = await twin.token(id);
    const reply = await remove(id);
    expect([reply.status, reply.text]).toEqual([204, '']);
    expect((await get(`users/${id}`)).status).toBe(404);
    expect((await remove(id)).status).toBe(404);
    expect((await get('users/me', own)).status).toBe(401);
    expect((await create(appUser('Ada', '00u1'))).status).toBe(201);
  });

  it('rejects a user with content unless forced, and force counts only in the query', async () => {
    const id = await withFile();
    const reply = await remove(id);
    expect(reply.body).toMatchObject({
      status: 400,
      code: 'bad_request',
      message: 'User has managed content',
    });
    const inBody = await twin.call('DELETE', `/2.0/users/${id}`, { token, body: { force: true } });
    expect(inBody.status).toBe(400);
    expect((await remove(id, '?force=true')).status).toBe(204);
  });

  it('is refused even with force under a retention policy', async () => {
    await twin.control('PUT', 'settings', { retention: true });
    const reply = await remove(await withFile(), '?force=true');
    expect(reply.body).toMatchObject({
      status: 403,
      code: 'forbidden',
      message: 'User cannot be deleted due to retention policies. Please transfer user content first',
    });
    expect((await remove(await twin.appUser(token, 'Bob'), '?force=true')).status).toBe(204);
  });
});
