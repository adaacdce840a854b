import { LeaseLost } from '@foyer/provisioning';
import { jest } from '@jest/globals';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore } from './convergence-store.ts';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { RelayStore } from '../requests/relay-store.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());
afterEach(() => {
  jest.useRealTimers();
});

const DAY_MS = 86_400_000;
/** In seconds: more than a test and its schedules take, and far less than the clocks differ. */
const HOUR = 3_600;

/** From now on this process's clock is wrong by so much; its timers are not affected. */
function skew(byMs: number): void {
  jest.useFakeTimers({
    now: Date.now() + byMs,
    doNotFake: [
      ...(['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
      ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
    ],
  });
}

async function parts() {
  const tenantId = await test.tenant();
  const options = { leaseMs: 30_000, relayGraceMs: 5_000 };
  const intake = new Intake(test.database, tenantId);
  return {
    one: new PrismaConvergenceStore(test.database, tenantId, options),
    two: new PrismaConvergenceStore(test.database, tenantId, options),
    log: new PrismaCallLog(test.database, tenantId, 30_000),
    relay: new RelayStore(test.database, tenantId, 5_000),
    newRequest: async () => {
      const admission = await intake.admit(samplePerson(), 'api');
      if (admission.kind !== 'requested') throw new Error(admission.kind);
      return admission.requestId;
    },
  };
}

async function taken(store: PrismaConvergenceStore, requestId: string) {
  const result = await store.take(requestId);
  if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
  return result.taken.lease;
}

const find = {
  direction: 'out',
  system: 'box',
  operation: 'find_user',
  method: 'GET',
  path: '/2.0/users',
  actor: null,
  parameters: {},
} as const;

/** How far times in the database are from its own clock, in seconds. */
async function offBy(requestId: string) {
  const { rows } = await test.database.pool.query<
    Record<'lease' | 'due' | 'next' | 'started', number | null>
  >(
    `SELECT extract(epoch FROM i.lease_expires_at - clock_timestamp())::float8 AS lease,
       extract(epoch FROM r.due_at - clock_timestamp())::float8 AS due,
       extract(epoch FROM r.next_attempt_at - clock_timestamp())::float8 AS next,
       extract(epoch FROM r.started_at - clock_timestamp())::float8 AS started
     FROM provisioning_request r JOIN identity i ON i.id = r.identity_id WHERE r.id = $1`,
    [requestId],
  );
  return rows[0]!;
}

describe.each([
  ['a day ahead', DAY_MS],
  ['a day behind', -DAY_MS],
])('a worker whose clock is %s', (_name, byMs) => {
  it('acquires no lease of another worker, and its own lease has the usual duration', async () => {
    const { one, two, newRequest } = await parts();
    const requestId = await newRequest();
    const lease = await taken(one, requestId);
    skew(byMs);
    expect(await two.take(requestId)).toMatchObject({ kind: 'busy' });
    await one.handBack(lease, 0);
    const mine = await taken(two, requestId);
    const { lease: left, due, started } = await offBy(requestId);
    for (const seconds of [left!, due!, started!]) expect(Math.abs(seconds)).toBeLessThan(HOUR);
    jest.useRealTimers();
    expect(await one.take(requestId)).toMatchObject({ kind: 'busy' });
    await two.succeed(mine, 'unchanged');
  });

  it("writes while its lease is held, and nothing once it has expired by the database's clock", async () => {
    const { one, two, log, newRequest } = await parts();
    const requestId = await newRequest();
    const lease = await taken(one, requestId);
    skew(byMs);
    const context = { requestId, identityId: lease.identityId, lease };
    await log.intend(context, find);
    await test.database.pool.query(
      `UPDATE identity SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = $1`,
      [lease.identityId],
    );
    await expect(log.intend(context, find)).rejects.toThrow(LeaseLost);
    await expect(one.succeed(lease, 'created')).rejects.toThrow(LeaseLost);
    expect((await taken(two, requestId)).token).toBe(lease.token + 1n);
  });

  it("schedules by the database's clock, and relays what is due by it", async () => {
    const { one, relay, newRequest } = await parts();
    const requestId = await newRequest();
    skew(byMs);
    await one.retry(await taken(one, requestId), { code: 'box_unavailable', detail: null }, 60_000, 1);
    const { next, due } = await offBy(requestId);
    for (const seconds of [next!, due!]) expect(Math.abs(seconds)).toBeLessThan(HOUR);
    expect(await relay.due('background', 10)).toEqual([]);
    await test.database.pool.query(
      `UPDATE provisioning_request SET due_at = clock_timestamp() - interval '1 s' WHERE id = $1`,
      [requestId],
    );
    expect(await relay.due('background', 10)).toMatchObject([{ id: requestId }]);
  });
});
