import { LeaseLost, type CallContext, type CallIntent, type Taken } from '@foyer/provisioning';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore } from './convergence-store.ts';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { Requests } from '../requests/requests.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const create: CallIntent = {
  direction: 'out',
  system: 'box',
  operation: 'create_user',
  method: 'POST',
  path: '/2.0/users',
  actor: null,
  parameters: { name: 'Ada' },
};

async function parts() {
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

async function take(store: PrismaConvergenceStore, requestId: string): Promise<Taken> {
  const result = await store.take(requestId);
  if (result.kind !== 'taken') throw new Error(`take is ${result.kind}`);
  return result.taken;
}

/**
 * Lets the lease of a worker that is too slow expire: its end is moved before the database's clock (in whole
 * milliseconds).
 */
const expireLease = ({ lease }: Taken) =>
  test.database.prisma
    .$executeRaw`UPDATE identity SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = ${lease.identityId}::uuid`;

const context = ({ lease }: Taken): CallContext => ({
  requestId: lease.requestId,
  identityId: lease.identityId,
  lease,
});
const account = { boxUserId: '7001', name: 'Ada Example', status: 'active', appliedGeneration: 1 } as const;

describe('the lease', () => {
  it('is acquired by only one of many workers', async () => {
    const { store, newRequest } = await parts();
    const requestId = await newRequest();
    const results = await Promise.all(Array.from({ length: 20 }, () => store.take(requestId)));
    expect(results.filter(({ kind }) => kind === 'taken')).toHaveLength(1);
    expect(results.filter(({ kind }) => kind === 'busy')).toHaveLength(19);
  });

  it('is held for the identity, not only the request', async () => {
    const { store, newRequest } = await parts();
    const person = samplePerson();
    const first = await newRequest(person);
    const second = await newRequest({ ...person, name: 'Ada Renamed' });
    await take(store, first);
    expect(await store.take(second)).toMatchObject({ kind: 'busy' });
  });

  it('rejects every write of a worker whose lease was taken over', async () => {
    const { store, log, newRequest, requests } = await parts();
    const requestId = await newRequest();
    const sleeper = await take(store, requestId);
    await expireLease(sleeper);
    const next = await take(store, requestId);
    const writes = [
      () => log.intend(context(sleeper), create),
      () => store.saveAccount(sleeper.lease, account, 'created'),
      () => store.saveAccount(sleeper.lease, account, 'created', 'created'),
      () => store.succeed(sleeper.lease, 'created'),
      () => store.fail(sleeper.lease, { code: 'box_forbidden', detail: null }),
      () => store.retry(sleeper.lease, { code: 'box_unavailable', detail: null }, 1, 1),
      () => store.handBack(sleeper.lease, 0),
    ];
    for (const write of writes) await expect(write()).rejects.toThrow(LeaseLost);
    expect(
      await test.database.prisma.boxAccount.count({ where: { identityId: next.lease.identityId } }),
    ).toBe(0);
    expect((await requests.find(requestId, {}))?.request).toMatchObject({ status: 'running', attempts: 2 });
    expect((await requests.find(requestId, {}))?.request.timeline.map(({ event }) => event)).toEqual([
      'queued',
      'started',
      'taken-over',
    ]);
    await store.succeed(next.lease, 'unchanged');
  });

  it('rejects a write after its expiry even if no other worker has taken over', async () => {
    const { store, newRequest } = await parts();
    const taken = await take(store, await newRequest());
    await expireLease(taken);
    await expect(store.saveAccount(taken.lease, account, 'created')).rejects.toThrow(LeaseLost);
  });

  it('is released when the request has ended, and a final request is never started again', async () => {
    const { store, newRequest } = await parts();
    const person = samplePerson();
    const first = await newRequest(person);
    await store.succeed((await take(store, first)).lease, 'unchanged');
    expect(await store.take(first)).toEqual({ kind: 'over' });
    await take(store, await newRequest({ ...person, name: 'B' }));
  });
});

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
    await expireLease(first);
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
      await expireLease(first);
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
    await expireLease(first);
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
    await expireLease(first);
    const next = await take(store, requestId);
    expect({ account: next.account }).toEqual(expected);
    // After another save the mapping shows what Box has.
    await store.saveAccount(next.lease, { ...account, name: 'Ada Renamed' }, 'updated');
    await expireLease(next);
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
    await expireLease(first);
    const next = await take(store, requestId);
    expect(next.account?.mayBeDeleted).toBe(mayBeDeleted);
    await store.saveAccount(next.lease, account, 'updated');
    await expireLease(next);
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
    await expireLease(first);
    expect((await take(store, requestId)).account).toEqual(known.account);
  });
});

