import { setTimeout as pause } from 'node:timers/promises';
import type { AuditSealer } from '@foyer/persistence';
import { toPlainError, type Logger } from '@foyer/platform';

interface SealingOptions {
  readonly tenant: string;
  readonly intervalMs: number;
  /** Told the number of the chain's last block. */
  readonly onHead?: (seq: number) => void;
}

/**
 * Seals the audit log, round after round, until it is stopped. Each new end of the chain, and the one found at the start, goes
 * to the log at every LOG_LEVEL: kept elsewhere, these lines are the witness that the chain was not written anew.
 */
export class Sealing {
  private readonly sealer: Pick<AuditSealer, 'round' | 'head'>;
  private readonly logger: Logger;
  private readonly witness: Logger;
  private readonly options: SealingOptions;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private isHeadTold = false;

  constructor(sealer: Pick<AuditSealer, 'round' | 'head'>, logger: Logger, options: SealingOptions) {
    this.sealer = sealer;
    this.logger = logger;
    this.witness = logger.child({}, { level: 'info' });
    this.options = options;
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends after the round that is under way. What is not sealed then is sealed by the next process. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const more = await this.round();
      // Aborted: rejects at once, and the loop ends.
      if (!more) await pause(this.options.intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Gives whether there is more to seal already. */
  private async round(): Promise<boolean> {
    try {
      if (!this.isHeadTold) await this.tellFirstHead();
      const sealed = await this.sealer.round();
      if (sealed === null) return false;
      const { rows, head, more } = sealed;
      if (head !== null) this.options.onHead?.(head.seq);
      if (rows > 0 && head !== null) this.tell('audit-sealed', head, { rows });
      return more;
    } catch (error) {
      this.logger.warn({ event: 'audit-seal-failed', err: toPlainError(error) });
      return false;
    }
  }

  private async tellFirstHead(): Promise<void> {
    const head = await this.sealer.head();
    if (head !== null) this.tell('audit-head', head);
    this.isHeadTold = true;
  }

  private tell(event: string, { seq, hash }: { seq: number; hash: string }, more: object = {}): void {
    this.witness.info({ event, tenant: this.options.tenant, ...more, head: `${seq}:${hash}` });
  }
}
