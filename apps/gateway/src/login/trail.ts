import type { CallContext, CallIntent, CallLog, CallOutcome } from '@foyer/provisioning';

/** What one sign-in puts on record. Lines are written while the sign-in goes on; `settled` waits for all of them. */
export class Trail {
  private readonly log: CallLog;
  private readonly lines: Promise<void>[] = [];
  private readonly began = performance.now();

  constructor(log: CallLog) {
    this.log = log;
  }

  add(intent: CallIntent, outcome: CallOutcome, context: Partial<CallContext> = {}): void {
    const line = this.log.record(
      { requestId: null, identityId: null, lease: null, ...context },
      intent,
      outcome,
    );
    // Heard of in `settled`; until then a failure must not count as unhandled.
    line.catch(() => {});
    this.lines.push(line);
  }

  get durationMs(): number {
    return performance.now() - this.began;
  }

  /** Throws when a line could not be written. */
  async settled(): Promise<void> {
    await Promise.all(this.lines);
  }
}
