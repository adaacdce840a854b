import type { CallContext, CallIntent, CallLog, CallOutcome } from '@foyer/provisioning';

/** The records of one sign-in. They are written while the sign-in continues; `settled` waits for all of them. */
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
    // `settled` reports the failure; until then it must not count as an unhandled rejection.
    line.catch(() => {});
    this.lines.push(line);
  }

  get durationMs(): number {
    return performance.now() - this.began;
  }

  /** Throws when a record could not be written. */
  async settled(): Promise<void> {
    await Promise.all(this.lines);
  }
}
