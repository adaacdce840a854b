import { randomUUID } from 'node:crypto';
import { DeadLetters, Intake, PrismaCallLog, PrismaConvergenceStore, Requests } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { createLogger, Metrics } from '@foyer/platform';
import { PutOffJobs, type BoxPort } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';
import { createConsumer, createQueue } from '@foyer/queue';
import { convergeHandler } from './converge.handler.ts';

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test.drop());

const ATTEMPTS = 4;

/** A tenant in which one person's request makes every worker fail. */
async function parts() {
  const tenantId = await test.tenant();
  const store = new PrismaConvergenceStore(test.database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const box = new FakeBox(new PrismaCallLog(test.database, tenantId, 30_000));
  const intake = new Intake(test.database, tenantId);
  const requests = new Requests(test.database, tenantId);
  const base = {
    store,
    logger: createLogger('test', 'silent'),
    metrics: new Metrics('test'),
    policy: { attempts: ATTEMPTS, baseMs: 5, maxMs: 20 },
    stopping: new AbortController().signal,
  };
  const handler = (port: BoxPort = box) => convergeHandler({ ...base, box: port });
  return {
    ...{ store, box, intake, handler },
    admit: async (subject = `00u${randomUUID().slice(0, 8)}`) => {
      const admission = await intake.admit(samplePerson({ subject }), 'api');
      if (admission.kind !== 'requested') throw new Error(admission.kind);
      return { requestId: admission.requestId, identityId: admission.identity.id, subject };
    },
    request: async (id: string) => (await requests.find(id, {}))!.request,
    /** Runs the job as the queue would; returns the delays that it requested. */
    drain: async (requestId: string, handle = handler()) => {
      const delays: number[] = [];
      for (let attempts = 1; attempts <= 30; attempts++) {
        const end = await handle({ requestId });
        if (end.kind === 'over') return delays;
        delays.push(end.delayMs);
      }
      throw new Error('The job is never over.');
    },
    deadLetters: () => new DeadLetters(test.database, tenantId).list(null, { after: null, limit: 10 }),
  };
}

/** A port whose create throws for one person, like a bug that only their data triggers. */
const throwsFor = (poison: string, box: FakeBox): BoxPort => ({
  createUser: (context, user) =>
    user.externalId === poison
      ? Promise.reject(new TypeError('Cannot read properties of undefined'))
      : box.createUser(context, user),
  findUser: (...args) => box.findUser(...args),
  readUser: (...args) => box.readUser(...args),
  updateUser: (...args) => box.updateUser(...args),
  deleteUser: (...args) => box.deleteUser(...args),
  listUsers: (...args) => box.listUsers(...args),
  listFolder: (...args) => box.listFolder(...args),
  readFolderName: (...args) => box.readFolderName(...args),
  locateContent: (...args) => box.locateContent(...args),
});

const expire = (identityId: string) =>
  test.database.pool.query(
    `UPDATE identity SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = $1`,
    [identityId],
  );

describe('a request whose attempt always throws', () => {
  it('is retried with pauses, then fails as a dead letter', async () => {
    const { box, handler, admit, drain, request, deadLetters } = await parts();
    const poison = await admit();
    const delays = await drain(poison.requestId, handler(throwsFor(poison.subject, box)));
    expect(delays).toHaveLength(ATTEMPTS - 1);
    expect(Math.min(...delays)).toBeGreaterThan(0);
    expect(await request(poison.requestId)).toMatchObject({
      status: 'failed',
      attempts: ATTEMPTS,
      error: { code: 'internal_error' },
    });
    expect((await deadLetters()).letters).toMatchObject([
      { requestId: poison.requestId, code: 'internal_error' },
    ]);
  });

  it('does not delay other requests of its tenant, though each worker runs one at a time', async () => {
    const { box, handler, admit, request } = await parts();
    const poison = await admit();
    const others = await Promise.all(Array.from({ length: 10 }, () => admit()));
    const options = {
      databaseUrl: test.url,
      prefix: `t${randomUUID().slice(0, 8)}`,
      onError: () => undefined,
    };
    const queue = createQueue(options);
    const jobs = [poison, ...others].map(({ requestId }) => ({
      name: 'converge' as const,
      payload: { requestId },
      priority: 10,
    }));
    await queue.add(jobs, 5_000);
    const putOff = new PutOffJobs((job) => queue.add([job], 5_000), 100);
    const consumer = await createConsumer(
      {
        ...options,
        putOff: (job, delayMs) => putOff.put(job, delayMs),
        concurrency: { interactive: 1, background: 1 },
      },
      {
        converge: handler(throwsFor(poison.subject, box)),
        'converge-group': () => Promise.reject(new Error('Nobody made a group.')),
      },
    );
    const statuses = () =>
      Promise.all([poison, ...others].map(async ({ requestId }) => (await request(requestId)).status));
    let seen = await statuses();
    while (seen.some((status) => status !== 'succeeded' && status !== 'failed')) seen = await statuses();
    putOff.close();
    await consumer.close(5_000);
    await queue.close();
    expect(seen).toEqual(['failed', ...others.map(() => 'succeeded')]);
  });
});

describe('a request with stored data that cannot be read', () => {
  /** From now on reading the outcomes of this person's calls fails, as with a damaged page of the table. */
  async function breakRow(identityId: string): Promise<void> {
    await test.database.pool.query(`
      ALTER TABLE api_call_outcome RENAME TO api_call_outcome_stored;
      CREATE VIEW api_call_outcome AS
        SELECT call_id, tenant_id, call_at, at, CASE WHEN call_id IN
          (SELECT id FROM api_call WHERE identity_id = '${identityId}') THEN (1 / (call_id - call_id))::text ELSE result END AS result,
          status, error, answer, duration_ms FROM api_call_outcome_stored;
      CREATE FUNCTION keep_outcome() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO api_call_outcome_stored (call_id, tenant_id, call_at, result, status, error, answer, duration_ms)
        VALUES (NEW.call_id, NEW.tenant_id, NEW.call_at, NEW.result, NEW.status, NEW.error, NEW.answer, NEW.duration_ms);
        RETURN NEW;
      END $$;
      CREATE TRIGGER keep_outcome INSTEAD OF INSERT ON api_call_outcome FOR EACH ROW EXECUTE FUNCTION keep_outcome()`);
  }

  it('is retried with pauses, then fails without a call to Box, and does not delay other requests', async () => {
    const { box, handler, admit, drain, request, deadLetters } = await parts();
    const poison = await admit();
    box.meet('createUser', 'failing');
    await handler()({ requestId: poison.requestId });
    await breakRow(poison.identityId);
    const calls = async () =>
      (await test.database.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM api_call')).rows[0]!.n;
    const before = await calls();
    expect(await drain(poison.requestId)).not.toContain(0);
    expect(await request(poison.requestId)).toMatchObject({
      status: 'failed',
      attempts: ATTEMPTS,
      error: { code: 'internal_error' },
    });
    expect((await request(poison.requestId)).error?.detail).toContain('cannot be read');
    expect(await calls()).toBe(before);
    expect((await deadLetters()).letters).toMatchObject([{ requestId: poison.requestId }]);
    const other = await admit();
    await drain(other.requestId);
    expect(await request(other.requestId)).toMatchObject({ status: 'succeeded', outcome: 'created' });
  });
});

describe('a request whose workers die', () => {
  it('is taken over a limited number of times, then fails without a call, and its retry checks Box first', async () => {
    const { store, box, intake, admit, handler, drain, request, deadLetters } = await parts();
    const { requestId, identityId, subject } = await admit();
    // The first worker is killed after Box created the user, all others before they do anything.
    for (let deaths = 0; deaths < ATTEMPTS; deaths++) {
      const result = await store.take(requestId);
      if (result.kind !== 'taken') throw new Error(result.kind);
      const { lease } = result.taken;
      if (deaths === 0)
        await box.createUser({ requestId, identityId, lease }, { externalId: subject, name: 'Ada Example' });
      await expire(identityId);
    }
    expect(await handler()({ requestId })).toEqual({ kind: 'over' });
    expect(await request(requestId)).toMatchObject({
      status: 'failed',
      boxUserId: null,
      error: { code: 'worker_died' },
    });
    expect((await request(requestId)).error?.detail).toContain(`${ATTEMPTS} times`);
    expect((await deadLetters()).letters).toMatchObject([{ requestId, code: 'worker_died' }]);

    const retried = await intake.retry(requestId);
    if (retried.kind !== 'requested') throw new Error(retried.kind);
    await drain(retried.requestId);
    expect(await request(retried.requestId)).toMatchObject({ status: 'succeeded', outcome: 'created' });
    expect(box.users.size).toBe(1);
  });

  it('continues when a worker survives: one death fewer than the limit does not fail it', async () => {
    const { store, admit, drain, request } = await parts();
    const { requestId, identityId } = await admit();
    for (let deaths = 0; deaths < ATTEMPTS - 1; deaths++) {
      expect(await store.take(requestId)).toMatchObject({ kind: 'taken' });
      await expire(identityId);
    }
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({ status: 'succeeded', attempts: ATTEMPTS });
  });

  it('does not fail because of attempts that were handed back: a worker that stops has not died', async () => {
    const { store, admit, drain, request } = await parts();
    const { requestId } = await admit();
    for (let stops = 0; stops < 2 * ATTEMPTS; stops++) {
      const result = await store.take(requestId);
      if (result.kind !== 'taken') throw new Error(result.kind);
      await store.handBack(result.taken.lease, 0);
    }
    await drain(requestId);
    expect(await request(requestId)).toMatchObject({ status: 'succeeded' });
  });
});
