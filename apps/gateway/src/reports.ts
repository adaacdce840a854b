import { boxAppProblem, expiringScimTokens, type ScimTokens, type TenantBoxApp } from '@foyer/persistence';
import { isUnavailable, startHeartbeat, toPlainError, type Heartbeat, type Logger } from '@foyer/platform';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Starts everything that the gateway reports by the clock. Gives what ends it. */
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

/** Says that the configured Box app is not the accounts' own, at once and each minute. Gives what ends that. */
const reportBoxApp = (boxApp: TenantBoxApp, logger: Logger): Promise<() => void> =>
  reportRegularly(MINUTE_MS, async () => {
    const reason = boxAppProblem(await boxApp.state());
    if (reason !== null) logger.error({ event: 'box-app-changed', reason });
  });

/** Names the SCIM tokens that are to be replaced, at once and each hour. Gives what ends that. */
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
  // With the database away there is nothing to say, and others say that.
  await report().catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  const timer = setInterval(() => {
    report().catch(() => undefined);
  }, everyMs);
  return () => clearInterval(timer);
}
