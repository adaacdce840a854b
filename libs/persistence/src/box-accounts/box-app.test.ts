import { randomUUID } from 'node:crypto';
import {
  LeaseLost,
  type BoxApp,
  type CallContext,
  type RecordedChange,
  type Taken,
} from '@foyer/provisioning';
import { ApiCalls } from '../call-log/api-calls.ts';
import { BoxAccounts } from './box-accounts.ts';
import { boxAppProblem, TenantBoxApp } from './box-app.ts';
import { BoxAppMigration } from './box-app-migration.ts';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore, type ConvergenceStoreOptions } from '../convergence/convergence-store.ts';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { Requests } from '../requests/requests.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const oldApp: BoxApp = { clientId: 'old-app', enterpriseId: '900100' };
const newApp: BoxApp = { clientId: 'new-app', enterpriseId: '900100' };
/** The record of an operator's command. */
const found: RecordedChange = {
  intent: () => ({
    ...{ direction: 'in', system: 'foyer', operation: 'clear_missing_box_user', method: 'RUN' },
    ...{ path: 'box-app recreate', actor: 'operator', parameters: {} },
  }),
  outcome: () => ({ result: 'ok', status: null, error: null, answer: null, durationMs: 0 }),
  committed: () => undefined,
};
let lastBoxUser = 5000;

