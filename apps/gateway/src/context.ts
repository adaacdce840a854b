import { boxAppOf, createBox, type Box } from '@foyer/box';
import {
  ApiCalls,
  Batches,
  BatchIntake,
  BoxAccounts,
  DeadLetters,
  Identities,
  Intake,
  openBoxBudget,
  openDatabase,
  openConnections,
  openTenant,
  PostgresForecastStore,
  PrismaCallLog,
  ProcessHeartbeat,
  requireMigrated,
  Requests,
  RequestVersions,
  RequestWatch,
  ScimGroups,
  ScimTokens,
  ScimUsers,
  TenantBoxApp,
  UsedSignIns,
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
  type Closer,
  type GatewayConfig,
  type Logger,
} from '@foyer/platform';
import type { Allowance, CallLog, JobQueue } from '@foyer/provisioning';
import { createQueue } from '@foyer/queue';
import { ReadRecords } from './access/read-records.ts';

/** What the process has for all tenants, opened once. */
export interface ProcessContext {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly database: Database;
  readonly watch: RequestWatch;
  /** What runs by the clock. */
  readonly tasks: BackgroundTasks;
}

/** What one tenant has: its stores, its queue, its Box app and the rate limit of that. */
export interface TenantContext {
  readonly tenantId: string;
  readonly intake: Intake;
  readonly deadLetters: DeadLetters;
  readonly batchIntake: BatchIntake;
  readonly batches: Batches;
  readonly forecasts: PostgresForecastStore;
  readonly requests: Requests;
  readonly versions: RequestVersions;
  readonly identities: Identities;
  readonly apiCalls: ApiCalls;
  readonly callLog: CallLog;
  readonly readRecords: ReadRecords;
  readonly queue: JobQueue;
  readonly box: Box;
  /** Pays for Box calls that no person waits for. */
  readonly bulkAllowance: Allowance;
  readonly boxApp: TenantBoxApp;
  readonly boxAccounts: BoxAccounts;
  readonly usedSignIns: UsedSignIns;
  readonly scimTokens: ScimTokens;
  readonly scimUsers: ScimUsers;
  readonly scimGroups: ScimGroups;
  readonly heartbeat: ProcessHeartbeat;
}

/** A gateway serves one tenant: the one that its configuration names. */
export interface GatewayContext extends ProcessContext {
  readonly tenant: TenantContext;
}

/** Injection tokens of what is an interface; the classes (Intake, Requests, ...) are their own tokens. */
export const CONFIG = Symbol('GatewayConfig');
export const LOGGER = Symbol('Logger');
export const DATABASE = Symbol('Database');
export const TENANT_ID = Symbol('TenantId');
export const CALL_LOG = Symbol('CallLog');
export const QUEUE = Symbol('JobQueue');
export const BOX = Symbol('BoxPort');
export const BULK_ALLOWANCE = Symbol('BulkAllowance');

/** A person waits for the page, so a late list of files is left out; in milliseconds. */
const FILES_WAIT_MS = 1_000;
/** A dry run of a file waits this long for the rate limiter, in milliseconds, and then tries again. */
const BULK_WAIT_MS = 10_000;

export async function openContext(config: GatewayConfig): Promise<GatewayContext> {
  const process = openProcess(config);
  return { ...process, tenant: await openTenantContext(process) };
}

function openProcess(config: GatewayConfig): ProcessContext {
  const logger = createLogger('gateway', config.LOG_LEVEL);
  const report = errorReporter(logger);
  const database = openDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    onError: report('database'),
  });
  return {
    ...{ config, logger, database, metrics: new Metrics('gateway'), tasks: new BackgroundTasks() },
    watch: new RequestWatch(database, report('request-watch')),
  };
}

async function openTenantContext({
  config,
  logger,
  metrics,
  database,
  watch,
  tasks,
}: ProcessContext): Promise<TenantContext> {
  const report = errorReporter(logger);
  const [tenantId, boxApp, bound] = await whenReachable(logger, 'database', async () => {
    await requireMigrated(database.pool);
    const tenant = await openTenant(database, config.FOYER_TENANT);
    await openConnections(database, tenant, config.OKTA_ISSUER_URI);
    const app = new TenantBoxApp(database, tenant, boxAppOf(config.boxAuth));
    return [tenant, app, await app.bind()] as const;
  });
  if (bound) logger.info({ event: 'box-app-bound', ...boxApp.configured, ...bound });
  const budget = openBudget(database, config, logger, metrics);
  const callLog = new PrismaCallLog(database, tenantId, 0);
  const readRecords = new ReadRecords(callLog, logger);
  tasks.add(readRecords);
  await watch.open();
  const requests = new Requests(database, tenantId, boxApp);
  return {
    tenantId,
    ...storesOf(database, tenantId, watch),
    scimUsers: new ScimUsers(database, tenantId, config.OKTA_ISSUER_URI),
    requests,
    versions: new RequestVersions(requests, watch),
    callLog,
    readRecords,
    boxApp,
    boxAccounts: new BoxAccounts(database, tenantId, boxApp.configured),
    heartbeat: new ProcessHeartbeat(database, tenantId, 'gateway'),
    bulkAllowance: budget.permits('bulk', BULK_WAIT_MS),
    queue: createQueue({
      redisUrl: config.REDIS_URL,
      databaseUrl: config.DATABASE_URL,
      // Each tenant has its own queue: another tenant's provisioner could only discard these jobs.
      prefix: `${config.QUEUE_PREFIX}-${config.FOYER_TENANT}`,
      onError: (error, where) => report(`queue ${where}`)(error),
    }),
    box: createBox({
      auth: config.boxAuth,
      baseUrl: config.BOX_BASE_URL,
      timeoutMs: config.BOX_TIMEOUT_MS,
      allowance: budget.permits('sign-in', FILES_WAIT_MS),
      log: callLog,
      onNotice: (notice) => reportBoxNotice(notice, logger),
      onCall: (call) => metrics.observeBoxCall(call),
    }),
  };
}

const storesOf = (database: Database, tenantId: string, watch: RequestWatch) => ({
  intake: new Intake(database, tenantId),
  deadLetters: new DeadLetters(database, tenantId),
  identities: new Identities(database, tenantId),
  apiCalls: new ApiCalls(database, tenantId),
  batchIntake: new BatchIntake(database, tenantId),
  batches: new Batches(database, tenantId),
  forecasts: new PostgresForecastStore(database, tenantId),
  usedSignIns: new UsedSignIns(database, tenantId),
  scimTokens: new ScimTokens(database, tenantId, watch),
  scimGroups: new ScimGroups(database, tenantId),
});

/** What closes the connections, once the tasks have stopped. */
export const closers = ({ watch, tenant, database }: GatewayContext): Closer[] => [
  ['request-watch', () => watch.close()],
  ['queue', () => tenant.queue.close()],
  ['box', () => tenant.box.close()],
  ['database', () => database.close()],
];

/** The shared limit of calls to Box; what it does is logged and measured. */
function openBudget(database: Database, config: GatewayConfig, logger: Logger, metrics: Metrics): BoxBudget {
  const budget = openBoxBudget(database, boxAppOf(config.boxAuth), config.BOX_CALLS_PER_MINUTE, (news) =>
    reportBudget(news, logger, metrics),
  );
  metrics.collect(async () => metrics.showBoxBudget(await budget.look()));
  return budget;
}
