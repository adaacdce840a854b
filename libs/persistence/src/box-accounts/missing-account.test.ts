import { randomUUID } from 'node:crypto';
import { LeaseLost, type BoxApp } from '@foyer/provisioning';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { accountIn, boxAppFixture, found, newApp, oldApp, take } from './box-app.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const parts = (bound: BoxApp | null = oldApp) => boxAppFixture(test, bound);
const account = (identityId: string) => accountIn(test, identityId);

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
