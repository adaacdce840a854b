import { control, start } from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';
import { endScene, makeScene, type Scene } from './scim.harness.ts';

let twin: OktaTwin;
let scene: Scene;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
beforeEach(async () => (scene = await makeScene(twin)));
afterEach(async () => expect(await endScene(scene)).toEqual([]));

const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'];
const LOOKUP = 'GET /Groups?filter=displayName eq "Team \\"A\\" + B"&startIndex=1&count=100';
const NAME = 'Team "A" + B';

/** Provisioned people user-1, user-2 … in the group, and one member who is not provisioned. */
async function makeTeam(...provisioned: string[]): Promise<void> {
  for (const name of [...provisioned, 'outsider']) await scene.hire(`${name}@example.com`);
  for (const name of provisioned) await scene.act('assign', { person: `${name}@example.com` });
  const members = [...provisioned, 'outsider'].map((name) => `${name}@example.com`);
  expect((await control(twin, '/groups', { name: NAME, members })).status).toBe(201);
  scene.server.clear();
}

const nia = { value: 'user-1', display: 'nia@example.com' };
const bo = { value: 'user-2', display: 'bo@example.com' };

describe('aiw: a group', () => {
  it.each([
    [true, [nia, bo]],
    [false, []],
  ])(
    'is looked up, created (with members: %s), read and sent completely, without members who are not provisioned',
    async (createWithMembers, sent) => {
      await scene.configure({ createWithMembers });
      await makeTeam('nia', 'bo');
      expect(await scene.act('push-group', { group: NAME })).toMatchObject({ result: 'created' });
      expect(scene.server.asked()).toEqual([
        LOOKUP,
        'POST /Groups',
        'GET /Groups/group-3',
        'PUT /Groups/group-3',
      ]);
      expect(scene.server.bodies('POST')).toEqual([{ schemas: [GROUP], displayName: NAME, members: sent }]);
      expect(scene.server.bodies('PUT')).toEqual([
        { schemas: [GROUP], id: 'group-3', displayName: NAME, members: [nia, bo] },
      ]);
    },
  );

  it('that already exists is linked and sent completely', async () => {
    await scene.configure();
    await makeTeam('nia');
    const id = scene.server.addGroup(NAME, [{ value: 'ghost', display: 'ghost' }]);
    expect(await scene.act('push-group', { group: NAME })).toMatchObject({ result: 'linked' });
    expect(scene.server.asked()).toEqual([LOOKUP, `GET /Groups/${id}`, `PUT /Groups/${id}`]);
    expect(scene.server.members(id)).toEqual(['user-1']);
  });

  it('is sent completely for each change of members or name, and on "Push now"', async () => {
    await scene.configure();
    await makeTeam('nia', 'bo');
    await scene.act('push-group', { group: NAME });
    scene.server.clear();
    await scene.act('push-membership', { group: NAME, remove: ['nia@example.com'] });
    expect(scene.server.members('group-3')).toEqual(['user-2']);
    await scene.act('rename-group', { group: NAME, name: 'Team C' });
    expect(scene.server.groups.get('group-3')).toMatchObject({ displayName: 'Team C' });
    await scene.act('push-now', { group: 'Team C' });
    const round = ['GET /Groups/group-3', 'PUT /Groups/group-3'];
    expect(scene.server.asked()).toEqual([...round, ...round, ...round]);
  });
});

