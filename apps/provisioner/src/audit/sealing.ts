import type { AuditSealer } from '@foyer/persistence';
import { RepeatedTask, toPlainError, type BackgroundTask, type Logger } from '@foyer/platform';

interface SealingOptions {
  readonly tenant: string;
  readonly intervalMs: number;
  /** Called with the number of the chain's last block. */
  readonly onHead?: (seq: number) => void;
}

/**
 * Seals the audit log in the rounds of its task; the next process seals what a stopped one left. Each new head of the chain, and the head found at the start, is
 * logged at every LOG_LEVEL: kept elsewhere, these lines prove that the chain was not rewritten.
 */
export class Sealing {
  readonly task: BackgroundTask;
  private readonly sealer: Pick<AuditSealer, 'round' | 'head'>;
  private readonly witness: Logger;
  private readonly options: SealingOptions;
  private isHeadTold = false;

  constructor(sealer: Pick<AuditSealer, 'round' | 'head'>, logger: Logger, options: SealingOptions) {
    this.sealer = sealer;
    this.witness = logger.child({}, { level: 'info' });
    this.options = options;
    this.task = new RepeatedTask({
      ...{ name: 'audit-sealing', intervalMs: options.intervalMs },
      round: () => this.round(),
      onError: (error) => logger.warn({ event: 'audit-seal-failed', err: toPlainError(error) }),
    });
  }

  /** Returns the pause until the next round, in milliseconds: none while there is more to seal. */
  private async round(): Promise<number> {
    const { intervalMs } = this.options;
    if (!this.isHeadTold) await this.tellFirstHead();
    const sealed = await this.sealer.round();
    if (sealed === null) return intervalMs;
    const { rows, head, more } = sealed;
    if (head !== null) this.options.onHead?.(head.seq);
    if (rows > 0 && head !== null) this.tell('audit-sealed', head, { rows });
    return more ? 0 : intervalMs;
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
