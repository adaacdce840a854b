import type { Allowance, BoxFault, BoxResult } from '@foyer/provisioning';
import { fault } from './interpret-response.ts';

/** Acquires the permit for one HTTP request. Returns a fault when there is none: then nothing may be sent. */
export async function acquirePermit(allowance: Allowance | undefined): Promise<BoxFault | null> {
  const acquired = await allowance?.acquire();
  if (acquired === undefined || acquired.ok) return null;
  const seconds = Math.max(1, Math.ceil(acquired.waitMs / 1000));
  const detail = `The call was not sent: the rate limit of Box is used up for about ${seconds} s.`;
  return { ...fault('box_rate_limited', detail), retryAfterMs: acquired.waitMs };
}

/** Pauses all calls when Box answered 429. */
export async function reportThrottled(
  allowance: Allowance | undefined,
  result: BoxResult<unknown>,
): Promise<void> {
  if (!result.ok && result.fault.code === 'box_rate_limited') {
    await allowance?.reportThrottled(result.fault.retryAfterMs);
  }
}
