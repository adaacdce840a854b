import { randomUUID } from 'node:crypto';
import { LeaseLost, type TakenGroup } from '@foyer/provisioning';
import type { Member } from '@foyer/scim';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { ScimGroups } from '../scim/groups/groups.ts';
import { PrismaGroupStore } from './group-store.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

let lastBoxId = 9000;
const member = (value: string): Member => ({ value, display: null, type: null });

/** A tenant with a group in Box and one person with a membership; the group's lease is held. */
async function parts() {
  const { database } = test;
  const tenantId = await test.tenant();
  const groups = new ScimGroups(database, tenantId);
  const store = new PrismaGroupStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const admission = await new Intake(database, tenantId).admit(samplePerson(), 'api');
  if (admission.kind !== 'requested') throw new Error(admission.kind);
  const person = admission.identity.id;
  await database.pool.query(
    `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
     VALUES ($1, $2, $3, 'Ada Example', 'active', 1)`,
    [person, tenantId, String(++lastBoxId)],
  );
  const { resource, requests } = await groups.create({ displayName: `Crew ${randomUUID()}` }, [
    member(person),
  ]);
  const take = async (): Promise<TakenGroup> => {
    const result = await store.take(requests[0]!.requestId);
    if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
    return result.taken;
  };
  const taken = await take();
  const account = { boxGroupId: String(++lastBoxId), name: taken.desired.name, isSurveyed: true };
  await store.saveGroup(taken.lease, account, { event: 'box-group-created', effect: 'created' });
  const members = async () => {
    const [task] = await store.memberTasks(taken.lease, null, 10);
    await store.memberAdded(taken.lease, task!, '501');
  };
  const finish = () => store.finish(taken.lease, 'created', taken.desired.generation);
  const state = async () => {
    const { rows } = await database.pool.query<{ applied: number; status: string; held: boolean }>(
      `SELECT g.applied_generation AS applied, r.status, g.lease_expires_at IS NOT NULL AS held
       FROM scim_group g JOIN provisioning_request r ON r.group_id = g.id WHERE g.id = $1`,
      [resource.id],
    );
    return rows[0]!;
  };
  const expire = () =>
    database.pool.query(
      `UPDATE scim_group SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = $1`,
      [resource.id],
    );
  return { finish, members, state, expire, take, store, taken, groupId: resource.id };
}

describe('the end of an attempt at a group', () => {
  it('is saved when every member is as desired', async () => {
    const { finish, members, state } = await parts();
    await members();
    expect(await finish()).toBe(true);
    expect(await state()).toEqual({ applied: 1, status: 'succeeded', held: false });
  });

  it('is rejected for a worker whose lease has expired, even if no other worker has taken over', async () => {
    const { finish, members, state, expire } = await parts();
    await members();
    await expire();
    await expect(finish()).rejects.toThrow(LeaseLost);
    expect(await state()).toEqual({ applied: 0, status: 'running', held: true });
  });

  it('is rejected for a worker whose lease was taken over', async () => {
    const { finish, members, state, expire, take } = await parts();
    await members();
    await expire();
    await take();
    await expect(finish()).rejects.toThrow(LeaseLost);
    expect(await state()).toEqual({ applied: 0, status: 'running', held: true });
  });

  it('waits for a member with a Box user who is still to be added', async () => {
    const { finish, state } = await parts();
    expect(await finish()).toBe(false);
    expect(await state()).toEqual({ applied: 0, status: 'running', held: true });
  });

  it('waits for a member who is still to be removed', async () => {
    const { finish, members, state, groupId } = await parts();
    await members();
    // As the survey of an adopted group leaves it, without a new generation.
    await test.database.pool.query('UPDATE scim_group_member SET is_wanted = false WHERE group_id = $1', [
      groupId,
    ]);
    expect(await finish()).toBe(false);
    expect(await state()).toEqual({ applied: 0, status: 'running', held: true });
  });
});
