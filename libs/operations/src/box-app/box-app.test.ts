import { ApiCalls, Intake, TenantBoxApp } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import type { BoxPort, BoxUser } from '@foyer/provisioning';
import {
  acceptBoxApp,
  boxAppSources,
  migrateBoxApp,
  planBoxAppMigration,
  readBoxApp,
  recreateBoxUser,
} from './index.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const before = { clientId: 'old-app', enterpriseId: '900100' };
const configured = { clientId: 'new-app', enterpriseId: '900100' };
const operator = 'operator:ada@example.com';
const fault = { code: 'box_unavailable', detail: 'no answer', ambiguous: false } as const;

/** A tenant that is bound to another Box app than the configured one, with one mapped person. `users`: what Box has. */
async function setting(users: Map<string, BoxUser> | typeof fault = new Map(), bound = before) {
  const tenant = { database: test.database, tenantId: await test.tenant() };
  await new TenantBoxApp(tenant.database, tenant.tenantId, bound).bind();
  const person = samplePerson();
  const admission = await new Intake(tenant.database, tenant.tenantId).admit(person, 'api');
  if (admission.kind !== 'requested') throw new Error(admission.kind);
  const identityId = admission.identity.id;
  const boxUserId = '5001';
  await test.database.pool.query(
    `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
     VALUES ($1, $2, $3, 'Ada Example', 'active', 1)`,
    [identityId, tenant.tenantId, boxUserId],
  );
  await test.database.pool.query(
    `UPDATE provisioning_request SET status = 'succeeded', outcome = 'created', due_at = NULL,
       finished_at = clock_timestamp() WHERE tenant_id = $1`,
    [tenant.tenantId],
  );
  const box: Pick<BoxPort, 'readUser'> = {
    readUser: async (_context, id) =>
      users instanceof Map ? { ok: true, value: users.get(id) ?? null } : { ok: false, fault: users },
  };
  const recorded = async () =>
    (await new ApiCalls(tenant.database, tenant.tenantId).list({ limit: 10 })).items.filter(
      ({ actor }) => actor === operator,
    );
  return { sources: boxAppSources(tenant, configured, box), person, identityId, boxUserId, recorded };
}

const userOf = (id: string, externalId: string): BoxUser => ({
  ...{ id, externalId, name: 'Ada Example', login: 'ada@box', status: 'active', isAppUser: true },
});
const accepting = (seen: string[] = [], { signal: stopping } = new AbortController()) => ({
  ...{ sample: null, operator, stopping },
  onProgress: (asked: number, total: number) => void seen.push(`${asked} of ${total}`),
});

describe('accepting the configured Box app', () => {
  it('binds the accounts that Box shows to it, and records who did it', async () => {
    const users = new Map<string, BoxUser>();
    const { sources, person, boxUserId, recorded } = await setting(users);
    users.set(boxUserId, userOf(boxUserId, person.subject));
    const seen: string[] = [];
    expect(await acceptBoxApp(sources, accepting(seen))).toMatchObject({
      ...{ kind: 'accepted', asked: 1, of: 1, accounts: 1 },
    });
    expect(seen).toEqual(['1 of 1']);
    expect(await readBoxApp(sources)).toMatchObject({ differs: false, accounts: 1 });
    expect(await recorded()).toHaveLength(1);
    expect(await acceptBoxApp(sources, accepting())).toMatchObject({ kind: 'settled' });
  });

  it('changes nothing when an account does not match, or the check is stopped', async () => {
    const { sources, recorded } = await setting();
    expect(await acceptBoxApp(sources, accepting())).toMatchObject({ kind: 'misfits', asked: 1, total: 1 });
    const stopping = new AbortController();
    stopping.abort();
    expect(await acceptBoxApp(sources, accepting([], stopping))).toEqual({
      kind: 'stopped',
      asked: 0,
      total: 1,
    });
    expect(await readBoxApp(sources)).toMatchObject({ differs: true });
    expect(await recorded()).toEqual([]);
  });
});

describe('a migration to the configured Box app', () => {
  it('is planned without a change, carried out once, and recorded', async () => {
    const { sources, recorded } = await setting();
    const plan = await planBoxAppMigration(sources);
    expect(plan).toMatchObject({ kind: 'planned', from: before, accounts: 1, activeIdentities: 1 });
    if (plan.kind !== 'planned') throw new Error(plan.kind);
    expect(await recorded()).toEqual([]);
    expect(await migrateBoxApp(sources, plan, operator)).toEqual({
      kind: 'migrated',
      moved: 1,
      requested: 1,
    });
    expect(await migrateBoxApp(sources, plan, operator)).toEqual({ kind: 'changed-meanwhile' });
    expect(await recorded()).toHaveLength(1);
    expect(await planBoxAppMigration(sources)).toMatchObject({ kind: 'settled' });
  });
});

describe('recreating a Box user', () => {
  it('is refused while the tenant is held, for an unknown person, and for one whom Box shows', async () => {
    const held = await setting();
    expect(await recreateBoxUser(held.sources, held.identityId, operator)).toMatchObject({ kind: 'held' });
    const users = new Map<string, BoxUser>();
    const { sources, identityId, boxUserId, person, recorded } = await setting(users, configured);
    expect(await recreateBoxUser(sources, held.identityId, operator)).toEqual({ kind: 'not-found' });
    users.set(boxUserId, userOf(boxUserId, person.subject));
    const refused = { kind: 'exists', boxUserId, wasMissing: false };
    expect(await recreateBoxUser(sources, identityId, operator)).toEqual(refused);
    expect(await recorded()).toEqual([]);
  });

  it('clears the mark of a user whom Box shows again, and records who did it', async () => {
    const users = new Map<string, BoxUser>();
    const { sources, identityId, boxUserId, person, recorded } = await setting(users, configured);
    expect(await sources.accounts.markMissing(identityId, boxUserId)).toBe(true);
    users.set(boxUserId, userOf(boxUserId, person.subject));
    const cleared = { kind: 'exists', boxUserId, wasMissing: true };
    expect(await recreateBoxUser(sources, identityId, operator)).toEqual(cleared);
    expect(await recorded()).toMatchObject([
      { operation: 'clear_missing_box_user', identityId, parameters: { boxUserId } },
    ]);
    expect(await recreateBoxUser(sources, identityId, operator)).toEqual({ ...cleared, wasMissing: false });
    expect(await recorded()).toHaveLength(1);
  });

  it('is refused while Box does not answer', async () => {
    const { sources, identityId } = await setting(fault, configured);
    expect(await recreateBoxUser(sources, identityId, operator)).toEqual({ kind: 'box-failed', fault });
  });

  it('is refused for people who are deactivated or have no account', async () => {
    const { sources, identityId } = await setting(new Map(), configured);
    await test.database.pool.query('UPDATE identity SET active = false WHERE id = $1', [identityId]);
    expect(await recreateBoxUser(sources, identityId, operator)).toEqual({ kind: 'deactivated' });
    await test.database.pool.query('UPDATE identity SET active = true WHERE id = $1', [identityId]);
    await test.database.pool.query('DELETE FROM box_account WHERE identity_id = $1', [identityId]);
    expect(await recreateBoxUser(sources, identityId, operator)).toEqual({ kind: 'no-account' });
  });

  it('opens a request when Box does not know the user, and records who did it', async () => {
    const { sources, identityId, boxUserId, recorded } = await setting(new Map(), configured);
    const done = await recreateBoxUser(sources, identityId, operator);
    expect(done).toMatchObject({ kind: 'recreated', boxUserId, requestId: expect.any(String) as string });
    expect(await recorded()).toHaveLength(1);
  });
});
