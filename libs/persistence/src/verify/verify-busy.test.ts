import { discrepancyKinds, type BoxUser } from '@foyer/provisioning';
import { createTestDatabase, plant, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { openVerifyStore } from './verify-store.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const EXTERNAL_ID = '00uada';
const inBox = (difference: Partial<BoxUser>): BoxUser => ({
  ...{ id: '1', name: 'Ada Example', login: 'app@box', status: 'active', externalId: EXTERNAL_ID },
  ...{ isAppUser: true, ...difference },
});

/** A tenant with one person and no work in progress. */
async function parts() {
  const tenantId = await test.tenant();
  const { pool } = test.database;
  const admission = await new Intake(test.database, tenantId).admit(
    samplePerson({ subject: EXTERNAL_ID }),
    'api',
  );
  if (admission.kind !== 'requested') throw new Error(admission.kind);
  const { requestId, identity } = admission;
  const end = () =>
    pool.query(
      `UPDATE provisioning_request SET status = 'succeeded', outcome = 'unchanged', due_at = NULL,
         finished_at = clock_timestamp() WHERE id = $1`,
      [requestId],
    );
  const map = () =>
    pool.query(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation, created_at)
       VALUES ($1, $2, '1', 'Ada Example', 'active', 1, clock_timestamp() - interval '1 hour')`,
      [identity.id, tenantId],
    );
  const call = () =>
    plant(
      test.database,
      `INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path, identity_id, parameters)
       VALUES ($1, clock_timestamp() - interval '1 hour', 'out', 'box', 'create_user', 'POST', '/2.0/users', $2, '{}')`,
      [tenantId, identity.id],
    );
  const lease = (interval: string) =>
    pool.query('UPDATE identity SET lease_expires_at = clock_timestamp() + $2::interval WHERE id = $1', [
      identity.id,
      interval,
    ]);
  /** The kinds that a run would recheck if Box listed these users. */
  const kinds = async (users: readonly BoxUser[]) => {
    const store = (await openVerifyStore(test.database, tenantId))!;
    try {
      const run = await store.begin();
      await store.savePage(run.id, users, null);
      await store.compare(run.id, 60_000);
      const found: string[] = [];
      for (const kind of discrepancyKinds)
        found.push(...(await store.candidates(run.id, kind, 10)).map((candidate) => candidate.kind));
      return found;
    } finally {
      await store.close();
    }
  };
  return { end, map, call, lease, kinds };
}
type Parts = Awaited<ReturnType<typeof parts>>;

const differences: [string, (all: Parts) => Promise<unknown>, BoxUser[]][] = [
  ['duplicate', (all) => all.map(), [inBox({}), inBox({ id: '2' })]],
  ['unmapped', async () => undefined, [inBox({})]],
  ['missing', (all) => all.map(), []],
  ['missing', async () => undefined, []],
  ['drifted', (all) => all.map(), [inBox({ name: 'Mallory' })]],
  ['mismatched', (all) => all.map(), [inBox({ externalId: 'somebody-else' })]],
  ['unverified', (all) => all.call(), []],
];

describe.each(differences)('a person who seems %s', (kind, make, users) => {
  it('is rechecked when no worker has a lease on the person', async () => {
    const all = await parts();
    await make(all);
    await all.end();
    await all.lease('-1 s');
    expect(await all.kinds(users)).toContain(kind);
  });

  it('is left out while a request about the person is open', async () => {
    const all = await parts();
    await make(all);
    expect(await all.kinds(users)).toEqual([]);
  });

  it('is left out while a worker has a lease on the person', async () => {
    const all = await parts();
    await make(all);
    await all.end();
    await all.lease('1 h');
    expect(await all.kinds(users)).toEqual([]);
  });
});
