import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { Intake } from '../identities/intake.ts';
import { Requests } from './requests.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function waiting() {
  const tenantId = await test.tenant();
  const admission = await new Intake(test.database, tenantId).admit(samplePerson(), 'api');
  if (admission.kind !== 'requested') throw new Error(admission.kind);
  const { requestId } = admission;
  const requests = new Requests(test.database, tenantId);
  const store = new PrismaConvergenceStore(test.database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const read = async () => (await requests.find(requestId, {}))!;
  const notes = async () =>
    (await read()).request.timeline.filter(({ event }) => event === 'waiting-for-budget');
  return { tenantId, requestId, store, read, notes };
}

describe('a wait for the rate limiter', () => {
  it('is shown in the timeline with its expected end, which is the time of the next attempt', async () => {
    const { requestId, store, read, notes } = await waiting();
    const before = await read();
    await store.noteWait(requestId, 42_300);
    const [note] = await notes();
    const [, seconds, until] = /^about (\d+) s, until (\S+)$/.exec(note?.detail ?? '') ?? [];
    expect(seconds).toBe('43');
    const after = await read();
    expect(Date.parse(after.request.nextAttemptAt ?? '')).toBe(Date.parse(until ?? ''));
    const wait = Date.parse(until ?? '') - Date.parse(note!.at);
    expect(wait).toBeGreaterThan(41_000);
    expect(wait).toBeLessThanOrEqual(42_300);
    expect(after.version).toBe(before.version + 1);
    expect(after.request.status).toBe('queued');
  });

  it('is recorded once a minute, however many jobs wait for the same request', async () => {
    const { requestId, store, notes } = await waiting();
    await Promise.all(Array.from({ length: 5 }, () => store.noteWait(requestId, 5_000)));
    expect((await notes()).length).toBe(1);
    await test.database.pool.query(
      `UPDATE request_event SET at = at - interval '61 seconds' WHERE request_id = $1`,
      [requestId],
    );
    await store.noteWait(requestId, 5_000);
    expect((await notes()).length).toBe(2);
  });

  it('changes no time of a request that another worker runs', async () => {
    const { requestId, store, read } = await waiting();
    await store.take(requestId);
    await store.noteWait(requestId, 60_000);
    expect((await read()).request).toMatchObject({ status: 'running', nextAttemptAt: null });
  });

  it('is recorded for no request that is final, unknown, or of another tenant', async () => {
    const { requestId, store, read, notes } = await waiting();
    const stranger = await waiting();
    await stranger.store.noteWait(requestId, 60_000);
    const take = await store.take(requestId);
    if (take.kind !== 'taken') throw new Error(take.kind);
    await store.fail(take.taken.lease, { code: 'box_invalid', detail: 'no' });
    const { version } = await read();
    await store.noteWait(requestId, 60_000);
    await store.noteWait('00000000-0000-4000-8000-000000000000', 60_000);
    expect(await notes()).toEqual([]);
    expect((await read()).version).toBe(version);
  });
});
