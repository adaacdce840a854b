import { setTimeout as pause } from 'node:timers/promises';
import { type Stack, startStack } from '../../stack/stack.ts';
import { type BoxCall } from '../../stack/twins.ts';
import { Crowd } from '../crowd.ts';
import { atLeast, atMost, type Figure, type Measurement, type Scale } from '../figure.ts';

const PER_MINUTE = 1_000;
const PROVISIONERS = 2;
const WINDOW_MS = 60_000;
const BOX_LATENCY_MS = 100;
const sizes: Record<Scale, { minutes: number }> = { full: { minutes: 3 }, small: { minutes: 1 } };
const LOOK_EVERY_MS = 1_000;
/** Time for the first call to arrive, and for the last minute's calls to be seen. */
const SLACK_MS = 60_000;

/**
 * How much of Box's limit a bulk run uses, and how often it exceeds it, both from the calls that reached the twin. The
 * twin's limiter counts in windows of a minute from the very first call, and so does this figure, without skipping a
 * start.
 */
async function bulkLimit(scale: Scale): Promise<Figure[]> {
  const { minutes } = sizes[scale];
  const stack = await startStack({
    parts: ['box', 'provisioner'],
    provisioners: PROVISIONERS,
    env: {
      box: { BOX_TWIN_RATE_LIMIT: `${PER_MINUTE}` },
      provisioner: { BOX_CALLS_PER_MINUTE: `${PER_MINUTE}` },
    },
  });
  const crowd = await Crowd.open(stack.databaseUrl);
  try {
    await stack.box.settings({ latencyMs: BOX_LATENCY_MS });
    await crowd.admit((minutes + 1) * PER_MINUTE);
    await crowd.letGo();
    const calls = await callsOf(stack, minutes * WINDOW_MS);
    return assess(calls, minutes);
  } finally {
    await crowd.close();
    await stack.stop();
  }
}

/** The calls that reached the twin, without token calls, in the first `ms` after the first. */
async function callsOf(stack: Stack, ms: number): Promise<BoxCall[]> {
  const until = performance.now() + ms + SLACK_MS;
  while (performance.now() < until) {
    await pause(LOOK_EVERY_MS);
    const calls = (await stack.box.calls()).filter(({ path }) => path.startsWith('/2.0/'));
    if (calls.length > 0 && Date.parse(calls.at(-1)!.at) - Date.parse(calls[0]!.at) >= ms) return calls;
  }
  throw new Error(`The twin did not see calls for ${ms / 1000} s.`);
}

/** `calls` in order of arrival. */
export function assess(calls: readonly Pick<BoxCall, 'at' | 'status'>[], minutes: number): Figure[] {
  const first = Date.parse(calls[0]!.at);
  const perWindow = new Array<number>(minutes).fill(0);
  for (const { at, status } of calls) {
    if (status === 429) continue;
    const window = Math.floor((Date.parse(at) - first) / WINDOW_MS);
    if (window < minutes) perWindow[window]! += 1;
  }
  const used = perWindow.reduce((sum, count) => sum + count, 0);
  const refused = calls.filter(({ status }) => status === 429).length;
  const name = `in a bulk run at ${PER_MINUTE} calls a minute, over ${minutes} min with ${PROVISIONERS} provisioners`;
  const detail = Object.fromEntries(perWindow.map((count, at) => [`minute${at + 1}`, count]));
  return [
    atLeast(`share of Box’s limit used ${name}`, used / (minutes * PER_MINUTE), 0.97, detail),
    atMost(`calls refused with 429 ${name}`, refused, 0, { calls: calls.length }),
  ];
}

export const bulkLimitMeasurement: Measurement = {
  name: 'bulk-limit',
  about: 'share of Box’s limit of 1000 calls a minute that a bulk run uses: at least 0.97; calls refused: 0',
  measure: bulkLimit,
};
