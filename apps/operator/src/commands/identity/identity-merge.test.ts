import { randomUUID } from 'node:crypto';
import { plant } from '@foyer/persistence/testing';
import { TwoApps, type TenantOfTwo } from '../../box-app.harness.ts';

let world: TwoApps;
beforeAll(async () => {
  world = await TwoApps.start();
});
afterAll(() => world.stop());
const { first } = TwoApps;

const merge = (tenant: TenantOfTwo, ...args: string[]) => tenant.foyer(first, ['identity', 'merge', ...args]);
const boxUsers = async () =>
  (await world.control<{ users: { id: string; status: string }[] }>('GET', 'state')).users;
const statusOf = async (boxUserId: string) => (await boxUsers()).find(({ id }) => id === boxUserId)?.status;

/** An update of Box from an hour ago, whose outcome is not on record. */
const lostUpdate = (tenantId: string, identityId: string) =>
  plant(
    world.test.database,
    `INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path, identity_id, parameters)
     VALUES ($1, clock_timestamp() - interval '1 h', 'out', 'box', 'update_user', 'PUT', '/2.0/users/1', $2, '{"name": "Lost"}')`,
    [tenantId, identityId],
  );

describe('npm run foyer -- identity merge', () => {
  it('shows both and the plan, and changes nothing without --yes', async () => {
    const tenant = await world.tenant();
    const [a, b] = [await tenant.mapped(), await tenant.mapped()];
    const { status, out } = await merge(tenant, a.identityId, b.identityId);
    expect(status).toBe(0);
    for (const { identityId, subject, boxUserId } of [a, b])
      for (const shown of [identityId, subject, boxUserId]) expect(out).toContain(shown);
    expect(out).toMatch(new RegExp(`Box user ${b.boxUserId} becomes a former account`));
    expect(out).toMatch(/Foyer moves no content/);
    expect(out).toMatch(/A merge cannot be undone\.\n\nNothing was changed\. To do it: .*--yes\n$/);
    expect((await merge(tenant, a.identityId, b.identityId)).out).toBe(out);
  });

  it('merges with --yes, records who did it, and says the next time that it is done already', async () => {
    const tenant = await world.tenant();
    const [a, b] = [await tenant.mapped(), await tenant.mapped()];
    const before = await boxUsers();
    const done = await tenant.foyer(first, [
      'identity',
      'merge',
      a.identityId,
      b.identityId,
      '--yes',
      '--as',
      'Olga',
    ]);
    expect(done).toMatchObject({ status: 0, out: expect.stringMatching(/^Done\n/) as string, err: '' });
    await tenant.work(first);
    expect([await statusOf(a.boxUserId), await statusOf(b.boxUserId)]).toEqual(['active', 'inactive']);
    expect(await boxUsers()).toHaveLength(before.length);
    const { rows } = await world.test.database.pool.query(
      `SELECT actor, parameters FROM api_call WHERE tenant_id = $1 AND operation = 'merge_identities'`,
      [tenant.tenantId],
    );
    expect(rows).toEqual([
      {
        actor: expect.stringMatching(/^operator:Olga/) as string,
        parameters: { staying: a.identityId, other: b.identityId },
      },
    ]);
    const again = await merge(tenant, a.identityId, b.identityId, '--yes');
    expect(again).toMatchObject({ status: 0, out: expect.stringMatching(/Done already\n/) as string });
    const { out } = await tenant.foyer(first, ['person', b.subject]);
    expect(out).toMatch(new RegExp(`${a.identityId}[\\s\\S]*Merged from +${b.identityId}`));
    expect(out).toMatch(
      new RegExp(`\nIds\n.*${a.subject}.* same_subject\n.*${b.subject}.* operator_merge\n`),
    );
    expect(out).toMatch(new RegExp(`Former Box user ${b.boxUserId}: merged`));
    expect((await tenant.foyer(first, ['person', b.identityId])).out).toContain(
      `This identity was merged into ${a.identityId}`,
    );
  });

  it('takes over the Box user of the other when the one that stays has none', async () => {
    const tenant = await world.tenant();
    const b = await tenant.mapped();
    const a = await tenant.newcomer();
    expect((await merge(tenant, a.identityId, b.identityId, '--yes')).out).toMatch(
      new RegExp(`takes over Box user ${b.boxUserId}`),
    );
    await tenant.work(first);
    expect(await tenant.account(a.identityId)).toMatchObject({ boxUserId: b.boxUserId });
    expect(await statusOf(b.boxUserId)).toBe('active');
    expect(await world.usersOf(a.subject)).toEqual([]);
  });

  it.each(['both have a Box user', 'the one that stays has none'])(
    'leaves nothing for verify to report when %s',
    async (how) => {
      const tenant = await world.tenant();
      const b = await tenant.mapped();
      const a = how === 'both have a Box user' ? await tenant.mapped() : await tenant.newcomer();
      const kinds = async () => {
        const { out } = await tenant.foyer(first, ['verify', '--json']);
        const { discrepancies } = JSON.parse(out) as {
          discrepancies: { boxUserId: string; identityId: string }[];
        };
        // Other tenants of this file use the same Box app.
        return discrepancies.filter(
          ({ boxUserId, identityId }) =>
            [a.identityId, b.identityId].includes(identityId) || boxUserId === b.boxUserId,
        );
      };
      // The one that stays sets every field again, so an earlier update without an outcome is settled.
      if (how !== 'both have a Box user') await lostUpdate(tenant.tenantId, b.identityId);
      await merge(tenant, a.identityId, b.identityId, '--yes');
      await tenant.work(first);
      expect(await kinds()).toEqual([]);
    },
  );

  it('names both sides of a conflict, with what to do, and ends with 1', async () => {
    const tenant = await world.tenant();
    const [a, b, c] = [await tenant.mapped(), await tenant.mapped(), await tenant.mapped()];
    await merge(tenant, b.identityId, c.identityId, '--yes');
    const { status, out } = await merge(tenant, a.identityId, c.identityId, '--yes');
    expect(status).toBe(1);
    expect(out).toMatch(/Not merged, nothing was changed/);
    expect(out).toContain(`one of them was merged into ${b.identityId} before`);
    expect(out).toContain(a.subject);
    const json = await merge(tenant, a.identityId, c.identityId, '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      ...{ kind: 'conflict', conflict: 'already-merged', requestIds: [] },
      staying: { identity: { id: a.identityId } },
    });
    expect((await merge(tenant, a.identityId, a.identityId)).out).toContain('A merge takes two identities');
  });

  it('ends with 2 for what is no identity of this tenant', async () => {
    const [tenant, other] = [await world.tenant(), await world.tenant()];
    const [a, elsewhere] = [await tenant.mapped(), await other.mapped()];
    for (const id of [randomUUID(), elsewhere.identityId])
      expect(await merge(tenant, a.identityId, id, '--yes')).toMatchObject({
        ...{ status: 2, out: '', err: expect.stringContaining(`There is no identity ${id}`) as string },
      });
    expect(await merge(tenant, a.identityId)).toMatchObject({ status: 2 });
    expect(await merge(tenant, a.identityId, 'ada@example.com')).toMatchObject({ status: 2 });
  });
});
