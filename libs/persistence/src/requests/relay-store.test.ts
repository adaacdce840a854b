import { randomUUID } from 'node:crypto';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { dueRequests, RelayStore } from './relay-store.ts';
import { run } from '../database/statement.ts';

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
    const admission = await intake.admit(samplePerson(), 'api');
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

/** How many rows one statement adds: more could exceed the statement limit on a busy machine. */
const PAGE = 2_000;

/** `count` queued requests of one cause, each a fraction of a minute older than the next. */
async function crowd(tenantId: string, count: number, cause: string, priority: number, due = true) {
  const { pool } = test.database;
  const prefix = `${cause}-${randomUUID()}-`;
  const all: string[] = [];
  for (let from = 1; from <= count; from += PAGE) {
    const ids = await pool.query<{ id: string }>(
      `WITH people AS (
         INSERT INTO identity (tenant_id, issuer, subject, username, name)
         SELECT $1, 'https://example.okta.com', $3 || n, 'p@example.com', 'P' FROM generate_series($7::int, $2) n
         RETURNING id, split_part(subject, '-', -1)::int AS n
       ), made AS (
       INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, created_at, due_at)
       SELECT $1, id, 1, $4, $5, clock_timestamp() - (1000000 - n) * interval '1 millisecond',
         clock_timestamp() + (n - 1000000) * interval '1 millisecond' * $6
       FROM people RETURNING id, created_at)
       SELECT id FROM made ORDER BY created_at`,
      [tenantId, Math.min(count, from + PAGE - 1), prefix, cause, priority, due ? 1 : -1, from],
    );
    all.push(...ids.rows.map(({ id }) => id));
  }
  return all;
}

