import { ScimHouse } from '../access/scim-authenticator.harness.ts';
import { ENTERPRISE, PATCH_OP, ScimTestClient, USER } from '../scim.harness.ts';

const CUSTOM = 'urn:okta:custom:1.0:user:foyer';

describe('an attribute that no schema defines', () => {
  let scim: ScimTestClient;
  beforeAll(async () => {
    scim = await ScimTestClient.start();
  });
  afterAll(() => scim.stop());

  const custom = { schemas: [USER, CUSTOM], [CUSTOM]: { costCentre: '4711' } };
  const recorded = async (operation: string) => {
    const { rows } = await scim.house.api.context.database.pool.query<{ parameters: unknown }>(
      'SELECT parameters FROM api_call WHERE operation = $1 ORDER BY id DESC LIMIT 1',
      [operation],
    );
    return rows[0]!.parameters;
  };

  it('fails no create, PUT or PATCH, and is reported in the answer, in the audit log and in the metrics', async () => {
    const name = { givenName: 'Ada', familyName: 'Example', middleInitial: 'Q' };
    const made = await scim.hire('ada', { ...custom, name });
    expect(made.status).toBe(201);
    expect(made.headers.get('foyer-warning')).toBe(`ignored: ${CUSTOM}, name.middleInitial`);
    expect(JSON.stringify(made.body)).not.toMatch(/middleInitial|4711/);
    expect(await recorded('scim_create')).toMatchObject({ ignored: [CUSTOM, 'name.middleInitial'] });

    const path = `/Users/${made.body.id}`;
    const put = await scim.put(path, { ...custom, userName: 'ada@example.com', active: false });
    expect([put.status, put.body['active']]).toEqual([200, false]);
    expect(put.headers.get('foyer-warning')).toBe(`ignored: ${CUSTOM}`);

    const patched = await scim.patch(path, {
      op: 'replace',
      value: { [`${CUSTOM}:costCentre`]: '4712', active: true },
    });
    expect([patched.status, patched.body['active']]).toEqual([200, true]);
    expect(patched.headers.get('foyer-warning')).toBe(`ignored: ${CUSTOM}:costCentre`);
    const nothing = await scim.patch(path, { op: 'add', path: 'shoeSize', value: 4 });
    expect([nothing.status, nothing.headers.get('etag')]).toEqual([200, patched.headers.get('etag')]);

    const page = await scim.house.api.context.metrics.page();
    expect(page).toMatch(/foyer_scim_ignored_total\{resource="User",app="gateway"\} 4/);
  });

  it('fails no group, and none of several at once', async () => {
    const { body: group } = await scim.group('Engineers');
    const patched = await scim.patch(
      `/Groups/${group.id}`,
      { op: 'replace', value: { colour: 'red', displayName: 'Builders' } },
      { op: 'add', path: 'members', value: [{ value: '999', colour: 'red' }] },
    );
    expect(patched.status).toBe(204);
    expect(patched.headers.get('foyer-warning')).toBe('ignored: colour, members.colour');
    const data = { ...custom, userName: 'bulk@example.com' };
    const bulk = await scim.post('/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [{ method: 'POST', path: '/Users', bulkId: 'a', data }],
    });
    expect(bulk.body).toMatchObject({ Operations: [{ status: '201' }] });
    expect(bulk.headers.get('foyer-warning')).toBe(`ignored: ${CUSTOM}`);
  });

  it("is listed in a valid header whatever its name, up to the header's limit", async () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`müde,\r\n${n}`, n]));
    const made = await scim.hire('bob', many);
    expect(made.status).toBe(201);
    expect(made.headers.get('foyer-warning')).toMatch(/^ignored: m%C3%BCde%2C%0D%0A0, .*, and 10 more$/);
  });

  it('is also reported when the call is refused for another reason', async () => {
    const refused = await scim.hire('cyd', { ...custom, active: 'perhaps' });
    expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidValue']);
    expect(refused.headers.get('foyer-warning')).toBe(`ignored: ${CUSTOM}`);
  });

  it('accepts a manager as text, as Entra sends it', async () => {
    const made = await scim.hire('dee', { schemas: [USER, ENTERPRISE], [ENTERPRISE]: { manager: '7' } });
    expect(made.body[ENTERPRISE]).toEqual({ manager: { value: '7' } });
    const patched = await scim.patch(`/Users/${made.body.id}`, {
      op: 'Add',
      path: `${ENTERPRISE}:manager`,
      value: '8',
    });
    expect(patched.body[ENTERPRISE]).toEqual({ manager: { value: '8' } });
  });

  it('accepts the URNs of SCIM 1.0 as those of 2.0', async () => {
    const made = await scim.hire('eve', { schemas: ['urn:scim:schemas:core:1.0'] });
    expect([made.status, made.headers.get('foyer-warning')]).toEqual([201, null]);
  });
});

describe('SCIM_UNKNOWN=refuse', () => {
  it('refuses unknown attributes in a body and in a PATCH', async () => {
    const house = await ScimHouse.start({ SCIM_UNKNOWN: 'refuse' });
    try {
      const authorization = `Bearer ${await house.token('okta')}`;
      const send = (method: string, path: string, body: object) =>
        house.ask(`/scim/v2${path}`, {
          method,
          authorization,
          headers: { 'content-type': 'application/scim+json' },
          body: JSON.stringify(body),
        });
      const ada = { schemas: [USER], userName: 'ada@example.com' };
      const refused = await send('POST', '/Users', { ...ada, shoeSize: 4 });
      expect([refused.status, refused.body['scimType']]).toEqual([400, 'invalidSyntax']);
      const { body: made } = await send('POST', '/Users', ada);
      const patched = await send('PATCH', `/Users/${String(made['id'])}`, {
        schemas: [PATCH_OP],
        Operations: [{ op: 'add', path: 'shoeSize', value: 4 }],
      });
      expect([patched.status, patched.body['scimType']]).toEqual([400, 'invalidPath']);
    } finally {
      await house.stop();
    }
  });
});