describe('the mapping', () => {
  it('maps one Box user to one identity of a tenant only', async () => {
    const { store, newRequest } = await parts();
    const one = await take(store, await newRequest());
    const two = await take(store, await newRequest());
    expect(await store.saveAccount(one.lease, account, 'created')).toBe('saved');
    expect(await store.saveAccount(two.lease, account, 'adopted')).toBe('belongs-to-another');
  });

  it('keeps the effect of the request for the worker that takes over', async () => {
    const { store, newRequest } = await parts();
    const requestId = await newRequest();
    const first = await take(store, requestId);
    await store.saveAccount(first.lease, account, 'created');
    await expireLease(first);
    expect(await take(store, requestId)).toMatchObject({ effect: 'created', account });
  });
});

describe('the last save of an attempt', () => {
  it('also ends the request in one step, and releases the lease', async () => {
    const { store, newRequest, requests } = await parts();
    const person = samplePerson();
    const requestId = await newRequest(person);
    const { lease } = await take(store, requestId);
    const mine = { ...account, boxUserId: '7010' };
    expect(await store.saveAccount(lease, mine, 'created', 'created')).toBe('saved');
    const { request } = (await requests.find(requestId, {}))!;
    expect(request).toMatchObject({
      status: 'succeeded',
      outcome: 'created',
      boxUserId: '7010',
      error: null,
    });
    expect(request.timeline.map(({ event, detail }) => [event, detail])).toEqual([
      ['queued', null],
      ['started', null],
      ['box-user-created', 'Box user 7010'],
      ['succeeded', 'created'],
    ]);
    expect(await store.take(requestId)).toEqual({ kind: 'over' });
    const next = await take(store, await newRequest({ ...person, name: 'Ada Renamed' }));
    expect(next.account).toEqual({ ...mine, profile: {} });
    await store.saveAccount(next.lease, { ...mine, appliedGeneration: 2 }, null, 'unchanged');
    expect((await requests.find(next.lease.requestId, {}))?.request).toMatchObject({ outcome: 'unchanged' });
  });

  it('leaves the request open and the lease held when the Box user belongs to another identity', async () => {
    const { store, newRequest, requests } = await parts();
    const mine = { ...account, boxUserId: '7011' };
    const one = await take(store, await newRequest());
    await store.saveAccount(one.lease, mine, 'created', 'created');
    const { lease } = await take(store, await newRequest());
    expect(await store.saveAccount(lease, mine, 'adopted', 'adopted')).toBe('belongs-to-another');
    expect((await requests.find(lease.requestId, {}))?.request).toMatchObject({ status: 'running' });
    await store.fail(lease, { code: 'box_user_mismatch', detail: null });
    expect((await requests.find(lease.requestId, {}))?.request).toMatchObject({ status: 'failed' });
  });
});

describe('the timeline', () => {
  it('shows the effect of a request in Box once, however often the mapping is saved', async () => {
    const { store, newRequest, requests } = await parts();
    const requestId = await newRequest();
    const first = await take(store, requestId);
    for (const appliedGeneration of [0, 1])
      await store.saveAccount(first.lease, { ...account, boxUserId: '7002', appliedGeneration }, 'created');
    const timeline = (await requests.find(requestId, {}))?.request.timeline.map(({ event }) => event);
    expect(timeline).toEqual(['queued', 'started', 'box-user-created']);
  });
});

describe('the call log', () => {
  it('cannot be updated, truncated or deleted from', async () => {
    const { log, newRequest, store } = await parts();
    const callId = await log.intend(context(await take(store, await newRequest())), create);
    await log.conclude(callId, {
      result: 'ok',
      status: 201,
      error: null,
      answer: { id: '1' },
      durationMs: 2,
    });
    for (const table of ['api_call', 'api_call_outcome']) {
      for (const sql of [
        `UPDATE ${table} SET tenant_id = tenant_id`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ]) {
        await expect(test.database.pool.query(sql)).rejects.toThrow('append-only');
      }
    }
    await expect(
      log.conclude(callId, { result: 'failed', status: null, error: null, answer: null, durationMs: 3 }),
    ).rejects.toThrow();
  });
});
