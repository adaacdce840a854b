/** A comparison of this machine's clock with an outside server's. */
export interface ClockReading {
  /** How far our clock is ahead of the server's, in milliseconds; negative when it is behind. */
  readonly aheadMs: number;
  /** How inaccurate `aheadMs` may be: the header counts whole seconds, and the answer took time. */
  readonly accuracyMs: number;
}

/** From this offset on a clock counts as wrong: tokens are refused when it is off by a minute. */
const WRONG_MS = 30_000;

/**
 * Compares our clock with the Date header of an answer (RFC 9110, section 6.6.1), corrected by its Age when it came
 * from a cache (RFC 9111, section 5.1). `sentAt` and `receivedAt`: our clock before and after the exchange, in
 * milliseconds. Null without a date.
 */
export function readClock(headers: Headers, sentAt: number, receivedAt: number): ClockReading | null {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return null;
  const age = /^\d{1,9}$/.exec(headers.get('age') ?? '')?.[0] ?? '0';
  const theirs = date + Number(age) * 1000 + 500;
  const onTheWay = Math.max(0, receivedAt - sentAt);
  return { aheadMs: sentAt + onTheWay / 2 - theirs, accuracyMs: 500 + onTheWay / 2 };
}

/** A sentence saying that our clock is wrong, by how much and compared with whose; null when it is right, or may be. */
export function clockProblem(reading: ClockReading | null, whose: string): string | null {
  if (reading === null || Math.abs(reading.aheadMs) - reading.accuracyMs < WRONG_MS) return null;
  const seconds = Math.round(Math.abs(reading.aheadMs) / 1000);
  const way = reading.aheadMs > 0 ? 'ahead of' : 'behind';
  return `The clock of this machine is ${seconds} s ${way} ${whose}. Synchronize it by NTP.`;
}
