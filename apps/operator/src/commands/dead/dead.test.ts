import { OperatorWorld, type TenantWorld } from '../../operator.harness.ts';

let world: OperatorWorld;
let tenant: TenantWorld;
beforeAll(async () => {
  world = await OperatorWorld.start();
});
beforeEach(async () => {
  tenant = await world.tenant();
});
afterAll(() => world.stop());

/** A group whose request failed because Box does not let the app change it. */
async function failedGroup(displayName: string) {
  const group = await tenant.group(displayName);
  await world.box('POST', 'faults', {
    kind: 'status',
    status: 403,
    match: { method: 'POST', path: '/2.0/groups' },
  });
  await tenant.workOnGroup(group.requestId);
  return group;
}

const retryOf = async (requestId: string) => {
  const [row] = await tenant.sql<{ id: string; group_id: string; status: string }>(
    'SELECT id, group_id, status FROM provisioning_request WHERE retry_of = $1',
    [requestId],
  );
  return row;
};

describe('a dead letter of a group', () => {
  it('is listed by the name of the group, beside those of people', async () => {
    const { requestId, groupId } = await failedGroup('Engineers');
    const ada = await tenant.admit('00uAda');
    await world.box('POST', 'faults', {
      kind: 'status',
      status: 403,
      match: { method: 'POST', path: '/2.0/users' },
    });
    await tenant.work(ada.requestId);
    const { status, out } = await tenant.run('dead', 'list');
    expect(status).toBe(1);
    expect(out).toContain('2 box_forbidden:');
    expect(out).toMatch(new RegExp(`^  ${requestId}  \\S+Z  group "Engineers": `, 'm'));
    expect(out).toMatch(new RegExp(`^  ${ada.requestId}  \\S+Z  00uAda@example\\.com: `, 'm'));
    const lines = (await tenant.run('dead', 'list', '--json')).out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      expect.arrayContaining([expect.objectContaining({ requestId, groupId, username: 'Engineers' })]),
    );
  });

  it('is explained with its calls to Box and what to do', async () => {
    const { requestId, groupId } = await failedGroup('Engineers');
    const { status, out } = await tenant.run('dead', 'explain', requestId);
    expect(status).toBe(1);
    expect(out).toContain(
      `Request ${requestId}: failed, scim\nGroup ${groupId}: "Engineers", Box group none\n`,
    );
    expect(out).toContain('create_group POST /2.0/groups: refused 403');
    expect(out).toContain(`Then: dead retry ${requestId}`);
    const { group, identity } = JSON.parse(
      (await tenant.run('dead', 'explain', requestId, '--json')).out,
    ) as {
      group: { displayName: string };
      identity: unknown;
    };
    expect([group.displayName, identity]).toEqual(['Engineers', null]);
  });

  it('is resolved by a retry of it, or of all requests with its code', async () => {
    const one = await failedGroup('Engineers');
    const other = await failedGroup('Writers');
    expect((await tenant.run('dead', 'retry', one.requestId)).status).toBe(0);
    const retried = (await retryOf(one.requestId))!;
    expect(retried.group_id).toBe(one.groupId);
    await tenant.workOnGroup(retried.id);
    expect((await retryOf(one.requestId))!.status).toBe('succeeded');
    const all = await tenant.run('dead', 'retry', '--code', 'box_forbidden', '--yes');
    expect(all.out).toContain('Created with low priority: 1 request');
    await tenant.workOnGroup((await retryOf(other.requestId))!.id);
    expect(await tenant.run('dead', 'list')).toMatchObject({
      status: 0,
      out: 'There are no dead letters.\n',
    });
    const { groups } = (await world.box('GET', 'state')) as { groups: { name: string }[] };
    expect(groups.map(({ name }) => name).sort()).toEqual(['Engineers', 'Writers']);
  });

  it('cannot write extra lines to the terminal through its name', async () => {
    const { requestId } = await failedGroup('Engineers\n\u001b[2JThere are no dead letters.');
    const list = await tenant.run('dead', 'list');
    expect(list.out).toContain('group "Engineers [2JThere are no dead letters."');
    const explained = await tenant.run('dead', 'explain', requestId);
    expect(explained.out).toContain(': "Engineers [2JThere are no dead letters."');
    expect(list.out + explained.out).not.toContain('\u001b');
  });
});

describe('a request that a merge ended', () => {
  it('is no dead letter, and is not retried, as nothing is left to do for its identity', async () => {
    const [stays, other] = [await tenant.person(), await tenant.admit('00uOther')];
    expect((await tenant.run('identity', 'merge', stays.identityId, other.identityId, '--yes')).status).toBe(
      0,
    );
    const { status, out } = await tenant.run('dead', 'retry', other.requestId);
    expect([status, out]).toEqual([
      1,
      `This identity was merged into ${stays.identityId}: no request was created. Nothing is left to do for it.\n`,
    ]);
    const explained = await tenant.run('dead', 'explain', other.requestId);
    expect([explained.status, explained.out]).toEqual([0, expect.stringContaining('identity_merged')]);
    expect(explained.out).toContain('No action is needed: the identity that stays');
    expect(explained.out).not.toContain('dead retry');
  });
});

describe('a dead letter of a leaver', () => {
  it('is retried while they have a Box user that must be deactivated', async () => {
    const { identityId, boxUserId } = await tenant.person();
    await tenant.sql('UPDATE identity SET active = false, generation = generation + 1 WHERE id = $1', [
      identityId,
    ]);
    const [left] = await tenant.sql<{ id: string }>(
      `INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
       VALUES ($1, $2, 2, 'scim', 5, now()) RETURNING id`,
      [tenant.tenantId, identityId],
    );
    await world.box('POST', 'faults', { kind: 'status', status: 403, match: { method: 'PUT' } });
    await tenant.work(left!.id);
    expect((await tenant.run('dead', 'list')).out).toContain('1 box_forbidden:');
    expect((await tenant.run('dead', 'retry', left!.id)).status).toBe(0);
    await tenant.work((await retryOf(left!.id))!.id);
    const { users } = (await world.box('GET', 'state')) as {
      users: { id: string; status: string }[];
    };
    expect(users.find(({ id }) => id === boxUserId)?.status).toBe('inactive');
    expect((await tenant.run('dead', 'list')).status).toBe(0);
  });
});
