import { boxAppProblem, expiringScimTokens, type ScimTokens, type TenantBoxApp } from '@foyer/persistence';
import { isUnavailable, startHeartbeat, toPlainError, type Heartbeat, type Logger } from '@foyer/platform';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Starts all regular reports of the gateway. Returns the function that stops them. */
export async function startReports({
  boxApp,
  scimTokens,
  heartbeat,
  logger,
}: {
  readonly boxApp: TenantBoxApp;
  readonly scimTokens: Pick<ScimTokens, 'standing'>;
  readonly heartbeat: Heartbeat;
  readonly logger: Logger;
}): Promise<() => Promise<void>> {
  const reports = [await reportBoxApp(boxApp, logger), await reportScimTokens(scimTokens, logger)];
  const beating = startHeartbeat(heartbeat, (error) =>
    logger.warn({ event: 'heartbeat-failed', err: toPlainError(error) }),
  );
  return async () => {
    reports.forEach((stop) => stop());
    await beating.stop();
  };
}

/**
 * Logs that the configured Box app is not the one that owns the accounts, at once and each minute. Returns the function
 * that stops it.
 */
const reportBoxApp = (boxApp: TenantBoxApp, logger: Logger): Promise<() => void> =>
  reportRegularly(MINUTE_MS, async () => {
    const reason = boxAppProblem(await boxApp.state());
    if (reason !== null) logger.error({ event: 'box-app-changed', reason });
  });

/** Logs the SCIM tokens that must be replaced, at once and each hour. Returns the function that stops it. */
export const reportScimTokens = (
  tokens: Pick<ScimTokens, 'standing'>,
  logger: Logger,
  everyMs = HOUR_MS,
): Promise<() => void> =>
  reportRegularly(everyMs, async () => {
    for (const { name, hint, expiresAt, secondsLeft } of expiringScimTokens(await tokens.standing())) {
      const level = secondsLeft > 0 ? 'warn' : 'error';
      logger[level]({ event: 'scim-token-expiring', name, hint, expiresAt, secondsLeft });
    }
  });

async function reportRegularly(everyMs: number, report: () => Promise<void>): Promise<() => void> {
  // Without the database there is nothing to report here, and other reports cover that.
  await report().catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  const timer = setInterval(() => {
    report().catch(() => undefined);
  }, everyMs);
  return () => clearInterval(timer);
}
