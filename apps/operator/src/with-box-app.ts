import { boxAppOf, createBox } from '@foyer/box';
import { boxAppSources, type BoxAppSources } from '@foyer/operations';
import { describeBoxApp, PrismaCallLog, type BoxAppState } from '@foyer/persistence';
import type { OperatorConfig } from '@foyer/platform';
import { withTenant } from './tenancy.ts';

/** The time limit of a migration's statement, in milliseconds: it updates every identity at once. */
const SILENCE_MS = 15 * 60_000;

/** Opens the database and Box with the current configuration, and closes both after `work`. */
export async function withBoxApp<T>(
  config: OperatorConfig,
  work: (sources: BoxAppSources) => Promise<T>,
): Promise<T> {
  const auth = config.boxAuth();
  const configured = boxAppOf(auth);
  return withTenant(
    config,
    async ({ database, tenantId }) => {
      const log = new PrismaCallLog(database, tenantId, 0);
      const box = createBox({ auth, baseUrl: config.BOX_BASE_URL, timeoutMs: config.BOX_TIMEOUT_MS, log });
      try {
        return await work(boxAppSources({ database, tenantId }, configured, box));
      } finally {
        await box.close();
      }
    },
    { silenceMs: SILENCE_MS },
  );
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

/** The sentence for a decision that another operator made first. */
export const CHANGED_MEANWHILE =
  'Another operator decided in the meantime. Nothing was done. Check the state again: box-app';
