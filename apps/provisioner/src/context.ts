import { boxAppOf, createBox, type Box } from '@foyer/box';
import {
  AuditSealer,
  openBoxBudget,
  openDatabase,
  openTenant,
  PrismaCallLog,
  PrismaConvergenceStore,
  PrismaGroupStore,
  ProcessHeartbeat,
  RelayStore,
  requireMigrated,
  TenantBoxApp,
  type BoxBudget,
  type Database,
} from '@foyer/persistence';
import {
  BackgroundTasks,
  createLogger,
  errorReporter,
  Metrics,
  reportBoxNotice,
  reportBudget,
  whenReachable,
  type Logger,
  type ProvisionerConfig,
} from '@foyer/platform';
import {
  MOST_HELD,
  PutOffJobs,
  type ConvergenceStore,
  type GroupStore,
  type JobQueue,
} from '@foyer/provisioning';
import { createQueue, type QueueOptions } from '@foyer/queue';
import { QUEUE_ADD_LIMIT_MS } from '@foyer/shared';

export const CONTEXT = Symbol('ProvisionerContext');

/** What the process has for all tenants, opened once. */
export interface ProcessContext {
  readonly config: ProvisionerConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** What runs by the clock. */
  readonly tasks: BackgroundTasks;
  readonly database: Database;
}

/** What one tenant has: its stores, its queue, its Box app and the rate limit of that. */
export interface TenantContext {
  readonly heartbeat: ProcessHeartbeat;
  readonly boxApp: TenantBoxApp;
  readonly store: ConvergenceStore;
  readonly groupStore: GroupStore;
  readonly relayStore: RelayStore;
  readonly sealer: AuditSealer;
  readonly queueOptions: QueueOptions;
  readonly queue: JobQueue;
  /** Jobs that are enqueued again after a delay. */
  readonly putOff: PutOffJobs;
  readonly box: Box;
  readonly budget: BoxBudget;
}

/** A provisioner serves one tenant: the one that its configuration names. */
export interface ProvisionerContext extends ProcessContext {
  readonly tenant: TenantContext;
}

export async function openContext(config: ProvisionerConfig): Promise<ProvisionerContext> {
  const process = openProcess(config);
  return { ...process, tenant: await openTenantContext(process) };
}

function openProcess(config: ProvisionerConfig): ProcessContext {
  const logger = createLogger('provisioner', config.LOG_LEVEL);
  const database = openDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    onError: errorReporter(logger)('database'),
  });
  return { config, logger, database, metrics: new Metrics('provisioner'), tasks: new BackgroundTasks() };
}

async function openTenantContext({
  config,
  logger,
  metrics,
  database,
}: ProcessContext): Promise<TenantContext> {
  const report = errorReporter(logger);
  const [tenantId, boxApp, bound] = await whenReachable(logger, 'database', async () => {
    await requireMigrated(database.pool);
    const tenant = await openTenant(database, config.FOYER_TENANT);
    const app = new TenantBoxApp(database, tenant, boxAppOf(config.boxAuth));
    return [tenant, app, await app.bind()] as const;
  });
  if (bound) logger.info({ event: 'box-app-bound', ...boxApp.configured, ...bound });
  const budget = openBudget(database, config, logger, metrics);
  const leaseMs = config.LEASE_SECONDS * 1000;
  const queueOptions: QueueOptions = {
    redisUrl: config.REDIS_URL,
    databaseUrl: config.DATABASE_URL,
    // Each tenant has its own queue: another tenant's provisioner could only discard these jobs.
    prefix: `${config.QUEUE_PREFIX}-${config.FOYER_TENANT}`,
    onError: (error, where) => report(`queue ${where}`)(error),
  };
  const attempts = { leaseMs, relayGraceMs: config.RELAY_GRACE_MS, boxApp: boxApp.configured };
  const queue = createQueue(queueOptions);
  return {
    heartbeat: new ProcessHeartbeat(database, tenantId, 'provisioner'),
    boxApp,
    store: new PrismaConvergenceStore(database, tenantId, {
      ...attempts,
      recreateDeleted: config.RECREATE_DELETED,
    }),
    groupStore: new PrismaGroupStore(database, tenantId, attempts),
    relayStore: new RelayStore(database, tenantId, config.RELAY_GRACE_MS),
    sealer: new AuditSealer(database, tenantId),
    queueOptions,
    queue,
    putOff: new PutOffJobs((job) => queue.add([job], QUEUE_ADD_LIMIT_MS), MOST_HELD),
    budget,
    box: createBox({
      auth: config.boxAuth,
      baseUrl: config.BOX_BASE_URL,
      timeoutMs: config.BOX_TIMEOUT_MS,
      allowance: budget.permits('soon'),
      log: new PrismaCallLog(database, tenantId, leaseMs),
      onNotice: (notice) => reportBoxNotice(notice, logger),
      onCall: (call) => metrics.observeBoxCall(call),
    }),
  };
}

/** The shared limit of calls to Box; what it does is logged and measured. */
function openBudget(
  database: Database,
  config: ProvisionerConfig,
  logger: Logger,
  metrics: Metrics,
): BoxBudget {
  const budget = openBoxBudget(database, boxAppOf(config.boxAuth), config.BOX_CALLS_PER_MINUTE, (news) =>
    reportBudget(news, logger, metrics),
  );
  metrics.collect(async () => metrics.showBoxBudget(await budget.look()));
  return budget;
}
