import {
  AFTER_LOGOUT,
  CONFIG,
  control,
  idOf,
  isRecord,
  SECRET,
  start,
  tokensOf,
  verify,
} from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';

let twin: OktaTwin;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
afterEach(() => control(twin, '/reset', {}));

async function people(): Promise<Record<string, unknown>[]> {
  const { body } = await control(twin, '/people');
  return Array.isArray(body['people']) ? body['people'].filter(isRecord) : [];
}

describe('people', () => {
  it('are seeded in every state that a sign-in can have, with Okta ids and without passwords', async () => {
    const all = await people();
    expect(all.length).toBeGreaterThanOrEqual(8);
    for (const person of all) {
      expect(person['id']).toMatch(/^00u[A-Za-z0-9]{17}$/);
      expect(person['login']).toMatch(/@example\.com$/);
      expect(person['groups']).toContain('Everyone');
      expect(person).not.toHaveProperty('password');
    }
    const with_ = (name: string, value: unknown): number =>
      all.filter((person) => person[name] === value).length;
    expect(with_('status', 'SUSPENDED')).toBe(1);
    expect(with_('status', 'DEPROVISIONED')).toBe(1);
    expect(all.filter(({ status, assigned }) => status === 'ACTIVE' && assigned === false)).toHaveLength(1);
    expect(with_('name', null)).toBe(1);
    expect(all.filter(({ name }) => typeof name === 'string' && name.length > 50)).toHaveLength(1);
  });

  it('can be created, read, updated and deleted', async () => {
    const made = await control(twin, '/people', {
      login: 'new@example.com',
      password: 'Other-1',
      email: 'mail@example.com',
      name: 'New Person',
      groups: ['Sales'],
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ status: 'ACTIVE', assigned: true, groups: ['Everyone', 'Sales'] });
    const path = `/people/${String(made.body['id'])}`;
    const renamed = await control(twin, path, { firstName: 'Renamed', lastName: 'Person' }, 'PATCH');
    expect(renamed.body).toMatchObject({ name: 'Renamed Person', email: 'mail@example.com' });
    expect((await control(twin, path)).body['name']).toBe('Renamed Person');
    expect((await control(twin, path, undefined, 'DELETE')).status).toBe(204);
    for (const method of ['GET', 'DELETE'])
      expect((await control(twin, path, undefined, method)).status).toBe(404);
    expect((await control(twin, path, {}, 'PATCH')).status).toBe(404);
  });

  it('sign in under a new login with the same sub', async () => {
    const id = await idOf(twin, 'ada@example.com');
    await control(twin, `/people/${id}`, { login: 'ada.new@example.com', name: 'A. Example' }, 'PATCH');
    const claims = await verify(twin, (await tokensOf(twin, 'ADA.NEW@example.com')).idToken);
    expect(claims).toMatchObject({ sub: id, preferred_username: 'ada.new@example.com', name: 'A. Example' });
  });

  it("follow Okta's lifecycle: deactivation removes the assignment, suspension needs an active person", async () => {
    const path = `/people/${await idOf(twin, 'ada@example.com')}`;
    const gone = await control(twin, path, { status: 'DEPROVISIONED' }, 'PATCH');
    expect(gone.body).toMatchObject({ status: 'DEPROVISIONED', assigned: false });
    const suspended = await control(twin, path, { status: 'SUSPENDED' }, 'PATCH');
    expect(suspended.status).toBe(400);
    const back = await control(twin, path, { status: 'ACTIVE', assigned: true }, 'PATCH');
    expect(back.body).toMatchObject({ status: 'ACTIVE', assigned: true });
  });

  it('are created in bulk by list or by count, all or none', async () => {
    const listed = await control(twin, '/seed', {
      people: [{ login: 'one@example.com' }, { login: 'two@example.com' }],
    });
    expect(listed.status).toBe(201);
    const counted = await control(twin, '/seed', { count: 500, prefix: 'many', groups: ['Crowd'] });
    expect(counted.body['people']).toHaveLength(500);
    const before = (await people()).length;
    const clash = await control(twin, '/seed', {
      people: [{ login: 'three@example.com' }, { login: 'one@example.com' }],
    });
    expect(clash.status).toBe(400);
    expect(await people()).toHaveLength(before);
  });

  it('have the same ids after a reset', async () => {
    const before = await people();
    await control(twin, '/people', { login: 'new@example.com' });
    await control(twin, '/settings', { thinIdToken: true, codeTtl: 5 }, 'PUT');
    await control(twin, '/faults', { kind: 'algNone' });
    await control(twin, '/reset', {});
    const ids = (all: Record<string, unknown>[]): unknown[] => all.map(({ id, login }) => [id, login]);
    expect(ids(await people())).toEqual(ids(before));
    expect((await control(twin, '/settings')).body).toMatchObject({ thinIdToken: false, codeTtl: 300 });
    expect((await control(twin, '/faults')).body['faults']).toEqual([]);
  });
});

describe('profiles', () => {
  it('contain the attributes that apps are sent, change one by one, and lose those set to null', async () => {
    const made = await control(twin, '/people', {
      login: 'new@example.com',
      profile: { title: 'Engineer', city: 'Berlin' },
    });
    expect(made.body['profile']).toEqual({ title: 'Engineer', city: 'Berlin' });
    const path = `/people/${String(made.body['id'])}`;
    const changed = await control(twin, path, { profile: { title: 'Lead', city: null } }, 'PATCH');
    expect(changed.body['profile']).toEqual({ title: 'Lead' });
    const renamed = await control(twin, path, { name: 'New Name' }, 'PATCH');
    expect(renamed.body['profile']).toEqual({ title: 'Lead' });
  });
});

