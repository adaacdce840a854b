import { boxAppOf, createBox, type Box } from '@foyer/box';
import { examine, isHealthy, type CheckResult, type DoctorSources } from '@foyer/operations';
import { openDatabase, PrismaCallLog, someBoxUser, TenantBoxApp } from '@foyer/persistence';
import { ConfigError, type OperatorConfig } from '@foyer/platform';
import { createQueue } from '@foyer/queue';
import type { Command } from '../command.ts';
import { shown, type Terminal } from '../terminal.ts';

const CONNECTIONS = 2;

export const doctorCommand: Command = {
  path: ['doctor'],
  summary: 'checks everything that Foyer depends on, each part with its remedy',
  options: { json: { type: 'boolean' } },
  help: { '--json': 'print the results as JSON' },
  async run({ terminal, config: read }, values) {
    const config = read();
    const results = await examineWith(config, (result) => {
      if (!values.json) print(result, terminal);
    });
    if (values.json) terminal.json(results);
    else if (isHealthy(results)) terminal.print('\nNothing needs attention.');
    return isHealthy(results) ? 0 : 1;
  },
};

const MARKS: Readonly<Record<CheckResult['state'], string>> = {
  ok: 'ok         ',
  warning: 'warning    ',
  failed: 'FAILED     ',
  'not checked': 'not checked',
};

function print({ name, state, detail, remedy }: CheckResult, terminal: Terminal): void {
  terminal.print(`${MARKS[state]}  ${name}: ${shown(detail)}`);
  if (remedy !== null) terminal.print(`             ${remedy}`);
}

/** Opens what the checks read, and closes it afterwards. */
async function examineWith(
  config: OperatorConfig,
  onResult: (result: CheckResult) => void,
): Promise<CheckResult[]> {
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
    const okta = orMissing(config.okta);
    return await examine({ database, tenant: config.FOYER_TENANT, queue, okta, box }, onResult);
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
