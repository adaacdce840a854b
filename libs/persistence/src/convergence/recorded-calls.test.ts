import type { CallIntent } from '@foyer/provisioning';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { account, context, convergenceFixture, create, expireLease, take } from './convergence.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const parts = () => convergenceFixture(test);

describe('the record of the last create', () => {
  const outcome = (result: 'ok' | 'refused' | 'failed' | 'ambiguous', status: number | null) => ({
    result,
    status,
    error: null,
    answer: null,
    durationMs: 1,
  });

  it.each([
    ['an intent without an outcome', null, 'unsettled'],
    ['an ambiguous end', outcome('ambiguous', 503), 'unsettled'],
    ['a success whose mapping was not saved', outcome('ok', 201), 'unsettled'],
    ['a conflict', outcome('refused', 409), 'conflict'],
    ['a refusal', outcome('refused', 400), 'refused'],
    ['one that was never sent', outcome('failed', null), 'refused'],
  ])('%s', async (_name, end, expected) => {
    const { store, log, newRequest } = await parts();
    const requestId = await newRequest();
    const first = await take(store, requestId);
    expect(first.lastCreate).toBeNull();
    const callId = await log.intend(context(first), create);
    if (end) await log.conclude(callId, end);
    await expireLease(test, first);
    expect((await take(store, requestId)).lastCreate).toBe(expected);
  });
});

describe('the record of several creates', () => {
  const outcome = (result: 'refused' | 'failed' | 'ambiguous', status: number) => ({
    result,
    status,
    error: null,
    answer: null,
    durationMs: 1,
  });

  it.each([
    ['a conflict', outcome('refused', 409)],
    ['one that was rejected by the rate limit', outcome('failed', 429)],
  ])(
    'stays unsettled when an unsettled one was followed by %s: Box may have created a user',
    async (_name, next) => {
      const { store, log, newRequest } = await parts();
      const requestId = await newRequest();
      const first = await take(store, requestId);
      for (const end of [outcome('ambiguous', 503), next])
        await log.conclude(await log.intend(context(first), create), end);
      await expireLease(test, first);
      expect((await take(store, requestId)).lastCreate).toBe('unsettled');
    },
  );
});

describe('the last answer of Box about creates with an unknown result', () => {
  const answered = (operation: string, status: number, answer: Record<string, unknown> | null) => ({
    intent: { ...create, operation, parameters: { externalId: '00uDoubt' } },
    outcome: {
      ...{ result: status < 300 ? ('ok' as const) : ('refused' as const), error: null, durationMs: 1 },
      ...{ status, answer },
    },
  });
  const lost = {
    intent: { ...create, parameters: { externalId: '00uDoubt' } },
    outcome: { result: 'ambiguous', status: null, error: null, answer: null, durationMs: 1 } as const,
  };
  const nobody = answered('find_user', 200, null);
  const another = {
    ...nobody,
    intent: { ...nobody.intent, parameters: { externalId: '00uAnother' } },
  };
  const failing = {
    ...nobody,
    outcome: { ...nobody.outcome, result: 'failed' as const, status: 503 },
  };
  const named = answered('create_user', 409, { conflictId: '71' });

  it.each([
    ['nothing, while no create is in doubt', [nobody], undefined],
    ['nothing, when Box was asked before the create only', [nobody, lost], undefined],
    ['nothing, when the look-up failed', [lost, failing], undefined],
    ['nothing, when another external id was looked up', [lost, another], undefined],
    ['that no user has it', [lost, nobody], { kind: 'nobody' }],
    [
      'that no user has it, however many creates are lost after that',
      [lost, nobody, lost],
      { kind: 'nobody' },
    ],
    [
      'whom a look-up showed',
      [lost, answered('find_user', 200, { id: '70' })],
      { kind: 'taken', boxUserId: '70' },
    ],
    ['whom a create made', [answered('create_user', 201, { id: '72' })], { kind: 'taken', boxUserId: '72' }],
    ['whom a 409 named', [lost, nobody, named], { kind: 'taken', boxUserId: '71' }],
    ['that a 409 named no user', [answered('create_user', 409, {})], { kind: 'taken', boxUserId: null }],
    [
      'that the user whom a 409 named does not exist',
      [named, answered('read_user', 404, {})],
      { kind: 'nobody' },
    ],
  ])('%s', async (_name, calls, expected) => {
    const { store, log, newRequest } = await parts();
    const requestId = await newRequest({ ...samplePerson(), subject: '00uDoubt' });
    const first = await take(store, requestId);
    for (const { intent, outcome } of calls)
      await log.conclude(await log.intend(context(first), intent), outcome);
    await expireLease(test, first);
    expect((await take(store, requestId)).lastWord).toEqual(expected);
  });
});

