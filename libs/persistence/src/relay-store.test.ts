import { randomUUID } from 'node:crypto';
import { PrismaConvergenceStore } from './convergence-store.ts';
import { createTestDatabase, somebody, type TestDatabase } from './database.harness.ts';
import { Intake } from './intake.ts';
import { dueStatement, RelayStore } from './relay-store.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const GRACE_MS = 5_000;

async function parts() {
  const tenantId = await test.tenant();
  const intake = new Intake(test.database, tenantId);
  const store = new PrismaConvergenceStore(test.database, tenantId, {
    leaseMs: 30_000,
    relayGraceMs: GRACE_MS,
  });
  const newRequest = async () => {
    const admission = await intake.admit(somebody(), 'api');
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return admission.requestId;
  };
  const take = async (requestId: string) => {
    const result = await store.take(requestId);
    if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
    return result.taken.lease;
  };
  return { tenantId, relay: new RelayStore(test.database, tenantId, GRACE_MS), newRequest, take, store };
}

/** As many queued requests of one cause as asked for, each a minute's fraction older than the next. */
async function crowd(tenantId: string, count: number, cause: string, priority: number, due = true) {
  const { pool } = test.database;
  const ids = await pool.query<{ id: string }>(
    `WITH people AS (
       INSERT INTO identity (tenant_id, issuer, subject, username, name)
       SELECT $1, 'https://example.okta.com', $3 || n, 'p@example.com', 'P' FROM generate_series(1, $2) n
       RETURNING id, split_part(subject, '-', -1)::int AS n
     ), made AS (
     INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, created_at, due_at)
     SELECT $1, id, 1, $4, $5, clock_timestamp() - (1000000 - n) * interval '1 millisecond',
       clock_timestamp() + (n - 1000000) * interval '1 millisecond' * $6
     FROM people RETURNING id, created_at)
     SELECT id FROM made ORDER BY created_at`,
    [tenantId, count, `${cause}-${randomUUID()}-`, cause, priority, due ? 1 : -1],
  );
  return ids.rows.map(({ id }) => id);
}

interface PlanNode {
  'Rows Removed by Filter'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

const removedFrom = (node: PlanNode): number =>
  (node['Rows Removed by Filter'] ?? 0) + (node.Plans ?? []).reduce((sum, one) => sum + removedFrom(one), 0);

describe('what is due', () => {
  it('is given to one caller only, and then not again at once', async () => {
    const { tenantId, newRequest, relay, store, take } = await parts();
    const ids = await Promise.all(Array.from({ length: 30 }, () => newRequest()));
    expect(await relay.due('background', 100)).toEqual([]);
    await test.database.pool.query(`UPDATE provisioning_request SET due_at = 'epoch' WHERE tenant_id = $1`, [
      tenantId,
    ]);
    const rounds = await Promise.all([20, 20, 20].map((limit) => relay.due('background', limit)));
    rounds.push(await relay.due('background', 100));
    expect(
      rounds
        .flat()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids.sort());
    expect(await relay.due('background', 100)).toEqual([]);
    await store.succeed(await take(ids[0]!), 'unchanged');
    await test.database.pool.query(
      `UPDATE provisioning_request SET due_at = 'epoch' WHERE tenant_id = $1 AND due_at IS NOT NULL`,
      [tenantId],
    );
    expect(await relay.due('background', 100)).toHaveLength(29);
  });

  it('is at once what a stopping worker handed back', async () => {
    const { newRequest, relay, store, take } = await parts();
    const requestId = await newRequest();
    await store.handBack(await take(requestId), 0);
    expect(await relay.due('background', 10)).toEqual([{ id: requestId, priority: 10, job: 'converge' }]);
  });

  it('comes by lane, the most urgent first and then the oldest', async () => {
    const { tenantId, relay } = await parts();
    const batch = await crowd(tenantId, 5, 'batch', 20);
    const api = await crowd(tenantId, 3, 'api', 10);
    const [operator] = await crowd(tenantId, 1, 'operator', 2);
    const [signIn] = await crowd(tenantId, 1, 'sign-in', 1);
    expect((await relay.due('interactive', 100)).map(({ id }) => id)).toEqual([signIn, operator]);
    expect((await relay.due('background', 4)).map(({ id }) => id)).toEqual([...api, batch[0]]);
    expect((await relay.due('background', 100)).map(({ id }) => id)).toEqual(batch.slice(1));
  });

  it('is found by reading next to nothing else, with thirty thousand waiting', async () => {
    const { tenantId } = await parts();
    const { pool } = test.database;
    await crowd(tenantId, 6_000, 'sign-in', 1, false);
    await crowd(tenantId, 12_000, 'api', 10, false);
    await crowd(tenantId, 12_000, 'batch', 20);
    await crowd(tenantId, 30, 'operator', 2);
    await pool.query('ANALYZE provisioning_request');
    for (const lane of ['interactive', 'background'] as const) {
      const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${dueStatement(lane)}`,
        [tenantId, 5, GRACE_MS],
      );
      const [{ Plan: plan }] = rows[0]!['QUERY PLAN'];
      expect(removedFrom(plan)).toBe(0);
      // Five rows found, locked and written to all indexes; a look at all that wait would be thousands.
      expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(300);
    }
  });
});
