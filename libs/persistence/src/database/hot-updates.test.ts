import type { BoxAccount } from '@foyer/provisioning';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { ScimUsers } from '../scim/users/users.ts';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { openDatabase, type Database } from './database.ts';

/** Enough for several pages of each table, which are then filled as far as an insert may fill them. */
const PEOPLE = 200;
const TABLES = ['identity', 'box_account'];

let test: TestDatabase;
/** One connection: the server counts the rows that it updates. */
let single: Database;
beforeAll(async () => {
  test = await createTestDatabase();
  single = openDatabase({ url: test.url, poolSize: 1 });
  // It would make room on full pages.
  for (const table of TABLES)
    await single.pool.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
});
afterAll(async () => {
  await single.close();
  await test.drop();
});

interface Updates {
  readonly all: number;
  readonly hot: number;
}

async function updatesOf(table: string): Promise<Updates> {
  await single.pool.query('SELECT pg_stat_force_next_flush()');
  const { rows } = await single.pool.query<Updates>(
    `SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = $1`,
    [table],
  );
  return rows[0]!;
}

/** The updates of each table that `work` makes. */
async function updatesIn(work: () => Promise<unknown>): Promise<Record<string, Updates>> {
  const read = async () => {
    const counts: Updates[] = [];
    for (const table of TABLES) counts.push(await updatesOf(table));
    return counts;
  };
  const before = await read();
  await work();
  const after = await read();
  return Object.fromEntries(
    TABLES.map((table, n) => [
      table,
      { all: after[n]!.all - before[n]!.all, hot: after[n]!.hot - before[n]!.hot },
    ]),
  );
}

async function parts() {
  const tenantId = await test.tenant();
  const users = new ScimUsers(single, tenantId, 'https://example.okta.com');
  const store = new PrismaConvergenceStore(single, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const log = new PrismaCallLog(single, tenantId, 30_000);
  const hire = async () =>
    (await users.create({ userName: 'ada@example.com', externalId: '00uada', active: true })).resource;
  const setActive = async (id: string, active: boolean): Promise<string> => {
    const written = await users.update(id, ({ document }) => ({ ...document, active }));
    return written!.resource.requestId!;
  };
  /** What a worker writes for a request: lease, a call, the mapping and the end. */
  const converge = async (requestId: string, status: BoxAccount['status']) => {
    const result = await store.take(requestId);
    if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
    const { lease, desired } = result.taken;
    const callId = await log.intend(
      { requestId, identityId: lease.identityId, lease },
      {
        ...{ direction: 'out', system: 'box', operation: 'update_user', method: 'PUT', path: '/2.0/users' },
        ...{ actor: null, parameters: {} },
      },
    );
    await log.conclude(callId, { result: 'ok', status: 200, error: null, answer: null, durationMs: 1 });
    const account = { boxUserId: '7000', name: 'Ada', status, appliedGeneration: desired.generation };
    await store.saveAccount(lease, account, 'updated', 'updated');
  };
  return { tenantId, hire, setActive, converge };
}

// All versions of the rows of one person fit into one page.
it('writes no index when a person is switched off and on, and when Box follows', async () => {
  const { hire, setActive, converge } = await parts();
  const { id } = await hire();
  let request = '';
  const { identity: push } = await updatesIn(async () => (request = await setActive(id, false)));
  expect(push).toEqual({ all: 1, hot: 1 });
  // The first worker fixes the Box external id, which is indexed.
  await converge(request, 'inactive');
  request = await setActive(id, true);
  const { identity: leases, box_account: mapping } = await updatesIn(() => converge(request, 'active'));
  expect(mapping).toEqual({ all: 1, hot: 1 });
  // The lease, its renewal by the intent of the call, and its end.
  expect(leases).toEqual({ all: 3, hot: 3 });
});

it('leaves room on each page for the next version of a row', async () => {
  const { tenantId } = await parts();
  await single.pool.query(
    `WITH hired AS (
       INSERT INTO identity (tenant_id, issuer, subject, username, name, scim)
       SELECT $1, 'https://example.okta.com', '00u' || n, 'person' || n || '@example.com', 'Person ' || n, '{}'
       FROM generate_series(1000, 999 + $2::int) n RETURNING id, tenant_id, subject, name)
     INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
     SELECT id, tenant_id, substr(subject, 4), name, 'active', 1 FROM hired`,
    [tenantId, PEOPLE],
  );
  const changes = { identity: 'generation = generation + 1', box_account: 'applied_generation = 2' };
  for (const [table, change] of Object.entries(changes)) {
    const updates = await updatesIn(() =>
      single.pool.query(
        `UPDATE ${table} SET ${change} WHERE ctid IN (SELECT min(ctid) FROM ${table} WHERE tenant_id = $1
           GROUP BY (ctid::text::point)[0] HAVING max(ctid) < (SELECT max(ctid) FROM ${table}))`,
        [tenantId],
      ),
    );
    const { all, hot } = updates[table]!;
    expect(all).toBeGreaterThan(0);
    expect(hot).toBe(all);
  }
});

it('keeps the column by which user names are unique, whoever writes the row', async () => {
  const tenantId = await test.tenant();
  const write = async (sql: string, values: unknown[]): Promise<boolean> => {
    const { rows } = await single.pool.query<{ is_managed: boolean }>(`${sql} RETURNING is_managed`, values);
    return rows[0]!.is_managed;
  };
  const insert = `INSERT INTO identity (tenant_id, issuer, subject, username, name, scim) VALUES ($1, 'https://example.okta.com', $2, $2, 'Ada', $3::jsonb)`;
  expect(await write(insert, [tenantId, 'pushed', '{}'])).toBe(true);
  expect(await write(insert, [tenantId, 'signed-in', null])).toBe(false);
  const update = `UPDATE identity SET scim = $3::jsonb, is_managed = false WHERE tenant_id = $1 AND subject = $2`;
  expect(await write(update, [tenantId, 'signed-in', '{}'])).toBe(true);
  expect(await write(update, [tenantId, 'signed-in', null])).toBe(false);
});
