import type { CallIntent, CallOutcome } from '@foyer/provisioning';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { DeadLetters } from '../requests/dead-letters.ts';
import { Intake } from './intake.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const create: CallIntent = {
  ...{ direction: 'out', system: 'box', operation: 'create_user', method: 'POST', path: '/2.0/users' },
  ...{ actor: null, parameters: { externalId: '00u1', name: 'Ada' } },
};
const ended = (result: CallOutcome['result'], status: number | null): CallOutcome => ({
  ...{ result, status, error: null, answer: null, durationMs: 5 },
});

/** A person whose creates ended as given (null: without an outcome), whose request failed, and who then left. */
async function leaver(ends: readonly (CallOutcome | null)[]) {
  const tenantId = await test.tenant();
  const intake = new Intake(test.database, tenantId);
  const store = new PrismaConvergenceStore(test.database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const log = new PrismaCallLog(test.database, tenantId, 30_000);
  const admission = await intake.admit(samplePerson(), 'api');
  if (admission.kind !== 'requested') throw new Error(admission.kind);
  const { requestId } = admission;
  const result = await store.take(requestId);
  if (result.kind !== 'taken') throw new Error(result.kind);
  const { lease } = result.taken;
  for (const end of ends) {
    const callId = await log.intend({ requestId, identityId: lease.identityId, lease }, create);
    if (end) await log.conclude(callId, end);
  }
  await store.fail(lease, { code: 'box_ambiguous', detail: null });
  await test.database.prisma.identity.updateMany({ where: { tenantId }, data: { active: false } });
  return { intake, requestId, letters: new DeadLetters(test.database, tenantId) };
}

describe('a failed request of a leaver without a Box user', () => {
  it.each<[string, (CallOutcome | null)[]]>([
    ['has no outcome', [null]],
    ['ended without a clear answer', [ended('ambiguous', null)]],
    ['was clear only the second time', [ended('ambiguous', 503), ended('failed', 429)]],
    ['was refused, because Box has such a user', [ended('refused', 409)]],
  ])('is retried when the create %s: Box may have an active user', async (_name, ends) => {
    const one = await leaver(ends);
    expect(await one.letters.counts()).toMatchObject([{ count: 1, deactivated: 0 }]);
    expect((await one.letters.list(null, { after: null, limit: 10 })).letters).toMatchObject([
      { active: true },
    ]);
    expect(await one.intake.retry(one.requestId)).toMatchObject({ kind: 'requested', isNew: true });

    const all = await leaver(ends);
    expect(await all.letters.retryAll('box_ambiguous')).toEqual({ retried: 1, deactivated: 0 });
  });

  it.each<[string, CallOutcome[]]>([
    ['was never begun', []],
    ['was refused', [ended('refused', 400)]],
    ['certainly did nothing', [ended('failed', 429)]],
  ])('is not retried when the create %s: no user can exist in Box', async (_name, ends) => {
    const { intake, requestId, letters } = await leaver(ends);
    expect(await letters.counts()).toMatchObject([{ count: 1, deactivated: 1 }]);
    expect(await intake.retry(requestId)).toEqual({ kind: 'deactivated' });
    expect(await letters.retryAll('box_ambiguous')).toEqual({ retried: 0, deactivated: 1 });
  });
});
