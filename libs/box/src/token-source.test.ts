import type { BoxResult } from '@foyer/provisioning';
import { leasedContext } from '@foyer/provisioning/testing';
import { TokenSource } from './token-source.ts';
import type { TokenGrant } from './wire.ts';

const context = leasedContext();
const grant = (access_token: string, expires_in = 3600): BoxResult<TokenGrant> => ({
  ok: true,
  value: { access_token, expires_in },
});
const outage: BoxResult<TokenGrant> = {
  ok: false,
  fault: { code: 'box_unavailable', detail: 'away', ambiguous: false },
};

/** A token source with a clock and answers that the test controls. */
function setUp() {
  const waiting: ((answer: BoxResult<TokenGrant>) => void)[] = [];
  const clock = { seconds: 0, requests: 0 };
  const source = new TokenSource(
    () => {
      clock.requests += 1;
      return new Promise((resolve) => waiting.push(resolve));
    },
    { now: () => clock.seconds * 1000, random: Math.random },
  );
  const answer = async (result: BoxResult<TokenGrant>) => {
    waiting.shift()?.(result);
    await source.settle();
  };
  const get = async () => {
    const token = await source.get(context);
    return token.ok ? token.value : token.fault.code;
  };
  return { source, clock, answer, get };
}

it('keeps a token until a minute before its end, then renews it in the background', async () => {
  const { clock, answer, get } = setUp();
  const first = get();
  await answer(grant('one'));
  expect(await first).toBe('one');
  clock.seconds = 3539;
  expect(await get()).toBe('one');
  expect(clock.requests).toBe(1);

  clock.seconds = 3541;
  expect(await Promise.all([get(), get()])).toEqual(['one', 'one']);
  expect(clock.requests).toBe(2);
  await answer(grant('two'));
  expect(await get()).toBe('two');
  expect(clock.requests).toBe(2);
});

it('uses the old token while its renewal fails, and waits for a new one when it has expired', async () => {
  const { clock, answer, get } = setUp();
  const first = get();
  await answer(grant('one'));
  await first;
  clock.seconds = 3550;
  expect(await get()).toBe('one');
  await answer(outage);
  expect(await get()).toBe('one');
  await answer(outage);
  clock.seconds = 3597;
  const last = get();
  await answer(outage);
  expect(await last).toBe('box_unavailable');
});

it('renews a short-lived token in the last tenth of its life', async () => {
  const { clock, answer, get } = setUp();
  const first = get();
  await answer(grant('one', 100));
  await first;
  clock.seconds = 89;
  await get();
  expect(clock.requests).toBe(1);
  clock.seconds = 91;
  await get();
  expect(clock.requests).toBe(2);
});

it('discards only the token that was refused', async () => {
  const { source, answer, get } = setUp();
  const first = get();
  await answer(grant('one'));
  await first;
  source.forget('one');
  const second = get();
  await answer(grant('two'));
  expect(await second).toBe('two');
  source.forget('one');
  expect(await get()).toBe('two');
});

it('works again after a request that threw', async () => {
  let calls = 0;
  const source = new TokenSource(async () => {
    calls += 1;
    if (calls === 1) throw new Error('the log is away');
    return grant('one');
  });
  await expect(Promise.all([source.get(context), source.get(context)])).rejects.toThrow('the log is away');
  expect(await source.get(context)).toEqual({ ok: true, value: 'one' });
});

const refusal: BoxResult<TokenGrant> = {
  ok: false,
  fault: { code: 'box_auth_failed', detail: 'invalid_grant', ambiguous: false },
};

it('asks at growing intervals of at most a minute while the credentials are refused, for any number of calls', async () => {
  const { clock, answer, get, source } = setUp();
  const asked: number[] = [];
  for (; clock.seconds < 300; clock.seconds += 0.5) {
    const before = clock.requests;
    const calls = Promise.all([get(), get(), get()]);
    if (clock.requests > before) {
      asked.push(clock.seconds);
      await answer(refusal);
    }
    expect(new Set(await calls)).toEqual(new Set(['box_auth_failed']));
  }
  expect(asked).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  clock.seconds = 303;
  const call = get();
  await answer(grant('one'));
  expect(await call).toBe('one');
  source.accept();
  expect(await get()).toBe('one');
});

it('returns the time to wait, spread over the callers', async () => {
  const { answer, source } = setUp();
  const first = source.get(context);
  await answer(refusal);
  expect(await first).toMatchObject({ ok: false, fault: { retryAfterMs: expect.any(Number) as number } });
  const waits = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const result = await source.get(context);
      return result.ok ? 0 : (result.fault.retryAfterMs ?? 0);
    }),
  );
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_250);
  expect(new Set(waits).size).toBeGreaterThan(1);
});

it('uses the current token when its renewal is refused', async () => {
  const { clock, answer, get } = setUp();
  const first = get();
  await answer(grant('one'));
  expect(await first).toBe('one');
  clock.seconds = 3545;
  expect(await get()).toBe('one');
  await answer(refusal);
  expect(await get()).toBe('one');
});
