import { boxAppOf, createBox, type Box } from '@foyer/box';
import {
  BoxAccounts,
  BoxAppMigration,
  describeBoxApp,
  Identities,
  PrismaCallLog,
  TenantBoxApp,
  type BoxAppState,
} from '@foyer/persistence';
import type { OperatorConfig } from '@foyer/platform';
import type { BoxApp } from '@foyer/provisioning';
import { withTenant } from './tenancy.ts';

/** The time limit of a migration's statement, in milliseconds: it updates every identity at once. */
const SILENCE_MS = 15 * 60_000;

/** The objects that the commands about Box apps use. */
export interface BoxAppContext {
  readonly boxApp: TenantBoxApp;
  readonly moves: BoxAppMigration;
  readonly accounts: BoxAccounts;
  readonly identities: Identities;
  readonly box: Box;
}

/** Opens the database and Box with the current configuration, and closes both after `work`. */
export async function withBoxApp<T>(
  config: OperatorConfig,
  work: (context: BoxAppContext) => Promise<T>,
): Promise<T> {
  const auth = config.boxAuth();
  const configured = boxAppOf(auth);
  return withTenant(
    config,
    async ({ database, tenantId }) => {
      const log = new PrismaCallLog(database, tenantId, 0);
      const box = createBox({ auth, baseUrl: config.BOX_BASE_URL, timeoutMs: config.BOX_TIMEOUT_MS, log });
      try {
        return await work({
          boxApp: new TenantBoxApp(database, tenantId, configured),
          moves: new BoxAppMigration(database, tenantId),
          accounts: new BoxAccounts(database, tenantId, configured),
          identities: new Identities(database, tenantId),
          box,
        });
      } finally {
        await box.close();
      }
    },
    { silenceMs: SILENCE_MS },
  );
}

/** The bound app when an operator has to decide, that is, when it differs from the configured one. */
export function undecided({ bound, differs }: BoxAppState): BoxApp | null {
  return differs && bound !== null ? { clientId: bound.clientId, enterpriseId: bound.enterpriseId } : null;
}

/** Why no decision is needed. */
export const settled = ({ bound }: BoxAppState): string =>
  bound === null
    ? 'This tenant is not bound to a Box app yet. The first process that starts binds it to its configured Box app.'
    : 'The accounts belong to the configured Box app: no decision is needed.';

/** The lines that describe the current state. */
export function standing({ bound, configured, differs }: BoxAppState): string[] {
  const since = bound === null ? '' : ` (since ${bound.since.toISOString()})`;
  return [
    `bound:      ${bound === null ? 'none yet; the first process that starts binds its configured app' : describeBoxApp(bound) + since}`,
    `configured: ${describeBoxApp(configured)}${differs ? ', which is a DIFFERENT app' : ''}`,
  ];
}
