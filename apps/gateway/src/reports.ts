import { boxAppProblem, expiringScimTokens, type ScimTokens, type TenantBoxApp } from '@foyer/persistence';
import { RepeatedTask, toPlainError, type BackgroundTask, type Logger } from '@foyer/platform';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Logs that the configured Box app is not the one that owns the accounts, at once and each minute. */
export const boxAppReport = (boxApp: TenantBoxApp, logger: Logger): BackgroundTask =>
  report('box-app-report', MINUTE_MS, logger, async () => {
    const reason = boxAppProblem(await boxApp.state());
    if (reason !== null) logger.error({ event: 'box-app-changed', reason });
  });

/** Logs the SCIM tokens that must be replaced, at once and each hour. */
export const scimTokenReport = (
  tokens: Pick<ScimTokens, 'standing'>,
  logger: Logger,
  everyMs = HOUR_MS,
): BackgroundTask =>
  report('scim-token-report', everyMs, logger, async () => {
    for (const { name, hint, expiresAt, secondsLeft } of expiringScimTokens(await tokens.standing())) {
      const level = secondsLeft > 0 ? 'warn' : 'error';
      logger[level]({ event: 'scim-token-expiring', name, hint, expiresAt, secondsLeft });
    }
  });

const report = (
  name: string,
  intervalMs: number,
  logger: Logger,
  round: () => Promise<void>,
): BackgroundTask =>
  new RepeatedTask({
    ...{ name, intervalMs, round, waitsForFirstRound: true },
    onError: (error) => logger.warn({ event: 'report-failed', report: name, err: toPlainError(error) }),
  });
