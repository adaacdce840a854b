import { PROVISIONING_URN } from '@foyer/scim';
import { ScimTestClient, type ScimBody } from '../scim.harness.ts';

let scim: ScimTestClient;
beforeAll(async () => {
  scim = await ScimTestClient.start();
});
afterAll(() => scim.stop());

const sql = (text: string, ...values: unknown[]) => scim.house.api.context.database.pool.query(text, values);
/** The state after a provisioner created the Box user. */
const inBox = async (id: string, boxUserId: string) => {
  await sql(
    `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
     SELECT id, tenant_id, $2, name, 'active', generation FROM identity WHERE id = $1`,
    id,
    boxUserId,
  );
};

describe('If-None-Match', () => {
  it('gets the person again when Box has them, or when their groups have changed', async () => {
    const { body: made } = await scim.hire('eva');
    const path = `/Users/${made.id}`;
    const tags = [made['meta'] as { version: string }].map(({ version }) => version);
    const expectNews = async () => {
      const answer = await scim.get(path, { 'if-none-match': tags.join(', ') });
      expect(answer.status).toBe(200);
      const tag = answer.headers.get('etag')!;
      expect(answer.body['meta']).toMatchObject({ version: tag });
      expect((await scim.get(path, { 'if-none-match': tag })).status).toBe(304);
      tags.push(tag);
    };
    expect((await scim.get(path, { 'if-none-match': tags[0]! })).status).toBe(304);
    await inBox(made.id, '17');
    await expectNews();
    const { body: group } = await scim.group('Eva', [made.id]);
    await expectNews();
    await scim.patch(`/Groups/${group.id}`, { op: 'replace', value: { displayName: 'Eva and others' } });
    await expectNews();
    await sql(`UPDATE box_account SET applied_generation = 0 WHERE identity_id = $1`, made.id);
    await expectNews();
    const current = (await scim.get(path)).body;
    expect(current[PROVISIONING_URN]).toMatchObject({ inStep: false, boxId: '17' });
    // A client that read the person before Box had them overwrites no change that it has not seen.
    const change = { schemas: current['schemas'], userName: 'eva2@example.com' };
    for (const tag of ['W/"7"', 'W/"7.abcdefgh"', '"11"'])
      expect((await scim.send('PUT', path, change, { 'if-match': tag })).status).toBe(412);
    expect((await scim.send('PUT', path, change, { 'if-match': tags[0]! })).status).toBe(200);
    const version = JSON.stringify((await scim.get(path)).headers.get('etag'));
    expect((await scim.filter('/Users', `meta.version eq ${version}`)).body.Resources).toMatchObject([
      { id: made.id },
    ]);
  });

  it('is answered with the group again once Box has it, and 304 says where its request is', async () => {
    const { body: group } = await scim.group('Flo');
    const path = `/Groups/${group.id}`;
    const { version } = group['meta'] as { version: string };
    const unchanged = await scim.get(path, { 'if-none-match': version });
    expect([unchanged.status, unchanged.headers.get('foyer-request')]).toEqual([
      304,
      (group[PROVISIONING_URN] as { request: string }).request,
    ]);
    await sql(
      `UPDATE scim_group SET box_group_id = '5', box_name = display_name, applied_generation = generation WHERE id = $1`,
      group.id,
    );
    expect((await scim.get(path, { 'if-none-match': version })).status).toBe(200);
  });
});

describe('lists', () => {
  it('accept only their own cursors', async () => {
    for (const n of [1, 2]) {
      await scim.hire(`cursor${n}`);
      await scim.group(`cursor${n}`);
    }
    const { body } = await scim.get('/Users?cursor=&count=1');
    expect((await scim.get(`/Users?count=1&cursor=${body.nextCursor}`)).status).toBe(200);
    const other = await scim.get(`/Groups?count=1&cursor=${body.nextCursor}`);
    expect([other.status, other.body.scimType]).toEqual([400, 'invalidCursor']);
  });

  it('know their parameters in any case, and refuse those that they do not know', async () => {
    const { body: made } = await scim.hire('gil');
    const filter = encodeURIComponent('userName eq "gil@example.com"');
    const found = await scim.get(`/Users?Filter=${filter}&STARTINDEX=1&Count=1&Attributes=userName`);
    expect(found.body).toMatchObject({ totalResults: 1, itemsPerPage: 1, Resources: [{ id: made.id }] });
    expect(found.body.Resources[0]).not.toHaveProperty('displayName');
    for (const query of [`fliter=${filter}`, 'filter=', 'Filter=', `filter=${filter}&FILTER=${filter}`, 'x'])
      expect([query, (await scim.get(`/Users?${query}`)).status]).toEqual([query, 400]);
    const search = (more: object) =>
      scim.post('/Users/.search', {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
        ...more,
      });
    expect((await search({ FILTER: 'userName eq "gil@example.com"' })).body.totalResults).toBe(1);
    expect((await search({ fliter: 'userName eq "gil@example.com"' })).status).toBe(400);
    expect((await scim.get(`/Users/${made.id}?ATTRIBUTES=userName`)).body).not.toHaveProperty('displayName');
  });
});

