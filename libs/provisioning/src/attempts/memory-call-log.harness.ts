import { randomUUID } from 'node:crypto';
import {
  LeaseLost,
  type CallContext,
  type CallIntent,
  type CallLog,
  type CallOutcome,
  type GroupLease,
  type Lease,
} from '../people/box-port.ts';
import type { Allowance, Acquisition } from '../budget/budget-port.ts';

export interface LoggedCall {
  readonly context: CallContext;
  readonly intent: CallIntent;
  /** Null until the call has ended. */
  outcome: CallOutcome | null;
}

/** The call log in memory, with leases that a test can revoke. */
export class MemoryCallLog implements CallLog {
  readonly calls: LoggedCall[] = [];
  readonly #lost = new Set<Lease | GroupLease>();

  /** From now on this lease counts as passed to another worker. */
  loseLease(lease: Lease | GroupLease): void {
    this.#lost.add(lease);
  }

  async intend(context: CallContext, intent: CallIntent): Promise<string> {
    if (context.lease && this.#lost.has(context.lease)) throw new LeaseLost();
    this.calls.push({ context, intent, outcome: null });
    return String(this.calls.length - 1);
  }

  async conclude(callId: string, outcome: CallOutcome): Promise<void> {
    const call = this.calls[Number(callId)];
    if (!call || call.outcome) throw new Error(`Call ${callId} was never intended, or has already ended.`);
    call.outcome = outcome;
  }

  async record(context: CallContext, intent: CallIntent, outcome: CallOutcome): Promise<void> {
    await this.conclude(await this.intend(context, intent), outcome);
  }

  /** Calls of one operation, such as `create_user`, in order. */
  of(operation: string): LoggedCall[] {
    return this.calls.filter((call) => call.intent.operation === operation);
  }
}

/** An allowance of so many calls, which records the 429s that it gets. */
export class CountedAllowance implements Allowance {
  readonly refusals: (number | undefined)[] = [];
  left: number;

  constructor(left: number) {
    this.left = left;
  }

  async acquire(): Promise<Acquisition> {
    if (this.left === 0) return { ok: false, waitMs: 4_321 };
    this.left -= 1;
    return { ok: true };
  }

  async reportThrottled(retryAfterMs: number | undefined): Promise<void> {
    this.refusals.push(retryAfterMs);
  }
}

/** A context with a lease of its own. */
export function leasedContext(): CallContext & { readonly lease: Lease } {
  const [requestId, identityId] = [randomUUID(), randomUUID()];
  return { requestId, identityId, lease: { requestId, identityId, token: 1n } };
}
