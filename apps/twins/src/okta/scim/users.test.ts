import { control, start } from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';
import { endScene, makeScene, tasksOf, type Scene } from './scim.harness.ts';

let twin: OktaTwin;
let scene: Scene;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
beforeEach(async () => (scene = await makeScene(twin)));
afterEach(async () => expect(await endScene(scene)).toEqual([]));

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function onlyUser(): Record<string, unknown> {
  expect(scene.server.users.size).toBe(1);
  return [...scene.server.users.values()][0] ?? {};
}

describe('testing the connection', () => {
  it('needs one call that lists two users', async () => {
    await scene.configure();
    expect(await scene.act('test-connection')).toMatchObject({ status: 'done', result: 'connected' });
    expect(scene.server.asked()).toEqual(['GET /Users?startIndex=1&count=2']);
  });

  it('reads compressed answers', async () => {
    scene.server.gzip = true;
    await scene.configure();
    expect(await scene.act('test-connection')).toMatchObject({ status: 'done' });
  });

  it.each(['"0"', '0.5', 'null'])('fails when totalResults is %s, which is no integer', async (total) => {
    await scene.configure();
    scene.server.fault((res) => res.end(`{"totalResults":${total},"Resources":[]}`));
    expect(await scene.act('test-connection')).toMatchObject({
      status: 'failed',
      error: 'Testing the connection: totalResults is not an integer',
    });
  });
});