it('an operation of a bulk request is answered with the method that it had, or with none', async () => {
  const { body } = await scim.post('/Bulk', {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
    Operations: [
      { method: 'MOVE', path: '/Users/1' },
      { path: '/Users/1' },
      { method: { a: 1 }, path: '/Users/1' },
    ],
  });
  expect(body['Operations']).toMatchObject([
    { method: 'MOVE', status: '400' },
    { status: '400' },
    { status: '400' },
  ]);
  for (const operation of (body['Operations'] as object[]).slice(1))
    expect(operation).not.toHaveProperty('method');
});

it('/Me is refused, and the log and the record show no internal error', async () => {
  const before = scim.house.logged.length;
  expect((await scim.get('/Me')).status).toBe(501);
  const lines = scim.house.logged.slice(before).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ level }) => level)).toEqual(lines.map(() => 'info'));
  const rows = await scim.house.api.sql(
    `SELECT o.result FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id WHERE c.operation = 'scim_me'`,
  );
  expect(rows).toEqual([{ result: 'refused' }]);
});

it('/Schemas states what is unique, including external ids, and nothing that RFC 7643 does not define', async () => {
  const attribute = async (urn: string, name: string) => {
    const { body } = await scim.get(`/Schemas/urn:ietf:params:scim:schemas:core:2.0:${urn}`);
    return (body['attributes'] as readonly ScimBody[]).find((each) => each['name'] === name)!;
  };
  expect(await attribute('Group', 'displayName')).toMatchObject({ uniqueness: 'server', caseExact: false });
  expect(await attribute('User', 'externalId')).toMatchObject({ uniqueness: 'server', caseExact: true });
  expect(await attribute('Group', 'externalId')).toMatchObject({ uniqueness: 'none', caseExact: true });
  expect(JSON.stringify((await scim.get('/Schemas')).body)).not.toMatch(/"form"/);
});

it('people who came by sign-in have the parts of their name that the token had', async () => {
  const { config, tenant } = scim.house.api.context;
  const { intake } = tenant;
  const person = {
    issuer: config.OKTA_ISSUER_URI,
    subject: '00uhal',
    username: 'hal@example.com',
    name: 'Hal Example',
  };
  const admit = async (more: object) => {
    const admission = await intake.admit({ ...person, ...more }, 'sign-in');
    if (!('identity' in admission)) throw new Error(admission.kind);
    return admission.identity.id;
  };
  const id = await admit({});
  const name = async () => (await scim.get(`/Users/${id}`)).body['name'];
  expect(await name()).toBeUndefined();
  await inBox(id, '18');
  await admit({ givenName: 'Hal', familyName: 'Example' });
  expect(await name()).toEqual({ givenName: 'Hal', familyName: 'Example' });
  const { rows } = await sql('SELECT generation FROM identity WHERE id = $1', id);
  expect(rows).toEqual([{ generation: 1 }]);
  await admit({});
  expect(await name()).toEqual({ givenName: 'Hal', familyName: 'Example' });
  const { body } = await scim.filter('/Users', 'name.familyName eq "example" and externalId eq "00uhal"');
  expect(body.totalResults).toBe(1);
});

it.each(['/scim/v2/Users', '/v1/provisioning-requests'])(
  'a body that is nested too deep is refused at %s',
  async (path) => {
    const { api } = scim.house;
    const isScim = path.startsWith('/scim');
    const { token = '' } = isScim
      ? { token: await scim.house.token('deep') }
      : await api.machine('foyer.write');
    const answer = await scim.house.ask(path, {
      method: 'POST',
      authorization: `Bearer ${token}`,
      headers: { 'content-type': 'application/json' },
      body: `{"a":${'['.repeat(30_000)}`,
    });
    expect(answer.status).toBe(400);
    expect(answer.body['detail']).toMatch(/deeper than 64/);
  },
);
