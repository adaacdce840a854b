import fc from 'fast-check';
import { RateLimiter } from './rate-limiter.ts';
import {
  limitsOf,
  LONGEST_PAUSE_MS,
  urgencies,
  urgencyOf,
  type BudgetNews,
  type Permits,
  type Urgency,
} from './budget-port.ts';
import { describeBudgetStore, slowLimits } from './budget-store.contract.harness.ts';
import { MemoryBudgetStore, VirtualClock } from './memory-budget.harness.ts';

describeBudgetStore('the bucket in memory', async () => {
  const clock = new VirtualClock();
  const store = new MemoryBudgetStore(slowLimits, clock);
  return {
    limits: slowLimits,
    open: () => store,
    pass: (ms) => clock.runUntil(clock.now() + ms),
    fill: async () => store.fill(),
    close: async () => undefined,
  };
});

/** The rate limiters of several processes on one bucket. */
function processes(limit: number, count = 1, latencyMs: () => number = () => 2) {
  const clock = new VirtualClock();
  const limits = limitsOf(limit);
  const store = new MemoryBudgetStore(limits, clock, latencyMs);
  const news: BudgetNews[] = [];
  const limiters = Array.from(
    { length: count },
    () => new RateLimiter({ store, limits, clock, tell: (told) => news.push(told) }),
  );
  return { clock, limits, store, news, limiter: limiters[0]!, limiters };
}

/** Shows how a promise was settled after time has advanced. */
function watch<T>(promise: Promise<T>): { value: T | undefined; error: unknown } {
  const seen: { value: T | undefined; error: unknown } = { value: undefined, error: undefined };
  promise.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.error = error),
  );
  return seen;
}

/**
 * The most calls in any 60 s, and in the windows of a fixed counter: each begins with the first call after the last
 * one.
 */
function fullestWindow(arrivals: readonly number[]): { sliding: number; fixed: number } {
  const at = arrivals.toSorted((a, b) => a - b);
  let [sliding, fixed, count, from, first] = [0, 0, 0, -Infinity, 0];
  for (const [last, now] of at.entries()) {
    while (now - at[first]! >= 60_000) first += 1;
    sliding = Math.max(sliding, last - first + 1);
    if (now >= from + 60_000) [from, count] = [now, 0];
    count += 1;
    fixed = Math.max(fixed, count);
  }
  return { sliding, fixed };
}

describe('the pace', () => {
  it('uses at least 97% of a limit of 1000 a minute', () => {
    expect(limitsOf(1_000).perMs * 60_000).toBeGreaterThan(970);
  });

  it.each([0, 9, -1, Number.NaN])('refuses a limit of %s', (limit) => {
    expect(() => limitsOf(limit)).toThrow(RangeError);
  });

  it('always leaves at least one call for each class', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 1_000_000 }), (limit) => {
        const { capacity, floors, perMs } = limitsOf(limit);
        return perMs > 0 && urgencies.every((urgency) => floors[urgency] + 1 < capacity);
      }),
    );
  });

  it('knows the urgency of a priority', () => {
    expect([1, 2, 9, 10, 500].map(urgencyOf)).toEqual(['sign-in', 'soon', 'soon', 'bulk', 'bulk']);
  });
});

const pass = (clock: VirtualClock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));

const visit = fc.record({
  at: fc.nat(70_000),
  limiter: fc.nat(2),
  urgency: fc.constantFrom<Urgency>(...urgencies),
  /** How many callers arrive at that moment. */
  crowd: fc.integer({ min: 1, max: 25 }),
  /** From the permit to the call, and from there to Box. */
  workMs: fc.nat(200),
  wayMs: fc.nat(300),
  calls: fc.nat(3),
});

