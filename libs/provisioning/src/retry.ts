import { dispositionOf } from '@foyer/shared';
import type { BoxFault } from './box-port.ts';

/** When to give up, and how long to wait until then. Times in milliseconds. */
export interface RetryPolicy {
  /** Attempts that may end in a counted error; the last one's error is final. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Twelve attempts over about a quarter of an hour: long enough for a Box incident's first page, short enough to be noticed. */
export const defaultRetryPolicy: RetryPolicy = { attempts: 12, baseMs: 1_000, maxMs: 300_000 };

/** What a request has behind it: how often it was taken up, this turn included, and how many turns ended in a counted error. */
export interface Tried {
  readonly attempts: number;
  readonly failures: number;
  /** The turn before this one never ended. Absent: it did. */
  readonly isTakenOver?: boolean;
}

/**
 * Whether a request that was taken over is to be given up before it is begun. Each turn that never ended counts as failed:
 * a request that kills each of its workers would otherwise do so for ever, and take the turns beside it along.
 */
export const isSpent = ({ failures, isTakenOver }: Tried, policy: RetryPolicy): boolean =>
  isTakenOver === true && failures >= policy.attempts;

export type Disposal =
  { readonly kind: 'fail' } | { readonly kind: 'retry'; readonly delayMs: number; readonly counted: boolean };

/**
 * What becomes of a request that met `fault`. Exponential back-off with jitter (half to all of the step, so that a crowd
 * spreads out); never earlier than Box asked. A limit without a time of its own is no error that counts, but each turn
 * that meets it waits longer, or the crowd would keep Box busy with refusing it. `random` is in [0, 1).
 */
export function dispose(
  fault: Pick<BoxFault, 'code' | 'retryAfterMs'>,
  { attempts, failures }: Tried,
  policy: RetryPolicy,
  random: number,
): Disposal {
  const disposition = dispositionOf(fault.code);
  const untold = disposition === 'delay' && fault.retryAfterMs === undefined;
  const doublings = Math.min(untold ? attempts - 1 : failures, 30);
  const step = Math.min(policy.maxMs, policy.baseMs * 2 ** doublings);
  const delayMs = Math.max(Math.round(step * (0.5 + random / 2)), fault.retryAfterMs ?? 0);
  switch (disposition) {
    case 'delay':
      return { kind: 'retry', delayMs, counted: false };
    case 'retry':
      return failures + 1 < policy.attempts ? { kind: 'retry', delayMs, counted: true } : { kind: 'fail' };
    case 'dead':
    case 'none':
      return { kind: 'fail' };
  }
}
