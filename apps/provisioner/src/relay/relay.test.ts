import { randomUUID } from 'node:crypto';
import { Intake, RelayStore } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { createLogger } from '@foyer/platform';
import {
  DirectRuns,
  LaneSlots,
  WINDOW,
  type JobConsumer,
  type JobEnd,
  type JobQueue,
} from '@foyer/provisioning';
import { createConsumer, createQueue } from '@foyer/queue';
import { Relay } from './relay.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const noRounds = 60_000;
const running = new AbortController().signal;
type RelayQueue = Pick<JobQueue, 'add' | 'depth' | 'ping'>;

/** Relays over the real table and the real queue on PostgreSQL. */
async function parts() {
  const tenantId = await test.tenant();
  const options = { databaseUrl: test.url, prefix: `t${randomUUID().slice(0, 8)}`, onError: () => undefined };
  const queue = createQueue(options);
  const store = new RelayStore(test.database, tenantId, 5_000);
  const taken = new Set<string>();
  const end = async (requestId: string): Promise<JobEnd> => {
    taken.add(requestId);
    await test.database.pool.query(
      `UPDATE provisioning_request SET status = 'failed', error_code = 'box_forbidden', due_at = NULL,
         finished_at = clock_timestamp() WHERE id = $1`,
      [requestId],
    );
    return { kind: 'over' };
  };
  const started: DirectRuns[] = [];
  const directRuns = (places: number): DirectRuns => {
    const direct = new DirectRuns({
      slots: new LaneSlots({ interactive: places, background: places }),
      work: ({ payload }) => end(payload.requestId),
      putOff: () => undefined,
      // As in the program: a request whose run failed stays open, and is due again.
      onError: () => undefined,
      stopping: new AbortController().signal,
    });
    started.push(direct);
    return direct;
  };
  /** By default it runs no requests directly, so all go through the queue. */
  const relay = (intervalMs = noRounds, places = 0, way: RelayQueue = queue) =>
    new Relay(store, way, directRuns(places), createLogger('test', 'silent'), intervalMs);
  let consumer: JobConsumer | undefined;
  return {
    tenantId,
    queue,
    relay,
    taken,
    intake: new Intake(test.database, tenantId),
    /** Ends each request as a worker would, without Box. */
    consume: async () => {
      consumer = await createConsumer(
        { ...options, putOff: () => undefined, concurrency: { interactive: 2, background: 20 } },
        {
          'converge-group': () => Promise.reject(new Error('Nobody made a group.')),
          converge: ({ requestId }) => end(requestId),
        },
      );
    },
    close: async () => {
      await consumer?.close(5_000);
      await Promise.all(started.map((direct) => direct.idle()));
      await queue.close();
    },
  };
}

/** Inserts this many people of a file, with requests that are due now. */
async function fileOf(tenantId: string, count: number): Promise<void> {
  await test.database.pool.query(
    `WITH people AS (
       INSERT INTO identity (tenant_id, issuer, subject, username, name)
       SELECT $1, 'https://example.okta.com', $3 || n, 'p@example.com', 'P' FROM generate_series(1, $2) n RETURNING id
     )
     INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
     SELECT $1, id, 1, 'batch', 20, clock_timestamp() FROM people`,
    [tenantId, count, randomUUID()],
  );
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the relay', () => {
  it('keeps a large file in the table, so that a sign-in is provisioned before it', async () => {
    const { tenantId, queue, relay, intake, close } = await parts();
    await fileOf(tenantId, 5_000);
    const one = relay();
    expect(await one.round(running)).toEqual({ relayed: WINDOW, more: true });
    expect(await one.round(running)).toEqual({ relayed: 0, more: true });
    const admission = await intake.admit(samplePerson(), 'sign-in');
    await test.database.pool.query(`UPDATE provisioning_request SET due_at = 'epoch' WHERE id = $1`, [
      admission.kind === 'requested' ? admission.requestId : null,
    ]);
    expect(await one.round(running)).toEqual({ relayed: 1, more: true });
    expect(await queue.depth()).toEqual({
      interactive: { waiting: 1, delayed: 0, active: 0 },
      background: { waiting: WINDOW, delayed: 0, active: 0 },
    });
    await close();
  });

  it('exceeds the window by at most one window per relay when several read it at once, and skips no request', async () => {
    const { tenantId, queue, relay, taken, consume, close } = await parts();
    await fileOf(tenantId, 4_000);
    const relays = [relay(50), relay(50), relay(50)];
    await Promise.all(relays.map((one) => one.round(running)));
    const { background } = await queue.depth();
    expect(background.waiting).toBeLessThanOrEqual(3 * WINDOW);
    for (const one of relays) await one.task.start();
    await consume();
    await until('everybody', () => taken.size === 4_000);
    await Promise.all(relays.map((one) => one.task.stop()));
    await close();
  });

  it('enqueues more requests before the window is empty', async () => {
    const { tenantId, queue, relay, taken, consume, close } = await parts();
    await fileOf(tenantId, 2_500);
    const one = relay();
    await one.round(running);
    await one.task.start();
    await consume();
    await until('everybody', async () => taken.size === 2_500);
    expect((await queue.depth()).background.waiting).toBe(0);
    await one.task.stop();
    await close();
  });

  it('runs all requests directly while the queue fails or does not answer, and through the queue when it is back', async () => {
    const { tenantId, queue, relay, taken, intake, close } = await parts();
    let isAway = true;
    let isNoticed = false;
    const added: string[] = [];
    const fail = async <T>(): Promise<T> => Promise.reject(new Error('Adding to the queue took too long'));
    const way: RelayQueue = {
      add: (jobs, timeoutMs) => {
        if (!isAway) added.push(...jobs.map(({ payload }) => payload.requestId));
        return isAway ? fail() : queue.add(jobs, timeoutMs);
      },
      depth: () => (isAway ? fail() : queue.depth()),
      ping: async (timeoutMs) => {
        await (isAway ? fail() : queue.ping(timeoutMs));
        isNoticed = true;
      },
    };
    const one = relay(50, 2, way);
    await fileOf(tenantId, 40);
    const admission = await intake.admit(samplePerson(), 'sign-in');
    await one.task.start();
    await until('everybody, newcomers included', () => taken.size === 41);
    expect(admission.kind === 'requested' && taken.has(admission.requestId)).toBe(true);
    isAway = false;
    await until('the relay noticed', () => isNoticed);
    await fileOf(tenantId, 5);
    await until('the queue has them', () => added.length === 5);
    await one.task.stop();
    await close();
  });

  it('runs jobs directly that the queue does not deliver', async () => {
    const { tenantId, relay, taken, close } = await parts();
    await fileOf(tenantId, 3);
    const one = relay(noRounds, 5);
    await one.round(running);
    expect(taken.size).toBe(0);
    await test.database.pool.query(`UPDATE provisioning_request SET due_at = 'epoch' WHERE tenant_id = $1`, [
      tenantId,
    ]);
    await one.round(running);
    await until('all of them', () => taken.size === 3);
    await close();
  });
});