describe.each(['aiw', 'oin'] as const)('%s: a person', (dialect) => {
  it.each([
    ['percent', 'filter=userName%20eq%20%22nia%2Btag%40example.com%22&startIndex=1&count=100'],
    ['plus', 'filter=userName+eq+%22nia%2Btag%40example.com%22&startIndex=1&count=100'],
  ])('is looked up with blanks as %s, and created when no person is found', async (blanks, query) => {
    await scene.configure({ dialect, blanks });
    const id = await scene.hire('nia+tag@example.com', { firstName: 'Nia', lastName: 'Newcomer' });
    expect(await scene.act('assign', { person: id })).toMatchObject({ status: 'done', result: 'created' });
    expect(scene.server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /Users?${query}`,
      'POST /Users',
    ]);
    const [body] = scene.server.bodies('POST');
    expect(body).toEqual({
      schemas: [USER],
      userName: 'nia+tag@example.com',
      name: { givenName: 'Nia', familyName: 'Newcomer' },
      emails: [{ primary: true, value: 'nia+tag@example.com', type: 'work' }],
      displayName: 'Nia Newcomer',
      externalId: id,
      groups: [],
      password: expect.any(String) as unknown,
      active: true,
    });
  });

  it('is created without the attributes that are not mapped, as captured', async () => {
    await scene.configure({ dialect, mappings: 'short' });
    const id = await scene.hire('test.joiner@example.com', {
      firstName: 'test',
      lastName: 'joiner',
      profile: { title: 'unmapped', locale: 'en_US' },
    });
    await scene.act('assign', { person: id });
    expect(scene.server.bodies('POST')).toEqual([
      {
        schemas: [USER],
        userName: 'test.joiner@example.com',
        name: { givenName: 'test', familyName: 'joiner' },
        emails: [{ primary: true, value: 'test.joiner@example.com' }],
        externalId: id,
        groups: [],
        password: expect.any(String) as unknown,
        active: true,
      },
    ]);
  });

  it('is sent with the whole profile, enterprise attributes in their extension', async () => {
    await scene.configure({ dialect });
    await scene.hire('nia@example.com', {
      profile: {
        title: 'Engineer',
        preferredLanguage: 'de',
        locale: 'de_DE',
        timezone: 'Europe/Berlin',
        mobilePhone: '+49 30 1',
        streetAddress: 'Musterweg 1',
        city: 'Berlin',
        countryCode: 'DE',
        department: 'R&D',
        manager: 'Ada Example',
      },
    });
    await scene.act('assign', { person: 'nia@example.com' });
    expect(onlyUser()).toMatchObject({
      schemas: [USER, ENTERPRISE],
      title: 'Engineer',
      preferredLanguage: 'de',
      locale: 'de_DE',
      timezone: 'Europe/Berlin',
      phoneNumbers: [{ primary: true, value: '+49 30 1', type: 'mobile' }],
      addresses: [
        { primary: true, type: 'work', streetAddress: 'Musterweg 1', locality: 'Berlin', country: 'DE' },
      ],
      [ENTERPRISE]: { department: 'R&D', manager: { displayName: 'Ada Example' } },
    });
  });

  it('is created when the look-up answers 404 with an error schema', async () => {
    await scene.configure({ dialect });
    scene.server.notFoundAs404 = true;
    await scene.hire('nia@example.com');
    expect(await scene.act('assign', { person: 'nia@example.com' })).toMatchObject({ result: 'created' });
  });

  it('who already exists is linked with GET and PUT, and attributes that Okta does not map are returned unchanged', async () => {
    await scene.configure({ dialect });
    const scimId = scene.server.addUser({
      userName: 'nia@example.com',
      name: { formatted: 'Stale Name', givenName: 'Old' },
      emails: [{ primary: true, value: 'old@example.com', display: 'old' }, { value: 'second@example.com' }],
      nickName: 'Nini',
      groups: [{ value: 'group-9' }],
      'urn:example:own': { kept: true },
    });
    const id = await scene.hire('nia@example.com', { firstName: 'Nia', lastName: 'Newcomer' });
    expect(await scene.act('assign', { person: id })).toMatchObject({ result: 'linked' });
    expect(scene.server.asked().slice(1)).toEqual([`GET /Users/${scimId}`, `PUT /Users/${scimId}`]);
    expect(scene.server.bodies('PUT')).toEqual([
      {
        schemas: [USER],
        active: true,
        id: scimId,
        meta: expect.anything() as unknown,
        groups: [{ value: 'group-9' }],
        'urn:example:own': { kept: true },
        userName: 'nia@example.com',
        name: { formatted: 'Stale Name', givenName: 'Nia', familyName: 'Newcomer' },
        displayName: 'Nia Newcomer',
        emails: [
          { primary: true, value: 'nia@example.com', display: 'old', type: 'work' },
          { value: 'second@example.com' },
        ],
        externalId: id,
      },
    ]);
  });

  it('is linked to the first user in the list, even under another user name', async () => {
    await scene.configure({ dialect });
    const scimId = scene.server.addUser({ userName: 'octo@example.com' });
    await scene.hire('nia@example.com');
    scene.server.fault((res) =>
      res.end(JSON.stringify({ totalResults: 1, Resources: [scene.server.users.get(scimId)] })),
    );
    await scene.act('assign', { person: 'nia@example.com' });
    expect(onlyUser()).toMatchObject({ id: scimId, userName: 'nia@example.com' });
  });

  it('is updated by PUT: a new login, a new title, an attribute that was emptied', async () => {
    await scene.configure({ dialect });
    const id = await scene.hire('nia@example.com', { firstName: 'Nia', profile: { nickName: 'Nini' } });
    await scene.act('assign', { person: id });
    scene.server.clear();
    const change = { login: 'nia.new@example.com', profile: { title: 'Lead', nickName: null } };
    expect(await scene.act('update', { person: id, change })).toMatchObject({ result: 'updated' });
    expect(scene.server.asked()).toEqual(['GET /Users/user-1', 'PUT /Users/user-1']);
    expect(onlyUser()).toMatchObject({
      userName: 'nia.new@example.com',
      emails: [{ value: 'nia@example.com' }],
      title: 'Lead',
      externalId: id,
    });
    expect(onlyUser()).not.toHaveProperty('nickName');
    expect(onlyUser()).not.toHaveProperty('password');
  });

  it('who leaves is deactivated in the form of the dialect, and never deleted', async () => {
    await scene.configure({ dialect });
    await scene.hire('nia@example.com');
    await scene.act('assign', { person: 'nia@example.com' });
    scene.server.clear();
    expect(await scene.act('unassign', { person: 'nia@example.com' })).toMatchObject({
      result: 'deactivated',
    });
    if (dialect === 'aiw') {
      expect(scene.server.asked()).toEqual(['GET /Users/user-1', 'PUT /Users/user-1']);
      expect(scene.server.bodies('PUT')).toEqual([onlyUser()]);
    } else {
      expect(scene.server.asked()).toEqual(['PATCH /Users/user-1']);
      expect(scene.server.bodies('PATCH')).toEqual([
        {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
          Operations: [{ op: 'replace', value: { active: false } }],
        },
      ]);
    }
    expect(onlyUser()).toMatchObject({ active: false, userName: 'nia@example.com' });
  });

  it('who returns is looked up, reactivated and updated', async () => {
    await scene.configure({ dialect });
    const id = await scene.hire('nia@example.com', { firstName: 'Nia' });
    await scene.act('assign', { person: id });
    await scene.act('unassign', { person: id });
    await control(twin, `/people/${id}`, { lastName: 'Married' }, 'PATCH');
    scene.server.clear();
    expect(await scene.act('reassign', { person: id })).toMatchObject({ result: 'reactivated' });
    const lookup = 'GET /Users?filter=userName eq "nia@example.com"&startIndex=1&count=100';
    const put = ['GET /Users/user-1', 'PUT /Users/user-1'];
    expect(scene.server.asked()).toEqual(
      dialect === 'aiw' ? [lookup, ...put] : [lookup, 'PATCH /Users/user-1', ...put],
    );
    expect(onlyUser()).toMatchObject({ active: true, name: { givenName: 'Nia', familyName: 'Married' } });
  });

  it('who had the app before is sent by "Provision User" only', async () => {
    await scene.hire('nia@example.com', { assigned: true });
    await scene.configure({ dialect });
    expect(await scene.act('assign', { person: 'nia@example.com' })).toEqual({
      error: 'person: is assigned already; use provision-user',
    });
    expect(scene.server.seen).toEqual([]);
    expect(await scene.act('provision-user', { person: 'nia@example.com' })).toMatchObject({
      result: 'created',
    });
  });

  it('who is not provisioned leaves without a call', async () => {
    await scene.configure({ dialect });
    expect(await scene.act('unassign', { person: 'ada@example.com' })).toMatchObject({ status: 'done' });
    expect(scene.server.seen).toEqual([]);
  });
});

describe('names', () => {
  it.each([
    ['none at all', {}, undefined],
    ['of another script', { firstName: '花子', lastName: '山田' }, { givenName: '花子', familyName: '山田' }],
    ['with quotes', { firstName: `O"'Zoë`, lastName: '\\' }, { givenName: `O"'Zoë`, familyName: '\\' }],
  ])('%s', async (_what, fields, name) => {
    await scene.configure();
    const login = `"q\\"+Đ&?#%@example.com`;
    const id = await scene.hire(login, fields);
    await scene.act('assign', { person: id });
    expect(onlyUser()['name']).toEqual(name);
    // The person is then found by exactly this login.
    await scene.act('unassign', { person: id });
    expect(await scene.act('reassign', { person: id })).toMatchObject({ result: 'reactivated' });
  });
});

describe('an import', () => {
  it('reads users and groups in pages of a hundred and reports the matches, without changing anything', async () => {
    await scene.configure();
    const id = await scene.hire('nia@example.com');
    await scene.act('assign', { person: id });
    scene.server.addUser({ userName: 'ADA@example.com' });
    scene.server.addUser({ userName: 'other', emails: [{ value: 'grace@example.com' }] });
    for (let number = 0; number < 204; number++)
      scene.server.addUser({ userName: `stranger${String(number)}@example.com` });
    scene.server.addGroup('Sales');
    scene.server.addGroup('Nobody knows', [{ value: 'user-1' }]);
    scene.server.clear();
    const { result } = await scene.act('import');
    expect(scene.server.asked()).toEqual([
      'GET /Users?startIndex=1&count=100',
      'GET /Users?startIndex=101&count=100',
      'GET /Users?startIndex=201&count=100',
      'GET /Groups?startIndex=1&count=100',
    ]);
    const { users, groups } = result as { users: Record<string, unknown>[]; groups: unknown };
    expect(users).toHaveLength(207);
    expect(users.slice(0, 4)).toEqual([
      { id: 'user-1', userName: 'nia@example.com', active: true, person: id, by: 'link' },
      {
        id: 'user-2',
        userName: 'ADA@example.com',
        active: true,
        person: '00u1adaExample000001',
        by: 'userName',
      },
      { id: 'user-3', userName: 'other', active: true, person: '00u1graceSample00002', by: 'email' },
      { id: 'user-4', userName: 'stranger0@example.com', active: true, person: null, by: null },
    ]);
    expect(groups).toMatchObject([
      { displayName: 'Sales', by: 'displayName', members: 0 },
      { displayName: 'Nobody knows', group: null, by: null, members: 1 },
    ]);
    expect(await tasksOf(scene)).toHaveLength(2);
  });

  it('ends when the server has fewer than it announced', async () => {
    await scene.configure();
    const page = JSON.stringify({ totalResults: 300, startIndex: 1, itemsPerPage: 0, Resources: [] });
    scene.server.fault((res) => res.end(page));
    expect(await scene.act('import')).toMatchObject({ status: 'done', result: { users: [] } });
  });
});
