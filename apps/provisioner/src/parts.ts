import { createBox, type Box } from '@foyer/box';
import {
  openDatabase,
  openTenant,
  PrismaCallLog,
  PrismaConvergenceStore,
  RelayStore,
  type Database,
} from '@foyer/persistence';
import { createLogger, Metrics, toPlainError, type Logger, type ProvisionerConfig } from '@foyer/platform';
import type { ConvergenceStore, JobQueue } from '@foyer/provisioning';
import { createQueue, type QueueOptions } from '@foyer/queue';

export const PARTS = Symbol('Parts');

/** What the provisioner is made of, opened once and closed in order. */
export interface Parts {
  readonly config: ProvisionerConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly database: Database;
  readonly store: ConvergenceStore;
  readonly relayStore: RelayStore;
  readonly queueOptions: QueueOptions;
  readonly queue: JobQueue;
  readonly box: Box;
}

export async function openParts(config: ProvisionerConfig): Promise<Parts> {
  const logger = createLogger('provisioner', config.LOG_LEVEL);
  const metrics = new Metrics('provisioner');
  const report = (part: string) => (error: Error) =>
    logger.warn({ event: 'part-error', part, err: toPlainError(error) });
  const database = openDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    onError: report('database'),
  });
  const tenantId = await openTenant(database, config.FOYER_TENANT);
  const leaseMs = config.LEASE_SECONDS * 1000;
  const queueOptions: QueueOptions = {
    redisUrl: config.REDIS_URL,
    databaseUrl: config.DATABASE_URL,
    // A tenant's jobs are its own: another tenant's provisioner could only throw them away.
    prefix: `${config.QUEUE_PREFIX}-${config.FOYER_TENANT}`,
    onError: (error, where) => report(`queue ${where}`)(error),
  };
  return {
    config,
    logger,
    metrics,
    database,
    store: new PrismaConvergenceStore(database, tenantId, { leaseMs, relayGraceMs: config.RELAY_GRACE_MS }),
    relayStore: new RelayStore(database, tenantId, config.RELAY_GRACE_MS),
    queueOptions,
    queue: createQueue(queueOptions),
    box: createBox({
      auth: config.boxAuth,
      baseUrl: config.BOX_BASE_URL,
      timeoutMs: config.BOX_TIMEOUT_MS,
      log: new PrismaCallLog(database, tenantId, leaseMs),
      onCall: ({ operation, status, result, durationMs }) =>
        metrics.boxCallSeconds.observe(
          { operation, status: String(status ?? 'none'), result },
          durationMs / 1000,
        ),
    }),
  };
}
