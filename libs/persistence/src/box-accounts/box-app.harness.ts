import type { BoxApp, CallContext, RecordedChange, Taken } from '@foyer/provisioning';
import { ApiCalls } from '../call-log/api-calls.ts';
import { BoxAccounts } from './box-accounts.ts';
import { TenantBoxApp } from './box-app.ts';
import { BoxAppMigration } from './box-app-migration.ts';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore, type ConvergenceStoreOptions } from '../convergence/convergence-store.ts';
import { samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { Requests } from '../requests/requests.ts';

export const oldApp: BoxApp = { clientId: 'old-app', enterpriseId: '900100' };
export const newApp: BoxApp = { clientId: 'new-app', enterpriseId: '900100' };
/** The record of an operator's command. */
export const found: RecordedChange = {
  intent: () => ({
    ...{ direction: 'in', system: 'foyer', operation: 'clear_missing_box_user', method: 'RUN' },
    ...{ path: 'box-app recreate', actor: 'operator', parameters: {} },
  }),
  outcome: () => ({ result: 'ok', status: null, error: null, answer: null, durationMs: 0 }),
  committed: () => undefined,
};
let lastBoxUser = 5000;
export const newBoxUserId = (): string => String(++lastBoxUser);

/** A tenant whose accounts belong to a Box app. */
export async function boxAppFixture(test: TestDatabase, bound: BoxApp | null = oldApp) {
  const { database } = test;
  const tenantId = await test.tenant();
  if (bound) await new TenantBoxApp(database, tenantId, bound).bind();
  const intake = new Intake(database, tenantId);
  const storeOf = (boxApp?: BoxApp, more: Partial<ConvergenceStoreOptions> = {}) =>
    new PrismaConvergenceStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000, boxApp, ...more });
  const log = new PrismaCallLog(database, tenantId, 30_000);
  const newRequest = async (person = samplePerson(), cause: 'api' | 'sign-in' = 'api') => {
    const admission = await intake.admit(person, cause);
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return { requestId: admission.requestId, identityId: admission.identity.id, person };
  };
  /** A person with a Box user, made by a recorded create. */
  const mapped = async () => {
    const { requestId, identityId, person } = await newRequest();
    const store = storeOf(bound ?? undefined);
    const taken = await take(store, requestId);
    const boxUserId = newBoxUserId();
    await log.conclude(await log.intend(context(taken), create), created);
    await store.saveAccount(
      taken.lease,
      { boxUserId, name: 'Ada Example', status: 'active', appliedGeneration: 1 },
      'created',
    );
    await store.succeed(taken.lease, 'created');
    return { identityId, boxUserId, person };
  };
  return {
    tenantId,
    intake,
    storeOf,
    newRequest,
    mapped,
    log,
    moves: new BoxAppMigration(database, tenantId),
    requests: new Requests(database, tenantId),
    accountsOf: (app: BoxApp) => new BoxAccounts(database, tenantId, app),
    operatorCalls: async () =>
      (await new ApiCalls(database, tenantId).list({ limit: 50, direction: 'in' })).items,
  };
}

export async function take(store: PrismaConvergenceStore, requestId: string): Promise<Taken> {
  const result = await store.take(requestId);
  if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
  return result.taken;
}

export const context = ({ lease }: Taken): CallContext => ({
  requestId: lease.requestId,
  identityId: lease.identityId,
  lease,
});
export const create = {
  direction: 'out',
  system: 'box',
  operation: 'create_user',
  method: 'POST',
  path: '/2.0/users',
  actor: null,
  parameters: {},
} as const;
export const created = { result: 'ok', status: 201, error: null, answer: null, durationMs: 1 } as const;
export const accountIn = (test: TestDatabase, identityId: string) =>
  test.database.prisma.boxAccount.findUnique({ where: { identityId } });
