import { randomUUID } from 'node:crypto';
import { LeaseLost, type BoxApp, type TakenGroup } from '@foyer/provisioning';
import { TenantBoxApp } from '../box-accounts/box-app.ts';
import { BoxAppMigration } from '../box-accounts/box-app-migration.ts';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { ScimGroups } from '../scim/groups/groups.ts';
import { PrismaGroupStore } from './group-store.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const oldApp: BoxApp = { clientId: 'old-app', enterpriseId: '900100' };
const sister: BoxApp = { clientId: 'new-app', enterpriseId: '900100' };
const elsewhere: BoxApp = { clientId: 'new-app', enterpriseId: '900200' };
let lastBoxGroup = 7000;

/** A tenant with a group in Box; the group's lease is held. */
async function parts() {
  const { database } = test;
  const tenantId = await test.tenant();
  await new TenantBoxApp(database, tenantId, oldApp).bind();
  const groups = new ScimGroups(database, tenantId);
  const storeOf = (boxApp: BoxApp) =>
    new PrismaGroupStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000, boxApp });
  const store = storeOf(oldApp);
  const { resource, requests } = await groups.create({ displayName: `Crew ${randomUUID()}` }, []);
  const taken = await take(store, requests[0]!.requestId);
  const boxGroupId = String(++lastBoxGroup);
  const account = { boxGroupId, name: taken.desired.name, isSurveyed: true };
  await store.saveGroup(taken.lease, account, { event: 'box-group-created', effect: 'created' });
  const newest = async () => (await groups.find(resource.id, false))!.requestId!;
  return { moves: new BoxAppMigration(database, tenantId), store, storeOf, taken, account, newest };
}

async function take(store: PrismaGroupStore, requestId: string): Promise<TakenGroup> {
  const result = await store.take(requestId);
  if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
  return result.taken;
}

it.each(['accept', 'migrate'] as const)('%s also ends the lease of an attempt at a group', async (move) => {
  const { moves, store, taken, account } = await parts();
  expect(await moves[move](oldApp, sister, 'operator', {})).toMatchObject({ kind: 'done' });
  await expect(
    store.saveGroup(taken.lease, account, { event: 'box-group-renamed', effect: 'updated' }),
  ).rejects.toThrow(LeaseLost);
});

it('keeps the groups with another app of the same enterprise', async () => {
  const { moves, storeOf, taken, account } = await parts();
  await moves.migrate(oldApp, sister, 'operator');
  expect(await take(storeOf(sister), taken.lease.requestId)).toMatchObject({ account });
});

it('creates the groups again in another enterprise, which has none of them', async () => {
  const { moves, store, storeOf, taken, account, newest } = await parts();
  await store.finish(taken.lease, 'created', taken.desired.generation);
  expect(await moves.migrate(oldApp, elsewhere, 'operator')).toMatchObject({ kind: 'done' });
  const again = await newest();
  expect(again).not.toBe(taken.lease.requestId);
  const { desired, account: left } = await take(storeOf(elsewhere), again);
  expect([desired.name, left]).toEqual([account.name, null]);
});