describe('the window', () => {
  it('never contains too many calls, sliding or fixed, at any times of arrival', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 120 }),
        fc.array(visit, { minLength: 1, maxLength: 8 }),
        fc.nat(60),
        async (limit, visits, latency) => {
          const { clock, limiters } = processes(limit, 3, () => latency);
          const arrivals: number[] = [];
          const turn = async (permits: Permits, { workMs, wayMs, calls }: (typeof visits)[number]) => {
            for (;;) {
              const filled = await permits.fill();
              if (filled.ok) break;
              await pass(clock, filled.waitMs);
            }
            await pass(clock, workMs);
            permits.begin();
            for (let made = 0; made < calls && (await permits.acquire()).ok; made++) {
              arrivals.push(clock.now() + wayMs);
            }
            permits.close();
          };
          for (const one of visits) {
            clock.after(one.at, () => {
              for (let n = 0; n < one.crowd; n++) void turn(limiters[one.limiter]!.permits(one.urgency), one);
            });
          }
          await clock.runUntil(130_000);
          const { sliding, fixed } = fullestWindow(arrivals);
          expect(Math.max(sliding, fixed)).toBeLessThanOrEqual(limit);
        },
      ),
      {
        numRuns: 100,
        // Callers that got no permit, then a call, then more callers: what the first ones left unused must not be
        // added.
        examples: [
          [
            21,
            [
              { at: 8_679, limiter: 0, urgency: 'sign-in', crowd: 7, workMs: 61, wayMs: 0, calls: 0 },
              { at: 21_607, limiter: 1, urgency: 'sign-in', crowd: 1, workMs: 121, wayMs: 127, calls: 1 },
              { at: 8_682, limiter: 2, urgency: 'sign-in', crowd: 2, workMs: 3, wayMs: 0, calls: 2 },
              { at: 0, limiter: 1, urgency: 'sign-in', crowd: 1, workMs: 0, wayMs: 0, calls: 0 },
              { at: 24_560, limiter: 0, urgency: 'sign-in', crowd: 18, workMs: 0, wayMs: 0, calls: 2 },
            ],
            1,
          ],
        ],
      },
    );
  });

  it('is used to 97% by bulk alone, by three processes, with late answers', async () => {
    const { clock, limiters, store } = processes(1_000, 3, () => 10);
    const arrivals: number[] = [];
    const worker = async (limiter: RateLimiter) => {
      while (clock.now() < 180_000) {
        const permits = limiter.permits('bulk');
        if (!(await permits.fill()).ok) continue;
        await permits.acquire();
        arrivals.push(clock.now());
        permits.close();
        await pass(clock, 30);
      }
    };
    for (const limiter of limiters) for (let n = 0; n < 10; n++) void worker(limiter);
    await clock.runUntil(180_000);
    expect(arrivals.length).toBeGreaterThanOrEqual(0.97 * 3_000);
    expect(fullestWindow(arrivals).sliding).toBeLessThanOrEqual(1_000);
    expect(store.asks).toBeLessThan(2 * arrivals.length);
  });
});

/** Bulk callers that always wait, on every limiter. */
function flood(limiters: readonly RateLimiter[]): void {
  const worker = async (limiter: RateLimiter) => {
    for (;;) {
      const permits = limiter.permits('bulk');
      if (!(await permits.fill()).ok) continue;
      await permits.acquire();
    }
  };
  for (const limiter of limiters) for (let n = 0; n < 20; n++) void worker(limiter);
}

describe('a sign-in', () => {
  it('never waits longer than one request for permits while bulk traffic is high', async () => {
    const { clock, limiters, news } = processes(1_000, 3);
    flood(limiters);
    for (let second = 5; second < 60; second++) {
      await clock.runUntil(second * 1_000);
      const signIns = [1, 2, 3].map((n) => watch(limiters[n - 1]!.permits('sign-in').acquire()));
      await clock.runUntil(second * 1_000 + 20);
      expect(signIns.map(({ value }) => value)).toEqual(Array(3).fill({ ok: true }));
    }
    const waits = news.filter((told) => told.kind === 'waited' && told.urgency === 'sign-in');
    expect(waits).toHaveLength(165);
  });

  it('gets a permit before earlier calls, and a started attempt before one that has not started', async () => {
    const { clock, limiter } = processes(60);
    const order: string[] = [];
    const come = (name: string, urgency: Urgency, begun = false) => {
      const permits = limiter.permits(urgency, 3_600_000);
      if (begun) permits.begin();
      void permits.acquire().then(() => order.push(name));
    };
    come('bulk', 'bulk');
    come('soon', 'soon');
    come('begun bulk', 'bulk', true);
    come('begun soon', 'soon', true);
    come('sign-in', 'sign-in');
    await clock.runUntil(60_000);
    expect(order).toEqual(['sign-in', 'begun bulk', 'begun soon', 'soon', 'bulk']);
  });
});

describe('a pause', () => {
  it('stops every process at its next call, and states the duration to each', async () => {
    const { clock, limiters } = processes(1_000, 2);
    const [one, other] = limiters as [RateLimiter, RateLimiter];
    await clock.runUntil(60_000);
    const filled = other.permits('bulk');
    await Promise.all([filled.fill(), clock.runUntil(60_010)]);
    await Promise.all([one.permits('sign-in').reportThrottled(30_000), clock.runUntil(60_020)]);
    const [mine, theirs] = [
      watch(one.permits('sign-in').acquire()),
      watch(other.permits('sign-in').acquire()),
    ];
    await clock.runUntil(60_040);
    for (const { value } of [mine, theirs]) {
      expect(value).toEqual({ ok: false, waitMs: expect.any(Number) as number });
      expect(value?.ok === false && value.waitMs).toBeGreaterThan(29_900);
    }
    // The permit was acquired before the pause, which is known here by now: it is not used.
    const late = watch(filled.acquire());
    await clock.runUntil(60_060);
    expect(late.value?.ok).toBe(false);
    await clock.runUntil(91_000);
    const after = watch(other.permits('sign-in').acquire());
    await clock.runUntil(91_200);
    expect(after.value).toEqual({ ok: true });
  });

  it('refuses an attempt that has not started after two seconds, with the rest of the pause', async () => {
    const { clock, limiter } = processes(1_000);
    await Promise.all([limiter.permits('bulk').reportThrottled(60_000), clock.runUntil(10)]);
    const waits: number[] = [];
    const turn = watch(limiter.permits('bulk').fill({ onWait: (waitMs) => waits.push(waitMs) }));
    await clock.runUntil(1_000);
    expect(turn.value).toBeUndefined();
    await clock.runUntil(3_000);
    expect(turn.value).toEqual({ ok: false, waitMs: expect.any(Number) as number });
    expect(turn.value?.ok === false && turn.value.waitMs).toBeGreaterThan(57_000);
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeGreaterThan(59_000);
  });

  it('is kept in this process even when the other processes cannot be informed', async () => {
    const { clock, limiter, store, news } = processes(1_000);
    store.broken = new Error('The database is away.');
    await Promise.all([limiter.permits('bulk').reportThrottled(60_000), clock.runUntil(10)]);
    expect(news.map(({ kind }) => kind)).toEqual(['pause-not-shared', 'refused']);
    expect(limiter.pausedMs).toBeGreaterThan(59_000);
  });

  it('is never longer than 15 minutes, whatever time Box states', async () => {
    const { clock, limiter } = processes(1_000);
    await Promise.all([limiter.permits('bulk').reportThrottled(24 * 3_600_000), clock.runUntil(10)]);
    expect(limiter.pausedMs).toBeLessThanOrEqual(LONGEST_PAUSE_MS);
  });
});

