import { assess } from './figures/bulk-limit.ts';
import { readStat } from './cpu.ts';
import { atLeast, atMost, grouped } from './figure.ts';
import { median } from './measure.ts';

describe('a figure', () => {
  it('is met up to its bar only, for minimum and maximum bars', () => {
    expect(atMost('a', 1.3, 1.3, {})).toMatchObject({ met: true, bar: 'at most 1.3' });
    expect(atMost('a', 1.3001, 1.3, {}).met).toBe(false);
    expect(atLeast('a', 0.97, 0.97, {})).toMatchObject({ met: true, bar: 'at least 0.97' });
    expect(atLeast('a', 0.9699, 0.97, {}).met).toBe(false);
    expect(atMost('a', Number.NaN, 1.3, {}).met).toBe(false);
    expect(atLeast('a', Number.NaN, 0.3, {}).met).toBe(false);
  });

  it('names sizes so that they can be read', () => {
    expect([999, 1_000, 20_000, 1_000_000].map(grouped)).toEqual(['999', '1 000', '20 000', '1 000 000']);
  });

  it('uses the middle value', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
  });
});

describe('the share of Box’s limit', () => {
  const start = Date.parse('2026-11-21T12:00:00.000Z');
  const callAt = (second: number, status = 201) => ({
    at: new Date(start + second * 1000).toISOString(),
    status,
  });
  const steady = (count: number, minute: number) =>
    Array.from({ length: count }, (_, n) => callAt(minute * 60 + (n * 60) / count));

  it('counts the calls of whole minutes from the first call, and leaves out what comes after', () => {
    const [used, refused] = assess([...steady(980, 0), ...steady(970, 1), ...steady(500, 2)], 2);
    expect(used).toMatchObject({ value: 0.975, met: true, detail: { minute1: 980, minute2: 970 } });
    expect(refused).toMatchObject({ value: 0, met: true });
  });

  it('is missed by a slow run, and by a single refusal', () => {
    const [used, refused] = assess([...steady(970, 0), callAt(59.99, 429), callAt(60)], 1);
    expect(used).toMatchObject({ value: 0.97, met: true });
    expect(refused).toMatchObject({ value: 1, met: false });
    expect(assess([...steady(969, 0), callAt(60)], 1)[0]).toMatchObject({ met: false });
  });
});

describe('processor time', () => {
  it('is read also after a name with spaces and brackets', () => {
    const stat =
      '4711 (postgres: (old) one) S 42 4711 4711 0 -1 4194560 900 0 0 0 120 30 5 2 20 0 1 0 9 9 9\n';
    expect(readStat(stat)).toEqual([{ pid: 4711, parent: 42, own: 1_570 }]);
  });

  it('is undefined for a process that has ended', () => {
    expect(readStat('')).toEqual([]);
  });
});