async function parts(bound: BoxApp | null = oldApp) {
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
    const boxUserId = String(++lastBoxUser);
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

async function take(store: PrismaConvergenceStore, requestId: string): Promise<Taken> {
  const result = await store.take(requestId);
  if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
  return result.taken;
}

const context = ({ lease }: Taken): CallContext => ({
  requestId: lease.requestId,
  identityId: lease.identityId,
  lease,
});
const create = {
  direction: 'out',
  system: 'box',
  operation: 'create_user',
  method: 'POST',
  path: '/2.0/users',
  actor: null,
  parameters: {},
} as const;
const created = { result: 'ok', status: 201, error: null, answer: null, durationMs: 1 } as const;
const account = (identityId: string) => test.database.prisma.boxAccount.findUnique({ where: { identityId } });

describe('the Box app of a tenant', () => {
  it('is the first one configured, regardless of how many processes start at once', async () => {
    const tenantId = await test.tenant();
    const apps = Array.from({ length: 8 }, (_, n) => ({ clientId: `app-${n}`, enterpriseId: '1' }));
    const results = await Promise.all(
      apps.map((app) => new TenantBoxApp(test.database, tenantId, app).bind()),
    );
    expect(results.filter((result) => result !== null)).toEqual([{ accounts: 0 }]);
    const states = await Promise.all(
      apps.map((app) => new TenantBoxApp(test.database, tenantId, app).read()),
    );
    expect(states.filter(({ differs }) => !differs)).toHaveLength(1);
  });

  it('is adopted by a tenant with earlier accounts, and their number is reported', async () => {
    const { tenantId, mapped } = await parts(null);
    await mapped();
    const binding = new TenantBoxApp(test.database, tenantId, newApp);
    expect(await binding.bind()).toEqual({ accounts: 1 });
    expect(await binding.bind()).toBeNull();
  });

  it('differs by client id or by enterprise, and the problem names both and the command', async () => {
    const { tenantId } = await parts();
    const stateOf = (app: BoxApp) => new TenantBoxApp(test.database, tenantId, app).read();
    expect((await stateOf(oldApp)).differs).toBe(false);
    expect(boxAppProblem(await stateOf(oldApp))).toBeNull();
    expect((await stateOf({ ...oldApp, enterpriseId: '900101' })).differs).toBe(true);
    const problem = boxAppProblem(await stateOf(newApp));
    expect(problem).toMatch(/old-app.*new-app.*npm run foyer -- box-app/);
  });
});

describe('a worker of another Box app', () => {
  it('gets no work: the request stays unchanged', async () => {
    const { storeOf, newRequest, requests } = await parts();
    const { requestId } = await newRequest();
    for (const app of [newApp, { ...oldApp, enterpriseId: '2' }, undefined])
      expect(await storeOf(app).take(requestId)).toEqual({ kind: 'held' });
    const { request } = (await requests.find(requestId, {}))!;
    expect(request).toMatchObject({ status: 'queued', attempts: 0 });
    expect(request.timeline.map(({ event }) => event)).toEqual(['queued']);
    expect(await storeOf(oldApp).take(requestId)).toMatchObject({ kind: 'taken' });
  });

  it('works at the same time for its own tenant', async () => {
    const [one, two] = [await parts(oldApp), await parts(newApp)];
    const { requestId } = await two.newRequest();
    expect(await one.storeOf(newApp).take(requestId)).toEqual({ kind: 'over' });
    expect(await two.storeOf(newApp).take(requestId)).toMatchObject({ kind: 'taken' });
  });

  it.each(['accept', 'migrate'] as const)(
    "writes nothing once an operator's %s is complete, however close the race",
    async (move) => {
      const { storeOf, newRequest, moves } = await parts();
      const requests = await Promise.all(Array.from({ length: 24 }, () => newRequest()));
      const store = storeOf(oldApp);
      const takes = requests.map(async ({ requestId }, at) => {
        // Some attempts begin before the move, some during it, some after it.
        for (let n = 0; n < at; n++) await test.database.ping(5_000);
        return store.take(requestId);
      });
      const moved = moves[move](oldApp, newApp, 'operator', {});
      const results = await Promise.all(takes);
      expect(await moved).toMatchObject({ kind: 'done' });
      for (const result of results) {
        if (result.kind !== 'taken') continue;
        const boxUserId = String(++lastBoxUser);
        await expect(
          store.saveAccount(
            result.taken.lease,
            { boxUserId, name: 'A', status: 'active', appliedGeneration: 1 },
            'created',
          ),
        ).rejects.toThrow(LeaseLost);
      }
      for (const { requestId } of requests) {
        expect(await store.take(requestId)).toEqual({ kind: 'held' });
        expect(await storeOf(newApp).take(requestId)).toMatchObject({ kind: 'taken' });
      }
    },
  );
});

describe('accept', () => {
  it('binds the existing accounts to the new app, and is recorded', async () => {
    const { moves, mapped, operatorCalls, tenantId } = await parts();
    const { identityId, boxUserId } = await mapped();
    expect(await moves.accept(oldApp, newApp, 'operator:ada', { asked: 1 })).toEqual({
      kind: 'done',
      accounts: 1,
    });
    expect(await account(identityId)).toMatchObject({ boxUserId, appliedGeneration: 1 });
    expect((await new TenantBoxApp(test.database, tenantId, newApp).read()).differs).toBe(false);
    expect(await operatorCalls()).toMatchObject([
      {
        operation: 'accept_box_app',
        actor: 'operator:ada',
        parameters: { from: oldApp, to: newApp, asked: 1 },
      },
    ]);
  });

  it('does nothing when the tenant is already bound to another app', async () => {
    const { moves, operatorCalls } = await parts(newApp);
    expect(await moves.accept(oldApp, newApp, 'operator', {})).toEqual({ kind: 'changed-meanwhile' });
    expect(await operatorCalls()).toEqual([]);
  });
});

describe('migrate', () => {
  it('keeps the former accounts, and creates every active identity again exactly once', async () => {
    const { moves, mapped, storeOf, tenantId, newRequest, operatorCalls, requests } = await parts();
    const other = await parts();
    const bystander = await other.mapped();
    const people = [await mapped(), await mapped(), await mapped()];
    const waiting = await newRequest();
    const off = people[2]!;
    await test.database.prisma.identity.update({ where: { id: off.identityId }, data: { active: false } });

    expect(await moves.migrate(oldApp, newApp, 'operator:ada')).toEqual({
      kind: 'done',
      moved: 3,
      requested: 2,
    });
    expect(await moves.counts()).toEqual({
      accounts: 0,
      missing: 0,
      former: 3,
      activeIdentities: 3,
      openRequests: 3,
    });
    const former = await test.database.prisma.formerBoxAccount.findMany({ where: { tenantId } });
    expect(former.map(({ boxUserId }) => boxUserId).sort()).toEqual(
      people.map(({ boxUserId }) => boxUserId).sort(),
    );
    expect(former[0]).toMatchObject({
      boxClientId: 'old-app',
      boxEnterpriseId: '900100',
      reason: 'app-changed',
    });
    expect(await account(bystander.identityId)).not.toBeNull();
    expect(await operatorCalls()).toMatchObject([{ operation: 'migrate_box_app', parameters: { moved: 3 } }]);

    for (const { identityId } of [people[0]!, people[1]!, waiting]) {
      const taken = await take(storeOf(newApp), (await requests.newest({ identityId }))!.id);
      // The create in the old app says nothing about the new one, so no look-up is needed.
      expect(taken).toMatchObject({ account: null, lastCreate: null, effect: null });
    }
    expect(await moves.migrate(oldApp, newApp, 'operator')).toEqual({ kind: 'changed-meanwhile' });
  });

  it('keeps creates of the new app on record like any others', async () => {
    const { moves, mapped, storeOf, log, requests } = await parts();
    const { identityId } = await mapped();
    await moves.migrate(oldApp, newApp, 'operator');
    const { id } = (await requests.newest({ identityId }))!;
    const store = storeOf(newApp);
    const first = await take(store, id);
    await log.intend(context(first), create);
    await store.handBack(first.lease, 0);
    expect((await take(store, id)).lastCreate).toBe('unsettled');
  });
});

describe('a Box user that no longer exists', () => {
  it('is marked and shown again, but not by another app, nor for another mapping', async () => {
    const { accountsOf, mapped } = await parts();
    const { identityId, boxUserId } = await mapped();
    const accounts = accountsOf(oldApp);
    expect(await accountsOf(newApp).markMissing(identityId, boxUserId)).toBe(false);
    expect(await accounts.markMissing(identityId, '1')).toBe(false);
    expect(await accounts.markMissing(randomUUID(), boxUserId)).toBe(false);
    expect(await accounts.markMissing(identityId, boxUserId)).toBe(true);
    expect(await accounts.markMissing(identityId, boxUserId)).toBe(false);
    expect((await account(identityId))?.missingSince).not.toBeNull();
    expect(await accounts.mapped(null, 10)).toEqual([]);
    expect(await accounts.clearMissing(identityId, boxUserId, found)).toBe(true);
    expect(await accounts.clearMissing(identityId, boxUserId, found)).toBe(false);
    expect(await account(identityId)).toMatchObject({ missingSince: null, appliedGeneration: 0 });
  });

  it('gets a request from each sign-in, which may recreate the user only if policy and cause allow it', async () => {
    const { accountsOf, mapped, newRequest, storeOf } = await parts();
    const recreateDeleted = 'on-sign-in';
    for (const [cause, policy, expected] of [
      ['sign-in', recreateDeleted, true],
      ['api', recreateDeleted, false],
      ['sign-in', 'never', false],
      ['sign-in', undefined, false],
    ] as const) {
      const { identityId, boxUserId, person } = await mapped();
      await accountsOf(oldApp).markMissing(identityId, boxUserId);
      const { requestId } = await newRequest(person, cause);
      const taken = await take(storeOf(oldApp, { recreateDeleted: policy }), requestId);
      expect(taken).toMatchObject({ account: { boxUserId, isMissing: true }, mayRecreate: expected });
    }
  });

  it('is marked as missing, restored or given up by a worker, as the timeline shows', async () => {
    const { mapped, newRequest, storeOf, requests } = await parts();
    const { identityId, boxUserId, person } = await mapped();
    const store = storeOf(oldApp);
    const { requestId } = await newRequest({ ...person, name: 'Ada Renamed' });
    const { lease } = await take(store, requestId);
    await store.markMissing(lease, boxUserId);
    await store.markMissing(lease, boxUserId);
    expect((await account(identityId))?.missingSince).not.toBeNull();
    await store.restoreAccount(lease, { boxUserId, name: 'Ada', status: 'inactive', appliedGeneration: 0 });
    expect(await account(identityId)).toMatchObject({ missingSince: null, status: 'inactive', name: 'Ada' });
    await store.markMissing(lease, boxUserId);
    await store.forgetAccount(lease, boxUserId);
    expect(await account(identityId)).toBeNull();
    expect((await requests.find(requestId, {}))?.request.timeline.map(({ event }) => event)).toEqual([
      'queued',
      'started',
      'box-user-missing',
      'box-user-restored',
      'box-user-missing',
      'box-user-given-up',
    ]);
    await store.handBack(lease, 0);
    // The create of the deleted user is settled: the next worker creates at once.
    expect(await take(store, requestId)).toMatchObject({ account: null, lastCreate: null });
  });

  it('is not changed by a worker whose lease was taken over', async () => {
    const { mapped, newRequest, storeOf } = await parts();
    const { identityId, boxUserId, person } = await mapped();
    const store = storeOf(oldApp);
    const { requestId } = await newRequest({ ...person, name: 'Ada Renamed' });
    const { lease } = await take(store, requestId);
    await test.database.prisma
      .$executeRaw`UPDATE identity SET lease_token = lease_token + 1 WHERE id = ${identityId}::uuid`;
    const back = { boxUserId, name: 'Ada', status: 'active', appliedGeneration: 0 } as const;
    for (const write of [
      () => store.markMissing(lease, boxUserId),
      () => store.restoreAccount(lease, back),
      () => store.forgetAccount(lease, boxUserId),
    ])
      await expect(write()).rejects.toThrow(LeaseLost);
    expect(await account(identityId)).toMatchObject({ missingSince: null, boxUserId });
  });

  it('is created again for one person by an operator, and a second call creates no second request', async () => {
    const { moves, mapped, storeOf, operatorCalls, requests } = await parts();
    const { identityId, boxUserId } = await mapped();
    const wrongApp = await moves.recreate({ identityId, boxUserId }, newApp, 'operator');
    expect(wrongApp).toEqual({ kind: 'changed-meanwhile' });
    const result = await moves.recreate({ identityId, boxUserId }, oldApp, 'operator:ada');
    if (result.kind !== 'requested') throw new Error(result.kind);
    expect(await account(identityId)).toBeNull();
    expect(await moves.recreate({ identityId, boxUserId }, oldApp, 'operator')).toEqual({
      kind: 'changed-meanwhile',
    });
    expect(await take(storeOf(oldApp), result.requestId)).toMatchObject({ account: null, lastCreate: null });
    expect((await requests.newest({ identityId }))?.cause).toBe('operator');
    expect(await operatorCalls()).toMatchObject([
      { operation: 'recreate_box_user', identityId, parameters: { boxUserId } },
    ]);
  });
});