describe('the permits of an attempt', () => {
  it('gives its unused permit to the next call in line, without a request to the store', async () => {
    const { clock, limiter, store } = processes(10);
    const first = limiter.permits('bulk');
    void first.fill();
    await clock.runUntil(60_000);
    await Promise.all([limiter.permits('bulk').fill(), first.fill(), clock.runUntil(60_100)]);
    // No permit is left for bulk now.
    const next = watch(limiter.permits('bulk').fill());
    await clock.runUntil(60_150);
    const { asks } = store;
    expect(next.value).toBeUndefined();
    first.close();
    await clock.runUntil(60_151);
    expect([next.value, store.asks]).toEqual([{ ok: true }, asks]);
  });

  it('discards permits that no call here may use, because returned permits would exceed the refill', async () => {
    const { clock, limiter, store } = processes(10);
    await clock.runUntil(120_000);
    const permits = limiter.permits('sign-in');
    await Promise.all([permits.fill(), clock.runUntil(120_010)]);
    permits.close();
    await Promise.all([limiter.permits('sign-in').fill(), clock.runUntil(120_020)]);
    expect((await store.look()).level).toBeCloseTo(2, 1);
  });

  it('does not use an old permit, because its call would fall into a later window', async () => {
    const { clock, limiter, store } = processes(1_000);
    await clock.runUntil(60_000);
    const permits = limiter.permits('bulk');
    await Promise.all([permits.fill(), clock.runUntil(60_010)]);
    const { asks } = store;
    await clock.runUntil(61_000);
    await Promise.all([permits.acquire(), clock.runUntil(61_010)]);
    expect(store.asks).toBe(asks + 1);
  });

  it('refuses at once, during an attempt, when the wait is known to be longer than its limit', async () => {
    const { clock, limiter } = processes(10);
    await Promise.all([limiter.permits('bulk').fill(), clock.runUntil(3_000)]);
    const spent = watch(limiter.permits('bulk', 1_000).acquire());
    await clock.runUntil(3_020);
    expect(spent.value?.ok).toBe(false);
  });

  it('leaves the line when the process stops', async () => {
    const { clock, limiter, store } = processes(10);
    const stopping = new AbortController();
    const turn = watch(limiter.permits('bulk').fill({ stopping: stopping.signal }));
    await clock.runUntil(1_000);
    stopping.abort();
    await clock.runUntil(1_001);
    expect(turn.value).toEqual({ ok: false, waitMs: 0 });
    const { asks } = store;
    await clock.runUntil(120_000);
    expect(store.asks).toBe(asks);
    expect(await limiter.permits('bulk').fill({ stopping: stopping.signal })).toEqual({
      ok: false,
      waitMs: 0,
    });
  });

  it('throws, and allows nothing, while the store is unavailable, and continues when it is back', async () => {
    const { clock, limiter, store } = processes(1_000);
    await clock.runUntil(10_000);
    store.broken = new Error('The database is away.');
    const lost = [watch(limiter.permits('sign-in').acquire()), watch(limiter.permits('bulk').fill())];
    await clock.runUntil(10_100);
    expect(lost.map(({ value, error }) => [value, error])).toEqual(Array(2).fill([undefined, store.broken]));
    store.broken = null;
    const found = watch(limiter.permits('sign-in').acquire());
    await clock.runUntil(10_200);
    expect(found.value).toEqual({ ok: true });
  });

  it('waits no longer than its limit for an answer', async () => {
    const { clock, limiter } = processes(1_000, 1, () => 3_600_000);
    const spent = watch(limiter.permits('sign-in', 1_000).acquire());
    await clock.runUntil(1_001);
    expect(spent.value?.ok).toBe(false);
  });
});
