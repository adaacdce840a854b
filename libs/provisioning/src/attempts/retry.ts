import { dispositionOf } from '@foyer/shared';
import type { BoxFault } from '../people/box-port.ts';

/** When to give up, and how long to wait between attempts. Times in milliseconds. */
export interface RetryPolicy {
  /** How many attempts may end in a counted error; the error of the last one is final. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * Twelve attempts over about a quarter of an hour: enough for a short Box incident, and soon enough for an operator to
 * notice.
 */
export const defaultRetryPolicy: RetryPolicy = { attempts: 12, baseMs: 1_000, maxMs: 300_000 };

/** How often a request was taken, this attempt included, and how many attempts ended in a counted error. */
export interface Tried {
  readonly attempts: number;
  readonly failures: number;
  /** The previous attempt never ended. Absent: it did. */
  readonly isTakenOver?: boolean;
}

/**
 * Whether a request that was taken over fails before it is begun. Each attempt that never ended counts as failed:
 * otherwise a request that crashes its workers would do so without end, and stop the attempts beside it.
 */
export const isSpent = ({ failures, isTakenOver }: Tried, policy: RetryPolicy): boolean =>
  isTakenOver === true && failures >= policy.attempts;

export type Disposal =
  { readonly kind: 'fail' } | { readonly kind: 'retry'; readonly delayMs: number; readonly counted: boolean };

/**
 * What happens to a request after `fault`. Exponential back-off with jitter (half to all of the step, so that many
 * requests spread out), never earlier than Box asked. A rate limit without a time is not counted as an error, but each
 * attempt that meets it waits longer; otherwise all of them would keep hitting the limit. `random` is in [0, 1).
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
