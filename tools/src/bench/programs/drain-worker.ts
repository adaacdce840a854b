import { setTimeout as pause } from 'node:timers/promises';
import { boxAppOf, createBox } from '@foyer/box';
import {
  AuditSealer,
  openDatabase,
  openTenant,
  PrismaCallLog,
  PrismaConvergenceStore,
  RelayStore,
  TenantBoxApp,
} from '@foyer/persistence';
import { readProvisionerConfig } from '@foyer/platform';
import {
  type CallLog,
  type Budget,
  defaultRetryPolicy,
  MOST_HELD,
  PutOffJobs,
  relayDue,
  runAttempt,
  unlimitedBudget,
} from '@foyer/provisioning';
import { createConsumer, createQueue, type QueueOptions } from '@foyer/queue';

/**
 * The draining part of the provisioner, without its HTTP side, log and metrics. It is assembled again here because the
 * product has no switch for `unaudited`: a call log that records nothing, and no sealing. Reads the provisioner's own
 * variables; ends on SIGTERM, or with an error when its time is up.
 */
const TIME_LIMIT_MS = 1_800_000;
const BUSY_MS = 200;
const ADD_LIMIT_MS = 5_000;

const audited = process.argv[2] === 'audited';
if (!audited && process.argv[2] !== 'unaudited') {
  process.stderr.write('drain-worker: say "audited" or "unaudited".\n');
  process.exit(2);
}

const noLog: CallLog = {
  intend: async () => '0',
  conclude: async () => {},
  record: async () => {},
};

const config = readProvisionerConfig();
const stopping = new AbortController();
const onError = (error: Error): void => void process.stderr.write(`drain-worker: ${error.message}\n`);

const database = openDatabase({ url: config.DATABASE_URL, poolSize: config.DATABASE_POOL, onError });
const tenantId = await openTenant(database, config.FOYER_TENANT);
const boxApp = boxAppOf(config.boxAuth);
await new TenantBoxApp(database, tenantId, boxApp).bind();

const leaseMs = config.LEASE_SECONDS * 1000;
const budget: Budget = unlimitedBudget();
const store = new PrismaConvergenceStore(database, tenantId, {
  leaseMs,
  relayGraceMs: config.RELAY_GRACE_MS,
  boxApp,
});
const box = createBox({
  auth: config.boxAuth,
  baseUrl: config.BOX_BASE_URL,
  timeoutMs: config.BOX_TIMEOUT_MS,
  allowance: budget.permits('soon'),
  log: audited ? new PrismaCallLog(database, tenantId, leaseMs) : noLog,
});
const queueOptions: QueueOptions = {
  redisUrl: config.REDIS_URL,
  databaseUrl: config.DATABASE_URL,
  prefix: `${config.QUEUE_PREFIX}-${config.FOYER_TENANT}`,
  onError,
};
const queue = createQueue(queueOptions);
const policy = defaultRetryPolicy;
const tell = (): void => {};
const putOff = new PutOffJobs((job) => queue.add([job], ADD_LIMIT_MS), MOST_HELD);
const consumer = await createConsumer(
  {
    ...queueOptions,
    putOff: (job, delayMs) => putOff.put(job, delayMs),
    concurrency: { interactive: config.INTERACTIVE_CONCURRENCY, background: config.PROVISIONER_CONCURRENCY },
  },
  {
    converge: ({ requestId }, { priority }) =>
      runAttempt(requestId, { store, box, budget, policy, stopping: stopping.signal, tell }, priority),
    'converge-group': () => Promise.reject(new Error('Nobody made a group.')),
  },
);

/** Repeats until stopped: at once when there is more, else after the interval. */
async function repeat(round: () => Promise<boolean>, intervalMs: number, busyMs: number): Promise<void> {
  const { signal } = stopping;
  while (!signal.aborted) {
    const more = await round();
    await pause(more ? busyMs : intervalMs, undefined, { signal }).catch(() => {});
  }
}

const relayStore = new RelayStore(database, tenantId, config.RELAY_GRACE_MS);
const relaying = repeat(
  async () => (await relayDue(relayStore, queue, stopping.signal)).more,
  config.RELAY_INTERVAL_MS,
  BUSY_MS,
);
const sealer = new AuditSealer(database, tenantId);
const sealing = audited
  ? repeat(async () => (await sealer.round())?.more ?? false, config.SEAL_INTERVAL_MS, 0)
  : Promise.resolve();

const late = setTimeout(() => {
  onError(new Error(`it ran for ${TIME_LIMIT_MS / 60_000} minutes and ends.`));
  process.exit(1);
}, TIME_LIMIT_MS);

process.once('SIGTERM', () => {
  stopping.abort();
  void stop();
});
process.stdout.write(`${JSON.stringify({ tenant: config.FOYER_TENANT, audited })}\n`);

async function stop(): Promise<void> {
  putOff.close();
  await consumer.close(10_000);
  await Promise.all([relaying, sealing]);
  await queue.close();
  await box.close();
  await database.close();
  clearTimeout(late);
}