describe('groups', () => {
  async function membersOf(name: string): Promise<unknown> {
    return (await control(twin, `/groups/${encodeURIComponent(name)}`)).body['members'];
  }

  it('are the groups of the people, with Okta ids that stay the same', async () => {
    const { body } = await control(twin, '/groups');
    const groups = Array.isArray(body['groups']) ? body['groups'].filter(isRecord) : [];
    expect(groups.map(({ name }) => name)).toEqual(['Everyone', 'Engineering', 'Managers', 'Sales']);
    for (const { id } of groups) expect(id).toMatch(/^00g[A-Za-z0-9]{17}$/);
    expect((await control(twin, '/groups')).body).toEqual(body);
    expect(await membersOf('Managers')).toEqual(['00u1graceSample00002', '00u1benTemplate00005']);
  });

  it('can be created, filled, renamed and deleted, and the claim of each member follows', async () => {
    const members = ['ada@example.com', '00u1alanPattern00003'];
    const made = await control(twin, '/groups', { name: 'New', members });
    expect(made.status).toBe(201);
    const path = `/groups/${String(made.body['id'])}`;
    await control(
      twin,
      path,
      { name: 'Newer', add: ['ben@example.com'], remove: ['alan@example.com'] },
      'PATCH',
    );
    expect(await membersOf('Newer')).toEqual(['00u1adaExample000001', '00u1benTemplate00005']);
    const claims = await verify(twin, (await tokensOf(twin, 'ada@example.com')).idToken);
    expect(claims['groups']).toEqual(['Everyone', 'Engineering', 'Newer']);
    await control(twin, path, { members: ['grace@example.com'] }, 'PATCH');
    expect(await membersOf('Newer')).toEqual(['00u1graceSample00002']);
    expect((await control(twin, path, undefined, 'DELETE')).status).toBe(204);
    expect((await control(twin, '/people/00u1graceSample00002')).body['groups']).not.toContain('Newer');
    expect((await control(twin, path)).status).toBe(404);
  });
});

describe('invalid input is rejected with 400 and the reason', () => {
  it.each([
    ['/people', {}, 'POST', 'login: must be a string'],
    ['/people', { login: 'ada@example.com' }, 'POST', 'login "ada@example.com" is taken'],
    ['/people', { login: 'ADA@example.com' }, 'POST', 'login "ADA@example.com" is taken'],
    ['/people', { login: 'new@example.com', status: 'GONE' }, 'POST', 'status: must be one of STAGED'],
    ['/people', { login: 'new@example.com', groups: [1] }, 'POST', 'groups[0]: must be a string'],
    ['/people', { login: 'new@example.com', id: 'x' }, 'POST', 'id: must be 00u'],
    ['/people', { login: 'new@example.com', admin: true }, 'POST', 'admin: is unknown'],
    ['/people', [], 'POST', 'body: must be a JSON object'],
    ['/people', { login: 'new@example.com', profile: { shoe: '42' } }, 'POST', 'profile.shoe: is unknown'],
    ['/people', { login: 'new@example.com', profile: { city: 5 } }, 'POST', 'profile.city: must be a string'],
    ['/seed', {}, 'POST', 'body: give either people or count'],
    ['/seed', { people: [{ login: 5 }] }, 'POST', 'people[0].login: must be a string'],
    ['/settings', { codeTtl: 0 }, 'PUT', 'codeTtl: must be a whole number from 1 to 3600'],
    ['/faults', { kind: 'nothing' }, 'POST', 'kind: must be one of slow'],
    ['/faults', { kind: 'algNone', times: 0 }, 'POST', 'times: must be a whole number'],
    ['/faults', { kind: 'algNone', endpoint: 'keys' }, 'POST', 'endpoint: algNone shows at token only'],
    ['/faults', { kind: 'error', status: 200 }, 'POST', 'status: must be a whole number from 400 to 599'],
    ['/rotate-keys', { keepOld: 'no' }, 'POST', 'keepOld: must be true or false'],
  ])('%s %j', async (path, body, method, message) => {
    const answer = await control(twin, path, body, method);
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toContain(message);
  });

  it('for a body that is not JSON, and with 404 for an unknown address', async () => {
    const response = await fetch(`${twin.url}/_control/people`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('is not JSON');
    expect((await control(twin, '/nothing')).status).toBe(404);
  });
});

describe('the record of calls', () => {
  it('shows the requests to each endpoint, without secrets, passwords, codes or tokens', async () => {
    const { idToken, accessToken } = await tokensOf(twin, 'ada@example.com');
    const hint = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: AFTER_LOGOUT });
    await fetch(`${twin.url}/oauth2/v1/logout?${hint.toString()}`, { redirect: 'manual' });
    const { body } = await control(twin, '/calls');
    expect(body['counts']).toEqual({ authorize: 1, 'sign-in': 2, resume: 1, token: 1, logout: 1 });
    const text = JSON.stringify(body);
    expect(text).toContain('"grant_type":"authorization_code"');
    expect(text).toContain(`"client_id":"${CONFIG.webClient.id}"`);
    for (const secret of [SECRET, 'Foyer-sample-1', idToken, accessToken]) expect(text).not.toContain(secret);
    await control(twin, '/calls', undefined, 'DELETE');
    expect((await control(twin, '/calls')).body).toEqual({ counts: {}, calls: [] });
  });
});
