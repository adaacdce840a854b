import { randomUUID } from 'node:crypto';
import { Intake, PrismaCallLog, PrismaConvergenceStore, Requests } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { createLogger, Metrics } from '@foyer/platform';
import { LeaseLost, type BoxPort, type CallContext } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';
import { convergeHandler } from './converge.handler.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

/** The handler over the real stores and a Box in which a test can cause any fault. */
async function parts(
  options: { attempts?: number; leaseMs?: number; recreateDeleted?: 'on-sign-in' | 'never' } = {},
) {
  const tenantId = await test.tenant();
  const leaseMs = options.leaseMs ?? 30_000;
  const store = new PrismaConvergenceStore(test.database, tenantId, {
    leaseMs,
    relayGraceMs: 5_000,
    recreateDeleted: options.recreateDeleted,
  });
  const log = new PrismaCallLog(test.database, tenantId, leaseMs);
  const box = new FakeBox(log);
  const stopping = new AbortController();
  const policy = { attempts: options.attempts ?? 5, baseMs: 10, maxMs: 100 };
  const base = { store, logger: createLogger('test', 'silent'), metrics: new Metrics('test'), policy };
  const handlerWith = (port: BoxPort) => convergeHandler({ ...base, box: port, stopping: stopping.signal });
  const intake = new Intake(test.database, tenantId);
  const requests = new Requests(test.database, tenantId);
  const newRequest = async (person = samplePerson(), cause: 'api' | 'sign-in' = 'api') => {
    const admission = await intake.admit(person, cause);
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return { requestId: admission.requestId, person };
  };
  const request = async (id: string) => (await requests.find(id, {}))!.request;
  /** Runs the job as the queue would, until it reports that it is finished. */
  const drain = async (requestId: string, handler = handlerWith(box)) => {
    for (let attempts = 1; attempts <= 30; attempts++)
      if ((await handler({ requestId })).kind === 'over') return attempts;
    throw new Error('The job is never over.');
  };
  return { box, handler: handlerWith(box), handlerWith, newRequest, request, drain, stopping };
}

/** The same Box, with some calls replaced. */
const instead = (box: FakeBox, replaced: Partial<BoxPort>): BoxPort => ({
  createUser: (...args) => box.createUser(...args),
  findUser: (...args) => box.findUser(...args),
  readUser: (...args) => box.readUser(...args),
  updateUser: (...args) => box.updateUser(...args),
  deleteUser: (...args) => box.deleteUser(...args),
  listUsers: (...args) => box.listUsers(...args),
  listFolder: (...args) => box.listFolder(...args),
  readFolderName: (...args) => box.readFolderName(...args),
  locateContent: (...args) => box.locateContent(...args),
  ...replaced,
});

