import type { Allowance, BoxFault, BoxResult } from '@foyer/provisioning';
import { fault } from './judge.ts';

/** Acquires the permit for one HTTP request. Returns a fault when there is none: then nothing may be sent. */
export async function pay(allowance: Allowance | undefined): Promise<BoxFault | null> {
  const spending = await allowance?.spend();
  if (spending === undefined || spending.ok) return null;
  const seconds = Math.max(1, Math.ceil(spending.waitMs / 1000));
  const detail = `The call was not sent: the rate limit of Box is used up for about ${seconds} s.`;
  return { ...fault('box_rate_limited', detail), retryAfterMs: spending.waitMs };
}

/** Pauses all calls when Box answered 429. */
export async function heed(allowance: Allowance | undefined, result: BoxResult<unknown>): Promise<void> {
  if (!result.ok && result.fault.code === 'box_rate_limited') {
    await allowance?.refused(result.fault.retryAfterMs);
  }
}
