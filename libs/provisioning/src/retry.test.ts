import { errorCodes } from '@foyer/shared';
import fc from 'fast-check';
import { defaultRetryPolicy, dispose } from './retry.ts';

const code = fc.constantFrom(...errorCodes);
const random = fc.double({ min: 0, max: 0.999, noNaN: true });

describe('dispose', () => {
  it('never tries again earlier than Box asked', () => {
    fc.assert(
      fc.property(code, fc.nat(40), fc.nat(600_000), random, (c, failures, retryAfterMs, r) => {
        const disposal = dispose({ code: c, retryAfterMs }, failures, defaultRetryPolicy, r);
        return disposal.kind === 'fail' || disposal.delayMs >= retryAfterMs;
      }),
    );
  });

  it('always ends, but for a far end that asks us to wait', () => {
    fc.assert(
      fc.property(code, random, (c, r) => {
        const last = dispose({ code: c }, defaultRetryPolicy.attempts - 1, defaultRetryPolicy, r);
        return last.kind === 'fail' || !last.counted;
      }),
    );
  });

  it('doubles the wait, spreads it over half of the step, and caps it', () => {
    const policy = { attempts: 100, baseMs: 1_000, maxMs: 60_000 };
    const delay = (failures: number, r: number) => {
      const disposal = dispose({ code: 'box_unavailable' }, failures, policy, r);
      return disposal.kind === 'retry' ? disposal.delayMs : NaN;
    };
    expect([delay(0, 0), delay(1, 0), delay(2, 0), delay(50, 0)]).toEqual([500, 1_000, 2_000, 30_000]);
    expect([delay(0, 0.999), delay(50, 0.999)].map((ms) => Math.round(ms / 100))).toEqual([10, 600]);
  });

  it('gives up at once on what only a person can mend', () => {
    expect(dispose({ code: 'box_forbidden' }, 0, defaultRetryPolicy, 0)).toEqual({ kind: 'fail' });
  });

  it('does not count a rate limit as an attempt', () => {
    expect(
      dispose({ code: 'box_rate_limited', retryAfterMs: 7_000 }, 11, defaultRetryPolicy, 0),
    ).toMatchObject({
      kind: 'retry',
      counted: false,
    });
  });
});