describe('converge', () => {
  it('creates a new user with one call', async () => {
    const { box, newRequest, request, drain } = await parts();
    const { requestId } = await newRequest();
    expect(await drain(requestId)).toBe(1);
    expect(await request(requestId)).toMatchObject({
      status: 'succeeded',
      outcome: 'created',
      attempts: 1,
      error: null,
    });
    expect([...box.users.values()]).toHaveLength(1);
  });

  it('adopts the existing user after a 409', async () => {
    const { box, newRequest, request, drain } = await parts();
    const person = samplePerson();
    await box.createUser(
      { requestId: null, identityId: null, lease: null },
      { externalId: person.subject, name: 'Old' },
    );
    const { requestId } = await newRequest(person);
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({ status: 'succeeded', outcome: 'adopted' });
    expect([...box.users.values()]).toMatchObject([{ name: 'Ada Example' }]);
  });

  it.each(['cut-before', 'cut-after', 'failing', 'rate-limited'] as const)(
    'ends with one user when the create gets the fault: %s',
    async (trouble) => {
      const { box, newRequest, request, drain } = await parts();
      const { requestId } = await newRequest();
      box.meet('createUser', trouble);
      expect(await drain(requestId)).toBeGreaterThan(1);
      expect(await request(requestId)).toMatchObject({ status: 'succeeded', outcome: 'created' });
      expect([...box.users.values()]).toHaveLength(1);
    },
  );

  it('ends with one user when the look-up lags behind a create whose answer was lost', async () => {
    const { box, newRequest, request, drain } = await parts();
    const { requestId } = await newRequest();
    box.meet('createUser', 'cut-after');
    box.lookupLags = true;
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({ status: 'succeeded', outcome: 'created' });
    expect([...box.users.values()]).toHaveLength(1);
  });

  it('fails at once, with its code, for an error that only a person can fix', async () => {
    const { box, newRequest, request, drain } = await parts();
    const { requestId } = await newRequest();
    box.meet('createUser', { code: 'box_forbidden', detail: 'No scope.', ambiguous: false });
    expect(await drain(requestId)).toBe(1);
    expect(await request(requestId)).toMatchObject({
      status: 'failed',
      error: { code: 'box_forbidden', detail: 'No scope.' },
    });
  });

  it('fails after the last attempt of the policy, and the timeline shows it', async () => {
    const { box, newRequest, request, drain } = await parts({ attempts: 3 });
    const { requestId } = await newRequest();
    for (let n = 0; n < 3; n++) box.meet('createUser', 'cut-before');
    for (let n = 0; n < 3; n++) box.meet('findUser', 'failing');
    await drain(requestId);
    const { status, timeline } = await request(requestId);
    expect(status).toBe('failed');
    expect(timeline.filter(({ event }) => event === 'retry-scheduled')).toHaveLength(2);
  });

  it('does not start a request that is final, unknown or of another tenant', async () => {
    const { handler, newRequest, drain, box } = await parts();
    const { requestId } = await newRequest();
    await drain(requestId);
    expect(await handler({ requestId })).toEqual({ kind: 'over' });
    expect(await handler({ requestId: randomUUID() })).toEqual({ kind: 'over' });
    expect(await (await parts()).handler({ requestId })).toEqual({ kind: 'over' });
    expect([...box.users.values()]).toHaveLength(1);
  });

  it('hands the request back between two steps when the process stops', async () => {
    const { box, handlerWith, newRequest, request, drain, stopping } = await parts();
    const person = samplePerson();
    await box.createUser(
      { requestId: null, identityId: null, lease: null },
      { externalId: person.subject, name: 'Old' },
    );
    const { requestId } = await newRequest(person);
    const stopsInside: BoxPort = instead(box, {
      createUser: (...args: Parameters<BoxPort['createUser']>) => {
        stopping.abort();
        return box.createUser(...args);
      },
    });
    expect(await handlerWith(stopsInside)({ requestId })).toEqual({ kind: 'again', delayMs: 0 });
    expect(await request(requestId)).toMatchObject({ status: 'queued' });
    await expect(drain(requestId)).rejects.toThrow('never over');
  });

  it('stops without a write when another worker acquired its lease during a call', async () => {
    const { box, handlerWith, newRequest, request, drain } = await parts();
    const { requestId } = await newRequest();
    const sleepsInside: BoxPort = instead(box, {
      createUser: async (context: CallContext, user: { externalId: string; name: string }) => {
        const result = await box.createUser(context, user);
        await test.database.prisma
          .$executeRaw`UPDATE identity SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = ${context.identityId}::uuid`;
        return result;
      },
    });
    expect(await handlerWith(sleepsInside)({ requestId })).toEqual({ kind: 'over' });
    expect(await request(requestId)).toMatchObject({ status: 'running', boxUserId: null });
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({ status: 'succeeded', outcome: 'created', attempts: 2 });
    expect([...box.users.values()]).toHaveLength(1);
  });

  it('records an internal error as a retry', async () => {
    const { box, handlerWith, newRequest, request, drain } = await parts();
    const { requestId } = await newRequest();
    const broken: BoxPort = instead(box, {
      createUser: () => Promise.reject(new TypeError('a bug')),
    });
    expect(await handlerWith(broken)({ requestId })).toMatchObject({ kind: 'again' });
    expect(await request(requestId)).toMatchObject({ status: 'retrying', error: { code: 'internal_error' } });
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({ status: 'succeeded' });
  });
});

