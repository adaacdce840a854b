import { LeaseLost } from '@foyer/provisioning';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { account, context, convergenceFixture, create, expireLease, take } from './convergence.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const parts = () => convergenceFixture(test);

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
    await expireLease(test, sleeper);
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
    await expireLease(test, taken);
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
    await expireLease(test, first);
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
