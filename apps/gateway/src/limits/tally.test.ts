import { expect, test } from '@jest/globals';
import { Places, Rate } from './tally.ts';

test('places: a limited number per key, and none is released twice', () => {
  const places = new Places(2);
  const [first, second] = [places.take('a'), places.take('a')];
  expect(places.take('a')).toBeNull();
  expect(places.take('b')).not.toBeNull();
  first?.();
  first?.();
  expect(places.takenBy('a')).toBe(1);
  expect(places.take('a')).not.toBeNull();
  expect(places.take('a')).toBeNull();
  second?.();
});

test('places: a key without places takes no memory', () => {
  const places = new Places(1);
  for (let key = 0; key < 1_000; key++) places.take(String(key))?.();
  expect(places.size).toBe(0);
});

test('places: 0 is no limit', () => {
  const places = new Places(0);
  expect(Array.from({ length: 1_000 }, () => places.take('a'))).not.toContain(null);
});

test('a rate: all calls of a minute at once, then one after the other, as they become free', () => {
  let now = 0;
  const rate = new Rate(60, 10, () => now);
  for (let times = 0; times < 60; times++) expect(rate.take('a')).toBe(0);
  expect(rate.take('a')).toBe(1_000);
  expect(rate.take('b')).toBe(0);
  now = 400;
  expect(rate.take('a')).toBe(600);
  now = 1_000;
  expect(rate.take('a')).toBe(0);
  expect(rate.take('a')).toBe(1_000);
  now = 10 * 60_000;
  for (let times = 0; times < 60; times++) expect(rate.take('a')).toBe(0);
  expect(rate.take('a')).toBeGreaterThan(0);
});

test('a rate: its table is bounded, and a caller who continues over the limit stays in it', () => {
  const rate = new Rate(1, 100, () => 0);
  rate.take('greedy');
  for (let key = 0; key < 10_000; key++) {
    rate.take(String(key));
    if (key % 50 === 0) expect(rate.take('greedy')).toBeGreaterThan(0);
  }
  expect(rate.size).toBe(100);
});

test('a rate of 0 is no limit', () => {
  const rate = new Rate(0);
  for (let times = 0; times < 1_000; times++) expect(rate.take('a')).toBe(0);
  expect(rate.size).toBe(0);
});
