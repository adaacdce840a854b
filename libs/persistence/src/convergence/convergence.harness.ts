import type { CallContext, CallIntent, Taken } from '@foyer/provisioning';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { Requests } from '../requests/requests.ts';
import { PrismaConvergenceStore } from './convergence-store.ts';

export const create: CallIntent = {
  direction: 'out',
  system: 'box',
  operation: 'create_user',
  method: 'POST',
  path: '/2.0/users',
  actor: null,
  parameters: { name: 'Ada' },
};

/** A tenant with what a worker has of the database. */
export async function convergenceFixture(test: TestDatabase) {
  const tenantId = await test.tenant();
  const store = new PrismaConvergenceStore(test.database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const log = new PrismaCallLog(test.database, tenantId, 30_000);
  const intake = new Intake(test.database, tenantId);
  const newRequest = async (person = samplePerson()) => {
    const admission = await intake.admit(person, 'api');
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return admission.requestId;
  };
  return { tenantId, store, log, intake, newRequest, requests: new Requests(test.database, tenantId) };
}

export async function take(store: PrismaConvergenceStore, requestId: string): Promise<Taken> {
  const result = await store.take(requestId);
  if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
  return result.taken;
}

/**
 * Lets the lease of a worker that is too slow expire: its end is moved before the database's clock (in whole
 * milliseconds).
 */
export const expireLease = (test: TestDatabase, { lease }: Taken) =>
  test.database.prisma
    .$executeRaw`UPDATE identity SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = ${lease.identityId}::uuid`;

export const context = ({ lease }: Taken): CallContext => ({
  requestId: lease.requestId,
  identityId: lease.identityId,
  lease,
});
export const account = {
  boxUserId: '7001',
  name: 'Ada Example',
  status: 'active',
  appliedGeneration: 1,
} as const;
