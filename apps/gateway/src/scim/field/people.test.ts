import { ENTERPRISE, ScimTestClient, USER, type ScimBody, type ScimReply } from '../scim.harness.ts';

/**
 * Problems with the life cycle of people that operators of SCIM servers reported: each trigger over HTTP, and the
 * correct result.
 */

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
const found = async (filter: string) => (await scim.filter('/Users', filter)).body;
const idsOf = (list: ScimBody) => list.Resources.map(({ id }) => id);
const signIn = async (name: string): Promise<string> => {
  const { config, tenant } = scim.house.api.context;
  const { intake } = tenant;
  const key = { issuer: config.OKTA_ISSUER_URI, subject: `00u${name}`, username: `${name}@example.com` };
  const admission = await intake.admit({ ...key, email: key.username, name }, 'sign-in');
  if (!('identity' in admission)) throw new Error(admission.kind);
  return admission.identity.id;
};
const minimal = (userName: string, more: object = {}) => ({ schemas: [USER], userName, ...more });
const expectTaken = (answer: ScimReply) =>
  expect([answer.status, answer.body.scimType]).toEqual([409, 'uniqueness']);

const cases: Readonly<Record<string, () => Promise<void>>> = {
  '1. a person who was just pushed is active in every response, before Box has them': async () => {
    const { body: made } = await scim.hire('a1');
    expect(made['active']).toBe(true);
    expect((await scim.get(`/Users/${made.id}`)).body['active']).toBe(true);
    expect((await found('userName eq "a1@example.com"')).Resources[0]!['active']).toBe(true);
    expect((await scim.put(`/Users/${made.id}`, { ...made, active: false })).body['active']).toBe(false);
    const back = await scim.patch(`/Users/${made.id}`, { op: 'replace', value: { active: true } });
    expect(back.body['active']).toBe(true);
  },
  '2. the first create links a person who signed in before, and later ones change nothing': async () => {
    const identityId = await signIn('a2');
    const { cookie = '' } = await scim.house.api.session(identityId);
    const pushed = minimal('a2@example.com', { externalId: '00ua2' });
    const linked = await scim.post('/Users', pushed);
    expect(linked).toMatchObject({ status: 201, body: { id: identityId } });
    const before = (await scim.get(`/Users/${identityId}`)).body;
    for (let time = 0; time < 10; time++) {
      expectTaken(await scim.post('/Users', pushed));
      expect((await scim.get(`/Users/${identityId}`)).body).toEqual(before);
    }
    expect((await fetch(`${scim.house.api.url}/v1/me`, { headers: { cookie } })).status).toBe(200);
    expect(await signIn('a2')).toBe(identityId);
  },
  '3. a look-up finds everyone for whom a create answers 409, and nobody who was deleted': async () => {
    const identityId = await signIn('a3');
    const claimed = ['userName eq "a3@example.com"', 'emails.value eq "a3@example.com"'];
    const id = 'externalId eq "00ua3"';
    const finds = async (key: string) => [key, idsOf(await found(key))];
    // What a sign-in only claimed is no key, and takes no name: the create links them by their id.
    for (const key of claimed) expect(await finds(key)).toEqual([key, []]);
    expect(await finds(id)).toEqual([id, [identityId]]);
    expect(await scim.hire('a3')).toMatchObject({ status: 201, body: { id: identityId } });
    for (const key of [...claimed, id]) expect(await finds(key)).toEqual([key, [identityId]]);
    expectTaken(await scim.hire('a3'));
    const { body: gone } = await scim.hire('a3gone');
    await scim.delete(`/Users/${gone.id}`);
    expect((await found('userName eq "a3gone@example.com"')).totalResults).toBe(0);
    expect((await scim.hire('a3gone')).status).toBe(201);
  },
  '4. the case of a user name is kept, and any other case is the same person': async () => {
    const made = await scim.post('/Users', minimal('A4.Example@Example.COM'));
    expect([made.status, made.body['userName']]).toEqual([201, 'A4.Example@Example.COM']);
    expect((await scim.get(`/Users/${made.body.id}`)).body['userName']).toBe('A4.Example@Example.COM');
    expectTaken(await scim.post('/Users', minimal('a4.example@example.com')));
    const third = await scim.put(`/Users/${made.body.id}`, minimal('a4.EXAMPLE@example.com'));
    expect(third.body['userName']).toBe('a4.EXAMPLE@example.com');
    expect(idsOf(await found('userName eq "A4.example@EXAMPLE.com"'))).toEqual([made.body.id]);
  },
  '5. a filter ignores the case of names, operators and values, except of an external id': async () => {
    const { body: made } = await scim.hire('a5');
    for (const filter of [
      'USERNAME EQ "A5@EXAMPLE.COM"',
      `${USER}:userName eq "a5@example.com"`,
      'userName eq "a5@example.com" AND emails[type eq "WORK" and value co "@EXAMPLE"]',
      'userName eq "a5@example.com" and active eq True',
      'externalId eq "00ua5"',
    ])
      expect([filter, idsOf(await found(filter))]).toEqual([filter, [made.id]]);
    expect((await found('externalId eq "00UA5"')).totalResults).toBe(0);
  },
  '6. values with a plus sign, an apostrophe, a quote or a backslash are each found once': async () => {
    for (const userName of [
      'a6+test@example.com',
      "o'a6@example.com",
      'a6"quote@example.com',
      'a6\\slash@example.com',
    ]) {
      const made = await scim.post('/Users', minimal(userName));
      const filter = `userName eq ${JSON.stringify(userName)}`;
      const spaced = encodeURIComponent(filter);
      for (const query of [spaced, spaced.replaceAll('%20', '+')])
        expect(idsOf((await scim.get(`/Users?filter=${query}`)).body)).toEqual([made.body.id]);
    }
    const raw = await scim.get('/Users?filter=userName%20eq%20%22a6+test%40example.com%22');
    expect([raw.status, raw.body.totalResults]).toEqual([200, 0]);
  },
  '7. several people may have the same e-mail address': async () => {
    const emails = [{ value: 'a7shared@example.com', primary: true }];
    const [one, other] = [await scim.hire('a7', { emails }), await scim.hire('a7admin', { emails })];
    expect([one.status, other.status]).toEqual([201, 201]);
    expect(one.body.id).not.toBe(other.body.id);
  },
  '8. a changed user name is the same person; an exchange of two names cannot be applied halfway':
    async () => {
      const [{ body: one }, { body: other }] = [await scim.hire('a8'), await scim.hire('a8other')];
      const path = 'userName';
      const renamed = await scim.patch(`/Users/${one.id}`, {
        op: 'replace',
        path,
        value: 'a8married@example.com',
      });
      expect(renamed.body).toMatchObject({ id: one.id, active: true, userName: 'a8married@example.com' });
      expect((await found('userName eq "a8@example.com"')).totalResults).toBe(0);
      const put = await scim.put(`/Users/${one.id}`, { ...renamed.body, userName: 'a8@example.com' });
      expect(put.body).toMatchObject({ id: one.id, active: true, userName: 'a8@example.com' });
      expectTaken(
        await scim.patch(`/Users/${one.id}`, { op: 'replace', path, value: 'a8other@example.com' }),
      );
      expect((await scim.get(`/Users/${one.id}`)).body).toEqual(put.body);
      expect((await scim.get(`/Users/${other.id}`)).body['userName']).toBe('a8other@example.com');
    },
  '9. a password is neither checked nor stored': async () => {
    const made = await scim.hire('a9', { password: 'x' });
    const patched = await scim.patch(`/Users/${made.body.id}`, {
      op: 'replace',
      value: { password: 'a9secret', active: true },
    });
    expect([made.status, patched.status]).toEqual([201, 200]);
    expect(JSON.stringify([made.body, patched.body, scim.house.logged])).not.toMatch(/password|a9secret/);
  },
  '10. unknown attributes prevent no push and no deactivation': async () => {
    const custom = 'urn:okta:custom:1.0:user:foyer';
    const more = { schemas: [USER, custom], [custom]: { costCentre: '1' }, name: { middleInitial: 'Q' } };
    const made = await scim.hire('a10', more);
    const put = await scim.put(`/Users/${made.body.id}`, {
      ...minimal('a10@example.com'),
      ...more,
      active: false,
    });
    expect([made.status, put.status, put.body['active']]).toEqual([201, 200, false]);
    expect(put.headers.get('foyer-warning')).toContain('name.middleInitial');
    const patched = await scim.patch(`/Users/${made.body.id}`, {
      op: 'replace',
      value: { [`${custom}:costCentre`]: 2 },
    });
    expect(patched.status).toBe(200);
  },
  '11. a second create gets a complete SCIM error that names the attribute that is taken': async () => {
    await scim.hire('a11');
    const twice = await scim.hire('a11', { externalId: '00ua11b' });
    expect(twice.type).toMatch(/^application\/scim\+json/);
    expect(twice.body).toEqual({
      schemas: [ERROR],
      ...{ status: '409', scimType: 'uniqueness', detail: expect.stringMatching(/userName/) as unknown },
    });
    expect(twice.body['detail']).not.toMatch(/externalId/);
    const other = await scim.hire('a11b', { externalId: '00ua11' });
    expect(other.body['detail']).toMatch(/externalId/);
    expect(other.body['detail']).not.toMatch(/userName/);
  },
  '12. every error is a SCIM error': async () => {
    const text = { 'content-type': 'text/plain' };
    const wrong: [number, ScimReply][] = [
      [404, await scim.get('/Nonsense')],
      [404, await scim.get('/Users/not-a-uuid')],
      [405, await scim.send('PATCH', '/Users', {})],
      [400, await scim.post('/Users', '{"schemas":["urn')],
      [413, await scim.post('/Users', ' '.repeat(6 * 1024 * 1024))],
      [415, await scim.send('POST', '/Users', '{}', text)],
      [404, await scim.get('/Users/%00')],
    ];
    await scim.house.api.database.goAway();
    wrong.push([503, await scim.get('/Users')]);
    await scim.house.api.database.comeBack();
    for (const [status, answer] of wrong) {
      expect([answer.status, answer.type]).toEqual([status, 'application/scim+json; charset=utf-8']);
      expect(answer.body).toMatchObject({ schemas: [ERROR], status: String(status) });
    }
  },
  '13. pages state the total and their own size as integers': async () => {
    for (const name of ['a13x', 'a13y', 'a13z']) await scim.hire(name);
    const page = async (query: string) =>
      (await scim.get(`/Users?filter=${encodeURIComponent('userName sw "a13"')}&${query}`)).body;
    const told = ({ totalResults, startIndex, itemsPerPage, Resources }: ScimBody) => [
      totalResults,
      startIndex,
      itemsPerPage,
      Resources.length,
    ];
    expect(told(await page('startIndex=101&count=100'))).toEqual([3, 101, 0, 0]);
    expect(told(await page(''))).toEqual([3, 1, 3, 3]);
    expect(told(await page('count=0'))).toEqual([3, 1, 0, 0]);
    expect(told(await page('startIndex=0'))).toEqual([3, 1, 3, 3]);
    expect(told(await page('count=-5'))).toEqual([3, 1, 0, 0]);
    expect(told(await page('startIndex=2&count=1'))).toEqual([3, 2, 1, 1]);
  },
  '14. a repeated create with fewer attributes removes nothing': async () => {
    const phoneNumbers = [{ value: '+49 30 1', type: 'work' }];
    const { body: made } = await scim.hire('a14', {
      title: 'Keeper',
      phoneNumbers,
      [ENTERPRISE]: { department: 'D' },
    });
    expectTaken(await scim.post('/Users', minimal('a14@example.com', { externalId: '00ua14' })));
    expect((await scim.get(`/Users/${made.id}`)).body).toEqual(made);
  },
  '15. twenty creates and a sign-in at once lead to one person': async () => {
    const creates = Array.from({ length: 20 }, () => scim.hire('a15'));
    const [, ...answers] = await Promise.all([signIn('a15'), ...creates]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
    expect(statuses.filter((status) => status === 201).length).toBeLessThanOrEqual(1);
    expect((await found('userName eq "a15@example.com"')).totalResults).toBe(1);
  },
  '16. a deactivated person can still be read, found and listed': async () => {
    const { body: made } = await scim.hire('a16', { active: false });
    expect((await scim.get(`/Users/${made.id}`)).body['active']).toBe(false);
    const list = await found('userName eq "a16@example.com"');
    expect(list.Resources[0]).toMatchObject({ id: made.id, active: false });
  },
  '17. activation and deactivation are accepted in the forms of Okta, Entra and others': async () => {
    const { body: made } = await scim.hire('a17');
    const active = async (operation: object) => {
      const { status, body } = await scim.patch(`/Users/${made.id}`, operation);
      return [status, body['active'] ?? body.scimType];
    };
    expect(await active({ op: 'Replace', path: 'active', value: 'False' })).toEqual([200, false]);
    expect(await active({ op: 'Add', path: 'active', value: true })).toEqual([200, true]);
    expect(await active({ op: 'replace', path: 'active', value: false })).toEqual([200, false]);
    expect(await active({ op: 'replace', value: { active: 'True' } })).toEqual([200, true]);
    expect(await active({ op: 'replace', path: `${USER}:active`, value: false })).toEqual([200, false]);
    expect(await active({ op: 'replace', path: 'active', value: 'nonsense' })).toEqual([400, 'invalidValue']);
  },
  '18. no person is activated by an omitted or removed attribute': async () => {
    const { body: made } = await scim.hire('a18', { active: false });
    const path = `/Users/${made.id}`;
    const same = minimal('a18@example.com');
    expect((await scim.put(path, same)).body['active']).toBe(false);
    expect((await scim.put(path, { ...same, active: null })).body['active']).toBe(false);
    for (const operation of [
      { op: 'remove', path: 'active' },
      { op: 'replace', path: 'active', value: null },
      { op: 'replace', value: { active: null } },
    ]) {
      const patched = await scim.patch(path, operation);
      expect([patched.status, patched.body['active']]).toEqual([200, false]);
    }
    const { rows } = await scim.house.api.context.database.pool.query(
      'SELECT active FROM identity WHERE id = $1',
      [made.id],
    );
    expect(rows).toEqual([{ active: false }]);
  },
  '19. a person who leaves their last group has none, and no sign-in restores it': async () => {
    const { body: made } = await scim.hire('a19');
    const { body: group } = await scim.group('A19', [made.id]);
    expect((await scim.get(`/Users/${made.id}`)).body['groups']).toMatchObject([{ value: group.id }]);
    await scim.patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${made.id}"]` });
    expect((await scim.get(`/Users/${made.id}`)).body).not.toHaveProperty('groups');
    await signIn('a19');
    expect((await scim.get(`/Users/${made.id}`)).body).not.toHaveProperty('groups');
    expect((await scim.get(`/Groups/${group.id}`)).body['members'] ?? []).toEqual([]);
  },
  '20. null, an empty list and empty text remove a value, and are never refused': async () => {
    const { body: made } = await scim.hire('a20', { title: 'Keeper', phoneNumbers: [{ value: '1' }] });
    const put = await scim.put(`/Users/${made.id}`, {
      ...minimal('a20@example.com'),
      ...{
        title: null,
        phoneNumbers: [],
        emails: [{ value: '', primary: true }],
        locale: '',
        externalId: '',
      },
      name: { formatted: '', givenName: 'Ada', familyName: 'Example' },
    });
    expect([put.status, put.body['externalId']]).toEqual([200, '00ua20']);
    for (const name of ['title', 'phoneNumbers', 'emails']) expect(put.body).not.toHaveProperty(name);
    const { rows } = await scim.house.api.context.database.pool.query(
      'SELECT name, email, box_profile FROM identity WHERE id = $1',
      [made.id],
    );
    expect(rows).toEqual([{ name: 'Ada Example', email: null, box_profile: {} }]);
  },
};

it.each(Object.entries(cases))('%s', (_title, check) => check());
