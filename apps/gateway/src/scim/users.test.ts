import { PROVISIONING_URN } from '@foyer/scim';
import { ENTERPRISE, ScimTestClient, USER } from './scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

describe('RFC 7644, section 3.3: creating a person', () => {
  it('answers 201 with the whole resource, its location, its version, and the request that updates Box', async () => {
    const made = await scim.hire('ada');
    expect(made.status).toBe(201);
    expect(made.type).toBe('application/scim+json; charset=utf-8');
    const location = `${scim.origin}/scim/v2/Users/${made.body.id}`;
    expect(made.headers.get('location')).toBe(location);
    expect(made.headers.get('etag')).toBe('W/"1"');
    expect(made.body).toMatchObject({
      schemas: [USER, PROVISIONING_URN],
      userName: 'ada@example.com',
      externalId: '00uada',
      active: true,
      displayName: 'ada Example',
      meta: { resourceType: 'User', location, version: 'W/"1"' },
      [PROVISIONING_URN]: { inStep: false },
    });
    expect(JSON.stringify(made.body)).not.toContain('never kept');
    const request = made.headers.get('foyer-request')!;
    expect((made.body[PROVISIONING_URN] as { request: string }).request).toBe(request);
    const { api } = scim.house;
    const polled = await api.get(new URL(request).pathname, await api.machine('foyer.read'));
    expect(polled.body).toMatchObject({ cause: 'scim', status: 'queued' });
    expect((await scim.get(`/Users/${made.body.id}`)).body).toEqual(made.body);
  });

  it('refuses a person who already exists, by user name in any case and by Okta id', async () => {
    await scim.hire('bob');
    for (const again of [
      await scim.hire('bob'),
      await scim.hire('bob2', { userName: 'BOB@example.com' }),
      await scim.hire('bob3', { externalId: '00ubob' }),
    ]) {
      expect(again.status).toBe(409);
      expect(again.body).toMatchObject({ scimType: 'uniqueness', status: '409' });
    }
  });

  it('refuses values that are too long for an index', async () => {
    const long = '\u{1F600}'.repeat(300);
    for (const more of [{ userName: long }, { externalId: long }]) {
      const refused = await scim.hire('long', more);
      expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidValue']);
    }
    const group = await scim.group('Long', [long]);
    expect([group.status, group.body.scimType]).toEqual([400, 'invalidValue']);
    expect((await scim.group(long)).status).toBe(400);
  });

  it('stores the password nowhere', async () => {
    const made = await scim.hire('cyd', { password: 'correct horse' });
    await scim.put(`/Users/${made.body.id}`, {
      schemas: [USER],
      userName: 'cyd@example.com',
      password: 'battery staple',
    });
    const { pool } = scim.house.api.context.database;
    const { rows } = await pool.query<{ found: number }>(
      `SELECT (SELECT count(*) FROM identity i WHERE i::text ~ 'correct horse|battery staple')::int
         + (SELECT count(*) FROM api_call c WHERE c::text ~ 'correct horse|battery staple')::int AS found`,
    );
    expect(rows[0]!.found).toBe(0);
    expect(scim.house.logged.join()).not.toMatch(/correct horse|battery staple/);
  });

  it('creates one person when two creates arrive at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => scim.hire('twins')));
    expect(all.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
    expect((await scim.filter('/Users', 'userName eq "twins@example.com"')).body.totalResults).toBe(1);
  });
});

describe('Okta, linking a person who signed in before', () => {
  it('finds them by user name and by Okta id, and links them with a PUT', async () => {
    const { identityId } = await scim.house.api.admit({
      subject: '00udee',
      username: 'dee@example.com',
      name: 'Dee Before',
      isEmailVerified: true,
    });
    for (const filter of ['userName eq "dee@example.com"', 'externalId eq "00udee"'])
      expect((await scim.filter('/Users', filter)).body).toMatchObject({
        totalResults: 1,
        Resources: [{ id: identityId, userName: 'dee@example.com', displayName: 'Dee Before', active: true }],
      });
    const before = (await scim.get(`/Users/${identityId}`)).body;
    const linked = await scim.put(`/Users/${identityId}`, { ...before, displayName: 'Dee After' });
    expect([linked.status, linked.body['displayName']]).toEqual([200, 'Dee After']);
    expect((await scim.hire('dee')).status).toBe(409);
  });

  it('reads + as a space in a filter', async () => {
    await scim.hire('eve');
    const found = await scim.get('/Users?filter=userName+eq+%22eve%40example.com%22&startIndex=1&count=100');
    expect(found.body).toMatchObject({ totalResults: 1, itemsPerPage: 1, startIndex: 1 });
  });
});

