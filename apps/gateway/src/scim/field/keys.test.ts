import { ScimTestClient, USER } from '../scim.harness.ts';

/**
 * The keys of people and groups are stored, returned, compared and searched in one form, whatever the spelling of the
 * client.
 */

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

const idsOf = async (endpoint: '/Users' | '/Groups', attribute: string, value: string) =>
  (await scim.filter(endpoint, `${attribute} eq ${JSON.stringify(value)}`)).body.Resources.map(
    ({ id }) => id,
  );
const post = (userName: string, more: object = {}) =>
  scim.post('/Users', { schemas: [USER], userName, ...more });

describe('white space around a key of a person', () => {
  it.each([' ', '\t', '\u00a0', '\ufeff', '\u3000', '\r\n'])(
    '%j is neither stored nor searched for',
    async (blank) => {
      const n = blank.codePointAt(0)!;
      const sent = { userName: `${blank}w${n}@example.com${blank}`, externalId: `00uw${n}${blank}` };
      const made = await post(sent.userName, { externalId: sent.externalId });
      expect(made.body).toMatchObject({ userName: `w${n}@example.com`, externalId: `00uw${n}` });
      for (const userName of [sent.userName, `w${n}@example.com`]) {
        expect(await idsOf('/Users', 'userName', userName)).toEqual([made.body.id]);
        expect((await post(userName)).status).toBe(409);
      }
      for (const externalId of [sent.externalId, `00uw${n}`]) {
        expect(await idsOf('/Users', 'externalId', externalId)).toEqual([made.body.id]);
        expect((await post(`other${n}@example.com`, { externalId })).status).toBe(409);
      }
      const put = await scim.put(`/Users/${made.body.id}`, { schemas: [USER], ...sent });
      expect(put.headers.get('etag')).toBe('W/"1"');
      const group = await scim.group(`Team ${n}${blank}`, [` ${made.body.id} `, `00uw${n}${blank}`]);
      expect(group.body).toMatchObject({ displayName: `Team ${n}`, members: [{ value: made.body.id }] });
      expect(await idsOf('/Groups', 'displayName', `Team ${n}${blank}`)).toEqual([group.body.id]);
    },
  );

  it('still counts within a part of a name', async () => {
    await scim.group('Teamwork');
    const { body } = await scim.filter('/Groups', 'displayName sw "Team "');
    expect(body.Resources.map((each) => each['displayName'])).not.toContain('Teamwork');
  });

  it('alone is not an external id, by POST, PUT and PATCH, for people and groups', async () => {
    const { body: made } = await post('noext@example.com', { externalId: ' ' });
    expect(made).not.toHaveProperty('externalId');
    await scim.patch(`/Users/${made.id}`, { op: 'add', value: { externalId: '00unoext' } });
    const kept = await scim.put(`/Users/${made.id}`, {
      schemas: [USER],
      userName: 'noext@example.com',
      externalId: '',
    });
    expect(kept.body['externalId']).toBe('00unoext');
    const gone = await scim.patch(`/Users/${made.id}`, { op: 'replace', path: 'externalId', value: '' });
    expect(gone.body).not.toHaveProperty('externalId');
    expect((await scim.get(`/Users/${made.id}`)).body).not.toHaveProperty('externalId');
    const { body: group } = await scim.post('/Groups', {
      ...{ schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'No id', externalId: '' },
    });
    expect(group).not.toHaveProperty('externalId');
    const patched = await scim.send('PATCH', `/Groups/${group.id}?attributes=externalId`, {
      Operations: [{ op: 'replace', value: { externalId: ' ' } }],
    });
    expect([patched.status, patched.body['externalId']]).toEqual([200, undefined]);
  });
});

describe('RFC 7643, section 4.1.1: user names that PRECIS makes equal', () => {
  it.each([
    ['composed and decomposed', 'zo\u00eb1@example.com', 'zoe\u03081@example.com'],
    ['full width and plain', '\uff42\uff4f\uff42\uff12@example.com', 'bob2@example.com'],
    ['capitals with and without accents of their own', 'ZO\u00cb3@example.com', 'zoe\u03083@example.com'],
  ])('%s: are one person, found by both names, and returned as they were sent', async (_, one, other) => {
    const made = await post(one);
    expect([made.status, made.body['userName']]).toEqual([201, one]);
    expect((await post(other)).status).toBe(409);
    expect(await idsOf('/Users', 'userName', one)).toEqual([made.body.id]);
    expect(await idsOf('/Users', 'userName', other)).toEqual([made.body.id]);
    const put = await scim.put(`/Users/${made.body.id}`, { schemas: [USER], userName: other });
    expect([put.status, put.body['userName']]).toEqual([200, other]);
    const parts = await scim.filter('/Users', `userName co ${JSON.stringify(one.slice(0, 4))}`);
    expect(parts.body.Resources.map(({ id }) => id)).toContain(made.body.id);
  });

  it('are one person also when both arrive at once', async () => {
    const names = ['\u00e5ngstrom@example.com', 'a\u030angstrom@example.com', '\u212bngstrom@example.com'];
    const all = await Promise.all([...names, ...names].map((name) => post(name)));
    expect(all.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
  });
});

it('groups whose names differ in white space only are one, as they are in Box', async () => {
  const { body: made } = await scim.group('Sales  and\u00a0Support');
  for (const name of ['Sales and Support', 'sales\tand support', ' Sales and  Support '])
    expect((await scim.group(name)).status).toBe(409);
  expect(await idsOf('/Groups', 'displayName', 'sales and support')).toEqual([made.id]);
  expect(made['displayName']).toBe('Sales  and\u00a0Support');
  const { body: other } = await scim.group('Sales');
  const renamed = await scim.patch(`/Groups/${other.id}`, {
    op: 'replace',
    value: { displayName: 'sales and  support' },
  });
  expect([renamed.status, renamed.body.scimType]).toEqual([409, 'uniqueness']);
});

describe('a value that is emptied', () => {
  it.each([[{ value: '' }], [{ value: null }], [{ value: ' ', type: 'work' }]])(
    '%j is not kept',
    async (email) => {
      const emails = [
        { ...email, primary: true },
        { value: 'real@example.com', primary: true },
      ];
      const made = await scim.hire(`empty${JSON.stringify(email).length}`, { emails });
      expect(made.body['emails']).toEqual([{ value: 'real@example.com', primary: true }]);
      const path = 'emails[value eq "real@example.com"].value';
      const patched = await scim.patch(`/Users/${made.body.id}`, { op: 'replace', path, value: email.value });
      expect([patched.status, patched.body['emails']]).toEqual([200, undefined]);
    },
  );
});
