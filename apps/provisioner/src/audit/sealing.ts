import { setTimeout as pause } from 'node:timers/promises';
import type { AuditSealer } from '@foyer/persistence';
import { toPlainError, type Logger } from '@foyer/platform';

interface SealingOptions {
  readonly tenant: string;
  readonly intervalMs: number;
  /** Called with the number of the chain's last block. */
  readonly onHead?: (seq: number) => void;
}

/**
 * Seals the audit log in rounds until it is stopped. Each new head of the chain, and the head found at the start, is
 * logged at every LOG_LEVEL: kept elsewhere, these lines prove that the chain was not rewritten.
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

  /** Stops after the current round. The next process seals the rest. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const more = await this.round();
      // When aborted, the pause rejects at once and the loop ends.
      if (!more) await pause(this.options.intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Returns whether there is more to seal already. */
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