describe('a Box user that was deleted by hand', () => {
  async function deleted(recreateDeleted?: 'on-sign-in' | 'never') {
    const all = await parts({ recreateDeleted });
    const { requestId, person } = await all.newRequest();
    await all.drain(requestId);
    const [user] = [...all.box.users.values()];
    all.box.users.clear();
    return { ...all, person, user: user! };
  }
  const eventsOf = ({ timeline }: { timeline: { event: string }[] }) => timeline.map(({ event }) => event);

  it('is detected at the next change, confirmed by a second read, and not created again', async () => {
    const { box, newRequest, drain, request, person } = await deleted();
    const { requestId } = await newRequest({ ...person, name: 'Ada Renamed' }, 'sign-in');
    await drain(requestId);
    const failed = await request(requestId);
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'box_user_missing' } });
    expect(eventsOf(failed)).toEqual(['queued', 'started', 'box-user-missing', 'failed']);
    expect(box.users.size).toBe(0);
  });

  it('is created again by a sign-in if the policy allows it, and by no other request', async () => {
    const { box, newRequest, drain, request, person, user } = await deleted('on-sign-in');
    const renamed = { ...person, name: 'Ada Renamed' };
    const pushed = await newRequest(renamed, 'api');
    await drain(pushed.requestId);
    expect(await request(pushed.requestId)).toMatchObject({ status: 'failed' });
    const { requestId } = await newRequest(renamed, 'sign-in');
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({ status: 'succeeded', outcome: 'created' });
    const [again, ...more] = [...box.users.values()];
    expect(more).toEqual([]);
    expect(again).toMatchObject({ name: 'Ada Renamed', externalId: person.subject });
    expect(again!.id).not.toBe(user.id);
  });

  it.each(['cut-before', 'cut-after', 'failing', 'rate-limited'] as const)(
    'ends with one new user when the second create gets the fault: %s',
    async (trouble) => {
      const { box, newRequest, drain, request, person } = await deleted('on-sign-in');
      box.meet('createUser', trouble);
      const { requestId } = await newRequest({ ...person, name: 'Ada Renamed' }, 'sign-in');
      await drain(requestId);
      expect(await request(requestId)).toMatchObject({ status: 'succeeded', outcome: 'created' });
      expect(box.users.size).toBe(1);
    },
  );

  it('is used again by the next sign-in when it was restored, with what changed meanwhile', async () => {
    const { box, newRequest, drain, request, person, user } = await deleted('on-sign-in');
    const renamed = { ...person, name: 'Ada Renamed' };
    await drain((await newRequest(renamed)).requestId);
    box.users.set(user.id, user);
    const { requestId } = await newRequest(renamed, 'sign-in');
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({
      status: 'succeeded',
      outcome: 'updated',
      boxUserId: user.id,
    });
    expect([...box.users.values()]).toMatchObject([{ id: user.id, name: 'Ada Renamed' }]);
  });

  it('is not marked as deleted when Box still returns the user: the request is retried later', async () => {
    const { box, handlerWith, newRequest, request, person, drain, user } = await deleted('on-sign-in');
    box.users.set(user.id, user);
    const missing = { code: 'box_user_missing', detail: 'Not Found', ambiguous: false } as const;
    const lying = instead(box, { updateUser: () => Promise.resolve({ ok: false, fault: missing }) });
    const { requestId } = await newRequest({ ...person, name: 'Ada Renamed' }, 'sign-in');
    await handlerWith(lying)({ requestId });
    expect(await request(requestId)).toMatchObject({
      status: 'retrying',
      error: { code: 'box_unavailable' },
    });
    await drain(requestId);
    expect([...box.users.keys()]).toEqual([user.id]);
  });
});

describe('a name that is changed back while an update is unsettled', () => {
  it.each(['cut-before', 'cut-after'] as const)('is the name in Box in the end (%s)', async (trouble) => {
    const { box, newRequest, drain, handler, request } = await parts();
    const { person, requestId } = await newRequest();
    await drain(requestId);
    const renamed = await newRequest({ ...person, name: 'Ada Other' });
    box.meet('updateUser', trouble);
    await handler({ requestId: renamed.requestId });
    const back = await newRequest(person);
    await drain(renamed.requestId);
    await drain(back.requestId);
    expect(await request(back.requestId)).toMatchObject({ status: 'succeeded' });
    expect([...box.users.values()]).toMatchObject([{ name: person.name }]);
  });

  it("is the name in Box in the end when the worker died before it saved Box's answer", async () => {
    const { box, newRequest, drain, handler, handlerWith, request } = await parts({ leaseMs: 200 });
    const { person, requestId } = await newRequest();
    await drain(requestId);
    const renamed = await newRequest({ ...person, name: 'Ada Other' });
    const dying = instead(box, {
      async updateUser(...args) {
        await box.updateUser(...args);
        throw new LeaseLost('As when the worker died here.');
      },
    });
    await handlerWith(dying)({ requestId: renamed.requestId });
    expect([...box.users.values()]).toMatchObject([{ name: 'Ada Other' }]);
    const back = await newRequest(person);
    for (let end = await handler({ requestId: back.requestId }); end.kind !== 'over';)
      end = await handler({ requestId: back.requestId });
    expect(await request(back.requestId)).toMatchObject({ status: 'succeeded' });
    expect([...box.users.values()]).toMatchObject([{ name: person.name }]);
  });

  it('costs no additional call once the update is settled', async () => {
    const { box, handlerWith, newRequest, drain } = await parts();
    const updates: unknown[] = [];
    const counting = instead(box, {
      updateUser(...args) {
        updates.push(args[2]);
        return box.updateUser(...args);
      },
    });
    const { person, requestId } = await newRequest();
    await drain(requestId);
    box.meet('updateUser', 'cut-after');
    for (const difference of [{ name: 'Ada Other' }, {}, { email: 'other@example.com' }])
      await drain((await newRequest({ ...person, ...difference })).requestId, handlerWith(counting));
    // The first update is cut off, the second sends everything again, and the third restores the name. Box does not
    // store the e-mail address, so it causes no update.
    expect(updates).toEqual([
      { name: 'Ada Other' },
      { name: 'Ada Other', externalId: person.subject, status: 'active' },
      { name: person.name },
    ]);
  });
});
