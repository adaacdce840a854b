import type { Logger, Metrics } from '@foyer/platform';

/** Why a request was refused before any work was done for it. */
export type ShedReason = 'process' | 'caller' | 'principal' | 'rate' | 'files';

const EVERY_MS = 10_000;

/**
 * Counts refused requests and logs the counts at most every ten seconds: a line for each would be a flood of its own.
 */
export class ShedReport {
  private readonly logger: Logger;
  private readonly metrics: Metrics;
  private readonly now: () => number;
  private counts: Partial<Record<ShedReason, number>> = {};
  private saidAt = -Infinity;

  constructor(logger: Logger, metrics: Metrics, now: () => number = () => performance.now()) {
    this.logger = logger;
    this.metrics = metrics;
    this.now = now;
  }

  note(reason: ShedReason): void {
    this.metrics.requestsShed.inc({ reason });
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
    if (this.now() - this.saidAt < EVERY_MS) return;
    this.saidAt = this.now();
    this.logger.warn({ event: 'requests-shed', ...this.counts });
    this.counts = {};
  }
}