describe('oin: a group', () => {
  beforeEach(() => scene.configure({ dialect: 'oin' }));

  it('is created and then filled by PATCH', async () => {
    await makeTeam('nia', 'bo');
    await scene.act('push-group', { group: NAME });
    expect(scene.server.asked()).toEqual([LOOKUP, 'POST /Groups', 'PATCH /Groups/group-3']);
    expect(scene.server.bodies('PATCH')).toEqual([
      { schemas, Operations: [{ op: 'replace', path: 'members', value: [nia, bo] }] },
    ]);
  });

  it('is sent its name again, and then the removed and the added members', async () => {
    await makeTeam('nia', 'bo');
    await scene.act('push-group', { group: NAME });
    await scene.hire('cy@example.com');
    await scene.act('assign', { person: 'cy@example.com' });
    scene.server.clear();
    const change = { add: ['cy@example.com'], remove: ['nia@example.com', 'bo@example.com'] };
    expect(await scene.act('push-membership', { group: NAME, ...change })).toMatchObject({
      result: '1 added, 2 removed',
    });
    expect(scene.server.bodies('PATCH')).toEqual([
      { schemas, Operations: [{ op: 'replace', value: { id: 'group-3', displayName: NAME } }] },
      {
        schemas,
        Operations: [
          { op: 'remove', path: 'members[value eq "user-1"]' },
          { op: 'remove', path: 'members[value eq "user-2"]' },
          { op: 'add', path: 'members', value: [{ value: 'user-4', display: 'cy@example.com' }] },
        ],
      },
    ]);
    expect(scene.server.members('group-3')).toEqual(['user-4']);
  });

  it('is sent the removed members again after that push failed', async () => {
    await makeTeam('nia', 'bo');
    await scene.act('push-group', { group: NAME });
    scene.server.fault(
      (res) => res.destroy(),
      ({ body }) => JSON.stringify(body).includes('"remove"'),
    );
    const failed = await scene.act('push-membership', { group: NAME, remove: ['nia@example.com'] });
    expect(failed).toMatchObject({ status: 'failed', httpStatus: null });
    expect(scene.server.members('group-3')).toEqual(['user-1', 'user-2']);
    await scene.act('retry-failed');
    expect(scene.server.members('group-3')).toEqual(['user-2']);
  });

  it.each([
    ['members', { schemas, Operations: [{ op: 'replace', path: 'members', value: [] }] }],
    ['whole', { Operations: [{ op: 'replace', value: { members: [], id: 'group-2', displayName: NAME } }] }],
  ])('without members is emptied by "Push now" with %s', async (as, body) => {
    await makeTeam('nia');
    await scene.act('push-group', { group: NAME });
    await control(twin, `/groups/${encodeURIComponent(NAME)}`, { members: [] }, 'PATCH');
    scene.server.clear();
    await scene.act('push-now', { group: NAME, as });
    expect(scene.server.bodies('PATCH')).toEqual([body]);
    expect(scene.server.members('group-2')).toEqual([]);
  });

  it('is renamed by PATCH without a path', async () => {
    await makeTeam('nia');
    await scene.act('push-group', { group: NAME });
    scene.server.clear();
    await scene.act('rename-group', { group: NAME, name: 'Team C' });
    expect(scene.server.bodies('PATCH')).toEqual([
      { schemas, Operations: [{ op: 'replace', value: { id: 'group-2', displayName: 'Team C' } }] },
    ]);
  });
});

describe.each(['aiw', 'oin'] as const)('%s: groups', (dialect) => {
  beforeEach(() => scene.configure({ dialect }));

  it('are deleted in the target only when requested, and pushed again afterwards', async () => {
    await makeTeam('nia');
    await scene.act('push-group', { group: NAME });
    scene.server.clear();
    expect(await scene.act('unlink-group', { group: NAME })).toMatchObject({ result: 'unlinked' });
    expect(scene.server.seen).toEqual([]);
    expect(await scene.act('push-group', { group: NAME })).toMatchObject({ result: 'linked' });
    scene.server.clear();
    const unlinked = await scene.act('unlink-group', { group: NAME, deleteInTarget: true });
    expect(unlinked).toMatchObject({ result: 'deleted' });
    expect(scene.server.asked()).toEqual(['DELETE /Groups/group-2']);
    expect(scene.server.groups.size).toBe(0);
    expect(await scene.act('push-group', { group: NAME })).toMatchObject({ result: 'created' });
  });

  it('of 10 000 are pushed in one body, without people who were deactivated', async () => {
    const size = 10_000;
    const people = Array.from({ length: size }, (_, index) => ({
      login: `crowd${String(index)}@example.com`,
      assigned: false,
    }));
    await control(twin, '/seed', { people });
    for (const { login } of people) scene.server.addUser({ userName: login });
    const members = people.map(({ login }) => login);
    await control(twin, '/groups', { name: NAME, members });
    expect(await scene.act('import', { confirm: true })).toMatchObject({ status: 'done' });
    await scene.act('unassign', { person: 'crowd0@example.com' });
    await scene.act('push-group', { group: NAME });
    const [id = ''] = scene.server.groups.keys();
    expect(new Set(scene.server.members(id)).size).toBe(size - 1);
    const [body] = scene.server.bodies(dialect === 'aiw' ? 'PUT' : 'PATCH').slice(-1);
    expect(JSON.stringify(body).length).toBeGreaterThan(500_000);
  });
});
