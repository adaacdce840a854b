import { LeaseLost, type BoxApp } from '@foyer/provisioning';
import { boxAppProblem, TenantBoxApp } from './box-app.ts';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import {
  accountIn,
  boxAppFixture,
  context,
  create,
  newApp,
  newBoxUserId,
  oldApp,
  take,
} from './box-app.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const parts = (bound: BoxApp | null = oldApp) => boxAppFixture(test, bound);
const account = (identityId: string) => accountIn(test, identityId);

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
        const boxUserId = newBoxUserId();
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