describe('the record of the last update', () => {
  const update: CallIntent = {
    ...create,
    operation: 'update_user',
    method: 'PUT',
    path: '/2.0/users/7001',
    parameters: { id: '7001', name: 'Ada Renamed' },
  };
  const outcome = (result: 'ok' | 'refused' | 'failed' | 'ambiguous', status: number | null) => ({
    result,
    status,
    error: null,
    answer: null,
    durationMs: 1,
  });
  const inDoubt = { account: { ...account, profile: {}, isUncertain: true } };
  const known = { account: { ...account, profile: {} } };

  it.each([
    ['an intent without an outcome', null, inDoubt],
    ['an ambiguous end', outcome('ambiguous', 503), inDoubt],
    ['a success that was not saved', outcome('ok', 200), inDoubt],
    ['a refusal', outcome('refused', 400), known],
    ['one that was never sent', outcome('failed', null), known],
  ])('%s', async (_name, end, expected) => {
    const { store, log, newRequest } = await parts();
    const requestId = await newRequest();
    const first = await take(store, requestId);
    await store.saveAccount(first.lease, account, 'created');
    const callId = await log.intend(context(first), update);
    if (end) await log.conclude(callId, end);
    await expireLease(test, first);
    const next = await take(store, requestId);
    expect({ account: next.account }).toEqual(expected);
    // After another save the mapping shows what Box has.
    await store.saveAccount(next.lease, { ...account, name: 'Ada Renamed' }, 'updated');
    await expireLease(test, next);
    expect((await take(store, requestId)).account).toEqual({ ...known.account, name: 'Ada Renamed' });
  });

  const deletion: CallIntent = {
    ...update,
    operation: 'delete_user',
    method: 'DELETE',
    parameters: { id: '7001' },
  };

  it.each([
    ['without an outcome', null, true],
    ['with an ambiguous outcome', outcome('ambiguous', 503), true],
    ['that Box refused', outcome('refused', 409), undefined],
  ])('after a deletion %s: whether the user may be deleted', async (_name, end, mayBeDeleted) => {
    const { store, log, newRequest } = await parts();
    const requestId = await newRequest();
    const first = await take(store, requestId);
    await store.saveAccount(first.lease, account, 'created');
    const callId = await log.intend(context(first), deletion);
    if (end) await log.conclude(callId, end);
    await expireLease(test, first);
    const next = await take(store, requestId);
    expect(next.account?.mayBeDeleted).toBe(mayBeDeleted);
    await store.saveAccount(next.lease, account, 'updated');
    await expireLease(test, next);
    expect((await take(store, requestId)).account).toEqual(known.account);
  });

  it('ignores a deletion from before the mapping, also in a row that an earlier version wrote', async () => {
    const { store, log, newRequest } = await parts();
    const requestId = await newRequest();
    const first = await take(store, requestId);
    await log.intend(context(first), deletion);
    await store.saveAccount(first.lease, account, 'created');
    await test.database.pool.query(
      "UPDATE box_account SET settled_update = 0, created_at = created_at + interval '1 ms' WHERE box_user_id = $1",
      [account.boxUserId],
    );
    await expireLease(test, first);
    expect((await take(store, requestId)).account).toEqual(known.account);
  });
});
