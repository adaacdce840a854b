import { toPlainError, type Logger } from './logging.ts';
import type { Metrics } from './metrics.ts';

/** An event of the rate limiter. */
type BudgetNews =
  | { readonly kind: 'waited'; readonly urgency: string; readonly seconds: number }
  | { readonly kind: 'refused'; readonly pausedMs: number }
  | { readonly kind: 'pause-not-shared'; readonly error: unknown };

/** Writes the rate limiter's events to the log and the metrics. */
export function reportBudget(news: BudgetNews, logger: Logger, metrics: Metrics): void {
  switch (news.kind) {
    case 'waited':
      return metrics.boxBudgetWaitSeconds.observe({ urgency: news.urgency }, news.seconds);
    case 'refused':
      metrics.boxRefusals.inc();
      return logger.warn({ event: 'box-refused', pausedMs: Math.round(news.pausedMs) });
    case 'pause-not-shared':
      return logger.warn({ event: 'pause-not-shared', err: toPlainError(news.error) });
  }
}
