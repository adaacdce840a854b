import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { limitsOf } from '@foyer/provisioning';
import { describeBudgetStore, slowLimits } from '@foyer/provisioning/testing';
import { BoxBudgetStore, type BoxServiceAccount } from './box-budget-store.ts';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const account = () => ({ clientId: `app-${randomUUID()}`, enterpriseId: '900100' });
const wanting = (signIns: number) => ({ 'sign-in': signIns, soon: 0, bulk: 0 });
const none = wanting(0);

/** Refills the bucket, by asking with a very fast rate. */
async function fill(mine: BoxServiceAccount): Promise<void> {
  const fast = new BoxBudgetStore(test.database, mine, { ...slowLimits, perMs: 1e9 });
  // The first ask inserts the row.
  for (let asks = 0; asks < 2; asks++) await fast.ask(none);
}

describeBudgetStore('the bucket in PostgreSQL', async () => {
  const shared = account();
  return {
    limits: slowLimits,
    open: () => new BoxBudgetStore(test.database, shared, slowLimits),
    // The subject is time itself, by the database's clock: nothing else changes.
    pass: (ms) => sleep(ms),
    fill: () => fill(shared),
    close: async () => undefined,
  };
});

describe('the bucket in PostgreSQL', () => {
  const fresh = (limits = slowLimits) => {
    const mine = account();
    return { mine, store: new BoxBudgetStore(test.database, mine, limits) };
  };
  const set = (what: string, clientId: string) =>
    test.database.pool.query(`UPDATE box_budget SET ${what} WHERE client_id = $1`, [clientId]);

  it('is one per Box app and enterprise', async () => {
    const { mine, store } = fresh();
    await fill(mine);
    const elsewhere = new BoxBudgetStore(test.database, { ...mine, enterpriseId: '900200' }, slowLimits);
    expect((await elsewhere.ask(wanting(1))).granted['sign-in']).toBe(0);
    expect((await store.ask(wanting(1))).granted['sign-in']).toBe(1);
  });

  it('restarts empty when a crash of PostgreSQL emptied the table, and fills again', async () => {
    const { mine, store } = fresh();
    await fill(mine);
    await test.database.pool.query('DELETE FROM box_budget WHERE client_id = $1', [mine.clientId]);
    expect((await store.ask(wanting(5))).granted['sign-in']).toBe(0);
    await fill(mine);
    expect((await store.ask(wanting(2))).granted['sign-in']).toBe(2);
    await test.database.pool.query('DELETE FROM box_budget WHERE client_id = $1', [mine.clientId]);
    expect(await store.refuse(5_000)).toBeGreaterThan(4_000);
  });

  it("continues at once when the database's clock was set back", async () => {
    const { mine, store } = fresh(limitsOf(100_000));
    await store.ask(none);
    await set(`refilled_at = clock_timestamp() + interval '1 hour'`, mine.clientId);
    await store.ask(none);
    await set(`refilled_at = refilled_at - interval '20 milliseconds'`, mine.clientId);
    expect((await store.ask(wanting(1))).granted['sign-in']).toBe(1);
    await set(`paused_until = clock_timestamp() + interval '1 year'`, mine.clientId);
    expect((await store.ask(none)).pausedMs).toBeLessThanOrEqual(900_000);
  });

  it('gains no more than its capacity when the clock was set forward', async () => {
    const { mine, store } = fresh();
    await store.ask(none);
    await set(`refilled_at = clock_timestamp() - interval '1 hour'`, mine.clientId);
    expect((await store.ask(wanting(1_000))).granted['sign-in']).toBe(15);
  });

  it('counts each interval exactly once with many processes at once', async () => {
    const limits = { ...limitsOf(60_000), capacity: 1e9 };
    const mine = account();
    const doors = Array.from({ length: 8 }, () => new BoxBudgetStore(test.database, mine, limits));
    const before = performance.now();
    await doors[0]!.ask(none);
    const begun = performance.now();
    let granted = 0;
    await Promise.all(
      doors.map(async (door) => {
        for (let n = 0; n < 25; n++) {
          const answer = await door.ask(wanting(1_000_000));
          granted += answer.granted['sign-in'];
        }
      }),
    );
    const asked = performance.now();
    const { level } = await doors[0]!.look();
    expect(granted + level).toBeGreaterThan((asked - begun) * limits.perMs - 1);
    expect(granted + level).toBeLessThan((performance.now() - before) * limits.perMs + 1);
  });

  it('forgets refusals without a stated wait a minute after the last pause, and never pauses longer than a minute for one', async () => {
    const { mine, store } = fresh();
    await store.refuse(undefined);
    await set(`refusals = 40, paused_until = clock_timestamp() - interval '59 seconds'`, mine.clientId);
    expect(Math.round((await store.refuse(undefined)) / 1000)).toBe(60);
    await set(`paused_until = clock_timestamp() - interval '61 seconds'`, mine.clientId);
    expect(Math.round((await store.refuse(undefined)) / 1000)).toBe(1);
  });
});
