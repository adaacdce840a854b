import { type ServerResponse } from 'node:http';
import { control, start } from '../okta.harness.ts';
import { type OktaTwin } from '../server.ts';
import { answering } from './scim-server.harness.ts';
import { endScene, lines, makeScene, tasksOf, type Scene } from './scim.harness.ts';

let twin: OktaTwin;
let scene: Scene;
beforeAll(async () => (twin = await start()));
afterAll(() => twin.close());
beforeEach(async () => (scene = await makeScene(twin)));
afterEach(async () => expect(await endScene(scene)).toEqual([]));

function change(id: string, fields: Record<string, unknown>): Promise<unknown> {
  return control(twin, `/people/${id}`, fields, 'PATCH');
}

describe.each(['aiw', 'oin'] as const)('%s, automatic provisioning:', (dialect) => {
  it('a person is hired, renamed, regrouped, leaves and returns', async () => {
    await scene.configure({ dialect, auto: true, pushGroups: ['Team'] });
    const id = await scene.hire('nia@example.com', { firstName: 'Nia', assigned: true });
    await tasksOf(scene);
    await change(id, { lastName: 'Married', login: 'nia.m@example.com' });
    await tasksOf(scene);
    await control(twin, '/groups', { name: 'Team', members: [id] });
    await tasksOf(scene);
    expect(scene.server.users.get('user-1')).toMatchObject({
      userName: 'nia.m@example.com',
      displayName: 'Nia Married',
    });
    expect(scene.server.members('group-2')).toEqual(['user-1']);
    await change(id, { groups: [] });
    await tasksOf(scene);
    expect(scene.server.members('group-2')).toEqual([]);
    await change(id, { status: 'DEPROVISIONED' });
    await tasksOf(scene);
    expect(scene.server.users.get('user-1')).toMatchObject({ active: false });
    await change(id, { groups: ['Team'] });
    await tasksOf(scene);
    expect(scene.server.members('group-2')).toEqual([]);
    await change(id, { status: 'ACTIVE', assigned: true });
    expect(lines(await tasksOf(scene))).toEqual([
      'assign nia@example.com: done',
      'update nia.m@example.com: done',
      'push-group Team: done',
      'push-membership Team: done',
      'unassign nia.m@example.com: done',
      'push-membership Team: done',
      'assign nia.m@example.com: done',
      'push-membership Team: done',
    ]);
    expect(scene.server.users.get('user-1')).toMatchObject({ active: true });
    expect(scene.server.members('group-2')).toEqual(['user-1']);
    expect(scene.server.users.size).toBe(1);
  });

  it('changes of one person are pushed in order, even if the first push is delayed', async () => {
    await scene.configure({ dialect, auto: true });
    const held: ServerResponse[] = [];
    scene.server.fault((res) => held.push(res));
    const id = await scene.hire('nia@example.com', { assigned: true });
    for (const assigned of [false, true, false]) await change(id, { assigned });
    while (held.length === 0) await new Promise((go) => setImmediate(go));
    held[0]?.end('{"totalResults":0}');
    expect(lines(await tasksOf(scene))).toEqual([
      'assign nia@example.com: done',
      'unassign nia@example.com: done',
      'assign nia@example.com: done',
      'unassign nia@example.com: done',
    ]);
    expect([...scene.server.users.values()]).toMatchObject([{ active: false }]);
  });

  it('a removed person is deactivated, a removed group deleted, a renamed one renamed', async () => {
    await scene.configure({ dialect, auto: true, pushGroups: ['Team'] });
    const id = await scene.hire('nia@example.com', { assigned: true, groups: ['Team'] });
    await tasksOf(scene);
    await control(twin, '/groups/Team', { name: 'Crew' }, 'PATCH');
    await control(twin, `/people/${id}`, undefined, 'DELETE');
    await tasksOf(scene);
    const [group] = scene.server.groups.values();
    expect(group).toMatchObject({ displayName: 'Crew' });
    expect([...scene.server.users.values()]).toMatchObject([{ active: false }]);
    await control(twin, '/groups/Crew', undefined, 'DELETE');
    expect(lines(await tasksOf(scene)).slice(-1)).toEqual(['unlink-group Crew: done']);
    expect(scene.server.groups.size).toBe(0);
  });
});

it('suspension, a new password and a new status send no request', async () => {
  await scene.configure({ auto: true });
  const id = await scene.hire('nia@example.com', { assigned: true });
  await tasksOf(scene);
  scene.server.clear();
  await change(id, { status: 'SUSPENDED' });
  await change(id, { status: 'ACTIVE', password: 'Other-1' });
  await change(id, { status: 'LOCKED_OUT' });
  await tasksOf(scene);
  expect(scene.server.seen).toEqual([]);
});

it('nothing is pushed without auto, nor for people who had the app before', async () => {
  await scene.configure();
  const id = await scene.hire('nia@example.com', { assigned: true });
  await change(id, { lastName: 'Married' });
  await scene.configure({ auto: true });
  await change(id, { lastName: 'Again' });
  await change(id, { assigned: false });
  await tasksOf(scene);
  expect(scene.server.seen).toEqual([]);
});

it('a group in the settings is pushed when they are saved, and once', async () => {
  await scene.configure({ auto: true, pushGroups: ['Sales', 'Engineering'] });
  await tasksOf(scene);
  await scene.configure({ retries: 1 });
  expect(lines(await tasksOf(scene))).toEqual(['push-group Sales: done', 'push-group Engineering: done']);
});

it('many seeded people all arrive, each once, and their group has all of them', async () => {
  await scene.configure({ auto: true, pushGroups: ['Crowd'] });
  scene.server.fault(answering(500, ''), ({ method }) => method === 'POST');
  await control(twin, '/seed', { count: 200, prefix: 'crowd', groups: ['Crowd'] });
  await tasksOf(scene);
  const retried = await scene.act('retry-failed');
  expect(retried['tasks']).toHaveLength(1);
  await tasksOf(scene);
  expect(scene.server.users.size).toBe(200);
  const names = [...scene.server.users.values()].map(({ userName }) => userName);
  expect(new Set(names).size).toBe(200);
  const [id = ''] = scene.server.groups.keys();
  expect(new Set(scene.server.members(id)).size).toBe(200);
});

it('a reset ends it, including requests in progress', async () => {
  await scene.configure({ auto: true });
  let hung = 0;
  scene.server.fault((res) => {
    hung++;
    res.once('close', () => hung--);
  });
  await scene.hire('nia@example.com', { assigned: true });
  while (hung === 0) await new Promise((go) => setImmediate(go));
  await control(twin, '/reset', {});
  while (hung > 0) await new Promise((go) => setImmediate(go));
  expect((await control(twin, '/scim')).status).toBe(400);
});
