import { boxAppOf, createBox, type Box } from '@foyer/box';
import type { StatusSources, TenantSources } from '@foyer/operations';
import { openBoxBudget, PrismaCallLog, TenantBoxApp } from '@foyer/persistence';
import { ConfigError, type OperatorConfig } from '@foyer/platform';
import { withTenant } from './tenancy.ts';

/** How long a call waits for the rate limiter before it tries again, in milliseconds. */
const PERMIT_MS = 10_000;

export interface BoxedTenant extends TenantSources {
  readonly box: Box;
  readonly boxApp: TenantBoxApp;
}

export interface WithBoxOptions {
  /** The command makes many calls: they wait behind those of the provisioners. */
  readonly isBulk?: boolean;
  /** The time limit of a statement, in milliseconds, when it is more than usual. */
  readonly silenceMs?: number;
}

/** Opens the database and Box with the current configuration, and closes both after `work`. */
export async function withBox<T>(
  config: OperatorConfig,
  work: (sources: BoxedTenant) => Promise<T>,
  { isBulk = false, silenceMs }: WithBoxOptions = {},
): Promise<T> {
  const auth = config.boxAuth();
  const app = boxAppOf(auth);
  return withTenant(
    config,
    async ({ database, tenantId }) => {
      const budget = openBoxBudget(database, app, config.BOX_CALLS_PER_MINUTE);
      const box = createBox({
        ...{ auth, baseUrl: config.BOX_BASE_URL, timeoutMs: config.BOX_TIMEOUT_MS },
        // No lease is held here, and the log needs a lease time only to extend one.
        log: new PrismaCallLog(database, tenantId, 0),
        ...(isBulk && { allowance: budget.permits('bulk', PERMIT_MS) }),
      });
      try {
        return await work({ database, tenantId, box, boxApp: new TenantBoxApp(database, tenantId, app) });
      } finally {
        await box.close();
      }
    },
    { silenceMs },
  );
}

/** The configured Box app and its limit; null without Box's variables. */
export function configuredBox(config: OperatorConfig): StatusSources['box'] {
  try {
    return { app: boxAppOf(config.boxAuth()), callsPerMinute: config.BOX_CALLS_PER_MINUTE };
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}
