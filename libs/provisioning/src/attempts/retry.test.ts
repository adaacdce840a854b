import { errorCodes } from '@foyer/shared';
import fc from 'fast-check';
import { defaultRetryPolicy, dispose } from './retry.ts';

const code = fc.constantFrom(...errorCodes);
/** A request in the attempt after so many failures. */
const tried = (failures: number) => ({ failures, attempts: failures + 1 });
const random = fc.double({ min: 0, max: 0.999, noNaN: true });

describe('dispose', () => {
  it('does not retry earlier than Box asked', () => {
    fc.assert(
      fc.property(code, fc.nat(40), fc.nat(600_000), random, (c, failures, retryAfterMs, r) => {
        const disposal = dispose({ code: c, retryAfterMs }, tried(failures), defaultRetryPolicy, r);
        return disposal.kind === 'fail' || disposal.delayMs >= retryAfterMs;
      }),
    );
  });

  it('always ends, except when Box asks Foyer to wait', () => {
    fc.assert(
      fc.property(code, random, (c, r) => {
        const last = dispose({ code: c }, tried(defaultRetryPolicy.attempts - 1), defaultRetryPolicy, r);
        return last.kind === 'fail' || !last.counted;
      }),
    );
  });

  it('doubles the wait, spreads it over half of the step, and caps it', () => {
    const policy = { attempts: 100, baseMs: 1_000, maxMs: 60_000 };
    const delay = (failures: number, r: number) => {
      const disposal = dispose({ code: 'box_unavailable' }, tried(failures), policy, r);
      return disposal.kind === 'retry' ? disposal.delayMs : NaN;
    };
    expect([delay(0, 0), delay(1, 0), delay(2, 0), delay(50, 0)]).toEqual([500, 1_000, 2_000, 30_000]);
    expect([delay(0, 0.999), delay(50, 0.999)].map((ms) => Math.round(ms / 100))).toEqual([10, 600]);
  });

  it('fails at once on errors that only a person can fix', () => {
    expect(dispose({ code: 'box_forbidden' }, tried(0), defaultRetryPolicy, 0)).toEqual({ kind: 'fail' });
  });

  it('does not count a rate limit as an attempt', () => {
    expect(
      dispose({ code: 'box_rate_limited', retryAfterMs: 7_000 }, tried(11), defaultRetryPolicy, 0),
    ).toMatchObject({
      kind: 'retry',
      counted: false,
    });
  });

  it('waits longer each time that Box asks Foyer to wait without a duration', () => {
    const delay = (attempts: number, retryAfterMs?: number) => {
      const fault = { code: 'box_rate_limited', retryAfterMs } as const;
      const disposal = dispose(fault, { attempts, failures: 0 }, defaultRetryPolicy, 0);
      return disposal.kind === 'retry' ? disposal.delayMs : NaN;
    };
    expect([delay(1), delay(2), delay(3), delay(40)]).toEqual([500, 1_000, 2_000, 150_000]);
    expect([delay(1, 7_000), delay(40, 7_000)]).toEqual([7_000, 7_000]);
  });
});
