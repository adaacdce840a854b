import { boxAppOf, createBox, type Box } from '@foyer/box';
import type { DoctorSources } from '@foyer/operations';
import { openDatabase, PrismaCallLog, someBoxUser, TenantBoxApp } from '@foyer/persistence';
import { ConfigError, type OperatorConfig } from '@foyer/platform';
import { createQueue } from '@foyer/queue';

const CONNECTIONS = 2;

/** Opens what the checks of `doctor` read, although parts of the configuration may be missing, and closes it after `work`. */
export async function withDoctorSources<T>(
  config: OperatorConfig,
  work: (sources: DoctorSources) => Promise<T>,
): Promise<T> {
  const database = openDatabase({ url: config.DATABASE_URL, poolSize: CONNECTIONS });
  const queue = createQueue({
    redisUrl: config.REDIS_URL,
    databaseUrl: config.DATABASE_URL,
    prefix: `${config.QUEUE_PREFIX}-${config.FOYER_TENANT}`,
    // The queue's own check reports its errors.
    onError: () => {},
  });
  let opened: Box | undefined;
  const box: DoctorSources['box'] = (tenantId) => {
    const auth = orMissing(config.boxAuth);
    if ('missing' in auth) return auth;
    opened = createBox({
      auth,
      baseUrl: config.BOX_BASE_URL,
      timeoutMs: config.BOX_TIMEOUT_MS,
      log: new PrismaCallLog(database, tenantId, 0),
    });
    return {
      box: opened,
      boxApp: new TenantBoxApp(database, tenantId, boxAppOf(auth)),
      someBoxUser: () => someBoxUser(database, tenantId),
    };
  };
  try {
    return await work({ database, tenant: config.FOYER_TENANT, queue, okta: orMissing(config.okta), box });
  } finally {
    await opened?.close();
    await queue.close().catch(() => undefined);
    await database.close();
  }
}

/** When part of the configuration is missing here, its own check reports that, and the other checks still run. */
function orMissing<T>(read: () => T): T | { readonly missing: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return { missing: error.faults.join(' ') };
    throw error;
  }
}
