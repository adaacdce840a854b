import { setTimeout as pause } from 'node:timers/promises';
import type { AuditSealer } from '@foyer/persistence';
import { toPlainError, type Logger } from '@foyer/platform';

/** Seals the audit log, round after round, until it is stopped. Each new end of the chain goes to the log as well. */
export class Sealing {
  private readonly sealer: Pick<AuditSealer, 'round'>;
  private readonly logger: Logger;
  private readonly intervalMs: number;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(sealer: Pick<AuditSealer, 'round'>, logger: Logger, intervalMs: number) {
    this.sealer = sealer;
    this.logger = logger;
    this.intervalMs = intervalMs;
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends after the round that is under way. What is not sealed then is sealed by whoever comes next. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const more = await this.round();
      // Aborted: rejects at once, and the loop ends.
      if (!more) await pause(this.intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Gives whether there is more to seal already. */
  private async round(): Promise<boolean> {
    try {
      const sealed = await this.sealer.round();
      if (sealed === null) return false;
      const { rows, head, more } = sealed;
      if (rows > 0 && head !== null)
        this.logger.info({ event: 'audit-sealed', rows, head: `${head.seq}:${head.hash}` });
      return more;
    } catch (error) {
      this.logger.warn({ event: 'audit-seal-failed', err: toPlainError(error) });
      return false;
    }
  }
}