describe('RFC 7644, sections 3.5 and 3.14: changing a person', () => {
  it('replaces the attributes, but keeps "inactive" and the Okta id when they are left out', async () => {
    const { body: made } = await scim.hire('fay');
    await scim.patch(`/Users/${made.id}`, { op: 'replace', value: { active: false } });
    const put = await scim.put(`/Users/${made.id}`, { schemas: [USER], userName: 'fay@example.com' });
    expect(put.body).toMatchObject({ active: false, externalId: '00ufay', userName: 'fay@example.com' });
    expect(put.body).not.toHaveProperty('emails');
    expect(put.headers.get('etag')).toBe('W/"3"');
    expect((await scim.put(`/Users/${made.id}`, put.body)).headers.get('etag')).toBe('W/"3"');
  });

  it('patches with and without a path, and extensions', async () => {
    const { body: made } = await scim.hire('gus');
    const patched = await scim.patch(
      `/Users/${made.id}`,
      { op: 'Replace', path: 'name.familyName', value: 'Other' },
      { op: 'add', path: `${ENTERPRISE}:department`, value: 'Files' },
      { op: 'replace', value: { title: 'Keeper', active: 'True' } },
    );
    expect(patched.status).toBe(200);
    expect(patched.body).toMatchObject({
      name: { familyName: 'Other', givenName: 'gus' },
      title: 'Keeper',
      active: true,
      [ENTERPRISE]: { department: 'Files' },
    });
    const refused = await scim.patch(`/Users/${made.id}`, {
      op: 'replace',
      path: 'emails[type eq "home"].value',
      value: 'x',
    });
    expect([refused.status, refused.body.scimType]).toEqual([400, 'noTarget']);
  });

  it('changes nothing unless the version is the one that the client knows', async () => {
    const { body: made } = await scim.hire('hal');
    const path = `/Users/${made.id}`;
    const body = { schemas: [USER], userName: 'hal2@example.com' };
    expect((await scim.send('PUT', path, body, { 'if-match': 'W/"9"' })).status).toBe(412);
    expect((await scim.send('DELETE', path, undefined, { 'if-match': 'W/"9"' })).status).toBe(412);
    expect((await scim.send('PUT', path, body, { 'if-match': 'W/"1"' })).status).toBe(200);
    expect((await scim.get(path, { 'if-none-match': 'W/"2"' })).status).toBe(304);
    expect((await scim.get(path, { 'if-none-match': 'W/"1"' })).status).toBe(200);
  });
});

describe('a person who is deactivated', () => {
  it('is signed out at once, and cannot sign in again', async () => {
    const { body: made } = await scim.hire('ida');
    const { api } = scim.house;
    const { cookie = '' } = await api.session(made.id);
    const me = () => fetch(`${api.url}/v1/me`, { headers: { cookie } });
    expect((await me()).status).toBe(200);
    await scim.patch(`/Users/${made.id}`, { op: 'replace', value: { active: false } });
    expect((await me()).status).toBe(401);
    const { rows } = await api.context.database.pool.query(
      `SELECT FROM session WHERE sess ->> 'identityId' = $1`,
      [made.id],
    );
    expect(rows).toHaveLength(0);
    const person = {
      issuer: api.context.config.OKTA_ISSUER_URI,
      subject: '00uida',
      username: 'ida@example.com',
      name: 'Ida',
    };
    expect(await api.context.tenant.intake.admit(person, 'sign-in')).toMatchObject({ kind: 'deactivated' });
    expect((await scim.get(`/Users/${made.id}`)).body['active']).toBe(false);
  });

  it('keeps their identity when Okta pushes them again under another id', async () => {
    const { body: made } = await scim.hire('jon');
    await scim.put(`/Users/${made.id}`, { ...made, active: false });
    const found = (await scim.filter('/Users', 'userName eq "jon@example.com"')).body.Resources[0]!;
    const back = await scim.put(`/Users/${found.id}`, { ...found, externalId: '00ujon2', active: true });
    expect(back.body).toMatchObject({ id: made.id, externalId: '00ujon2', active: true });
    expect((await scim.filter('/Users', 'externalId eq "00ujon"')).body.totalResults).toBe(0);
  });

  it('does not exist for SCIM after a DELETE, and is the same person when created again with the same Okta id', async () => {
    const { body: made } = await scim.hire('kim');
    expect((await scim.delete(`/Users/${made.id}`)).status).toBe(204);
    expect((await scim.get(`/Users/${made.id}`)).status).toBe(404);
    expect((await scim.delete(`/Users/${made.id}`)).status).toBe(404);
    expect((await scim.filter('/Users', 'userName eq "kim@example.com"')).body.totalResults).toBe(0);
    const again = await scim.hire('kim');
    expect([again.status, again.body.id]).toEqual([201, made.id]);
  });
});
