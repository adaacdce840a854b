import { createTestDatabase, type TestDatabase } from '@foyer/persistence/testing';
import { readProvisionerConfig } from '@foyer/platform';
import { openContext, type ProvisionerContext } from '../context.ts';
import { Worker } from './worker.ts';

let test: TestDatabase;
let context: ProvisionerContext;
let worker: Worker;
beforeEach(async () => {
  test = await createTestDatabase();
  context = await openContext(
    readProvisionerConfig({
      FOYER_ENV: 'development',
      DATABASE_URL: test.url,
      BOX_CLIENT_ID: 'id',
      BOX_CLIENT_SECRET: 'secret',
      BOX_ENTERPRISE_ID: '123',
      LOG_LEVEL: 'silent',
    }),
  );
  worker = new Worker(context);
});
afterEach(async () => {
  await worker.task.stop();
  await context.tenant.queue.close();
  await context.tenant.box.close();
  await context.database.close();
  await test.drop();
});

/** The connections of the queue, which is in the database; those of the stores have the name foyer. */
async function queueConnections(): Promise<number> {
  const { rows } = await test.database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'foyer'`,
  );
  return rows[0]!.count;
}

/** Waits until the queue has no connection. Throws after ten seconds, as a consumer that was left open never ends. */
async function isClosed(): Promise<void> {
  const patience = AbortSignal.timeout(10_000);
  while ((await queueConnections()) > 0) patience.throwIfAborted();
}

it('takes jobs until it is stopped', async () => {
  await worker.start();
  expect(await queueConnections()).toBeGreaterThan(0);
  await worker.task.stop();
  await context.tenant.queue.close();
  await isClosed();
});

it('closes what it is opening when it is stopped meanwhile, and opens nothing afterwards', async () => {
  const starting = worker.start();
  await worker.task.stop();
  await starting;
  await context.tenant.queue.close();
  await isClosed();
  // The Box app watch may find at that moment that the work is not held.
  await worker.start();
  expect(await queueConnections()).toBe(0);
});