interface PlanNode {
  'Rows Removed by Filter'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

const removedFrom = (node: PlanNode): number =>
  (node['Rows Removed by Filter'] ?? 0) + (node.Plans ?? []).reduce((sum, one) => sum + removedFrom(one), 0);

describe('due requests', () => {
  it('are returned to one caller only, and then not again at once', async () => {
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

  it('include the jobs of an unavailable queue, once per grace period', async () => {
    const { tenantId, newRequest, relay, take, store } = await parts();
    const [queued, running, retrying] = [await newRequest(), await newRequest(), await newRequest()];
    await take(running);
    await store.retry(await take(retrying), { code: 'box_unavailable', detail: '503' }, 600_000, 1);
    expect(await relay.due('background', 10)).toEqual([]);
    expect((await relay.due('background', 10, true)).map(({ id }) => id)).toEqual([queued]);
    expect(await relay.due('background', 10, true)).toEqual([]);
    await test.database.pool.query(
      `UPDATE provisioning_request SET due_at = clock_timestamp() + interval '4 s' WHERE tenant_id = $1`,
      [tenantId],
    );
    const late = (await relay.due('background', 10, true)).map(({ id }) => id);
    expect(late.sort()).toEqual([queued, retrying].sort());
  });

  it('include at once those that a stopping worker handed back', async () => {
    const { newRequest, relay, store, take } = await parts();
    const requestId = await newRequest();
    await store.handBack(await take(requestId), 0);
    // The time that is stored is rounded to a millisecond, which may lie ahead.
    let due: Awaited<ReturnType<typeof relay.due>> = [];
    while (due.length === 0) due = await relay.due('background', 10);
    expect(due).toEqual([{ id: requestId, priority: 10, job: 'converge' }]);
  });

  it('are ordered by lane, then by priority, then by age', async () => {
    const { tenantId, relay } = await parts();
    const batch = await crowd(tenantId, 5, 'batch', 20);
    const api = await crowd(tenantId, 3, 'api', 10);
    const [operator] = await crowd(tenantId, 1, 'operator', 2);
    const [signIn] = await crowd(tenantId, 1, 'sign-in', 1);
    expect((await relay.due('interactive', 100)).map(({ id }) => id)).toEqual([signIn, operator]);
    expect((await relay.due('background', 4)).map(({ id }) => id)).toEqual([...api, batch[0]]);
    expect((await relay.due('background', 100)).map(({ id }) => id)).toEqual(batch.slice(1));
  });

  it('are found by reading almost no other rows, with thirty thousand waiting', async () => {
    const { tenantId } = await parts();
    const { pool } = test.database;
    await crowd(tenantId, 6_000, 'sign-in', 1, false);
    await crowd(tenantId, 12_000, 'api', 10, false);
    await crowd(tenantId, 12_000, 'batch', 20);
    await crowd(tenantId, 30, 'operator', 2);
    await pool.query('ANALYZE provisioning_request');
    for (const lane of ['interactive', 'background'] as const) {
      const explained = {
        ...dueRequests[lane],
        ...{ name: null, text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${dueRequests[lane].text}` },
      };
      const values = { tenant: tenantId, limit: 5, grace_ms: GRACE_MS, early_ms: 0 };
      const [row] = await run<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>({ pool }, explained, values);
      const [{ Plan: plan }] = row!['QUERY PLAN'];
      expect(removedFrom(plan)).toBe(0);
      // Five rows found, locked and written to all indexes; scanning all waiting requests would read thousands of
      // blocks.
      expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(300);
    }
  });
});

describe('the due time of an open request', () => {
  const clock = async (): Promise<number> => {
    const { rows } = await test.database.pool.query<{ now: number }>(
      'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
    );
    return rows[0]!.now;
  };
  /** Runs `work`, which returns a request; returns the least and the most time until that is due. */
  const dueAfter = async (work: () => Promise<string>) => {
    const before = await clock();
    const requestId = await work();
    const after = await clock();
    const { rows } = await test.database.pool.query<{ due: number; ms: number }>(
      `SELECT round(extract(epoch FROM due_at) * 1000)::float8 AS due,
         round(extract(epoch FROM due_at - coalesce(lease_expires_at, next_attempt_at)) * 1000)::float8 AS ms
       FROM provisioning_request r JOIN identity i ON i.id = r.identity_id WHERE r.id = $1`,
      [requestId],
    );
    const { due, ms } = rows[0]!;
    return { least: due - after - 1, most: due - before + 1, ms };
  };
  const contains = ({ least, most }: { least: number; most: number }, ms: number) => {
    expect(least).toBeLessThanOrEqual(ms);
    expect(most).toBeGreaterThanOrEqual(ms);
  };

  it('is the grace period after its creation, because its own process enqueues it meanwhile', async () => {
    const { newRequest, relay } = await parts();
    contains(await dueAfter(newRequest), GRACE_MS);
    expect(await relay.due('background', 10)).toEqual([]);
  });

  it('is a second after the lease of the worker that has it', async () => {
    const { newRequest, relay, take } = await parts();
    const requestId = await newRequest();
    const { ms } = await dueAfter(async () => (await take(requestId)).requestId);
    expect(ms).toBe(1_000);
    expect(await relay.due('background', 10)).toEqual([]);
  });

  it('is the grace period after its next attempt', async () => {
    const { newRequest, relay, take, store } = await parts();
    const lease = await take(await newRequest());
    const retried = await dueAfter(async () => {
      await store.retry(lease, { code: 'box_unavailable', detail: null }, 60_000, 1);
      return lease.requestId;
    });
    expect(Math.abs(retried.ms - GRACE_MS)).toBeLessThanOrEqual(1);
    contains(retried, 60_000 + GRACE_MS);
    expect(await relay.due('background', 10)).toEqual([]);
  });

  it.each([
    ['the grace period later for a new request', 0, GRACE_MS],
    ['at most a minute later', 86_400_000, 60_000],
  ])('after it was relayed is %s', async (_name, ageMs, expected) => {
    const { newRequest, relay } = await parts();
    const requestId = await newRequest();
    await makeOlder(requestId, ageMs);
    const due = await dueAfter(async () => {
      await relay.due('background', 10);
      return requestId;
    });
    contains(due, expected);
    expect(await relay.due('background', 10)).toEqual([]);
  });

  it('after it was relayed is as long again as the request has already waited', async () => {
    const { newRequest, relay } = await parts();
    const requestId = await newRequest();
    const begun = await clock();
    await makeOlder(requestId, 20_000);
    const due = await dueAfter(async () => {
      await relay.due('background', 10);
      return requestId;
    });
    // The request keeps waiting while this test runs.
    contains({ least: due.least - ((await clock()) - begun), most: due.most }, 20_000);
  });

  const makeOlder = (requestId: string, ageMs: number) =>
    test.database.pool.query(
      `UPDATE provisioning_request SET due_at = clock_timestamp(),
         created_at = clock_timestamp() - $2::float8 * interval '1 millisecond' WHERE id = $1`,
      [requestId, ageMs],
    );
});
