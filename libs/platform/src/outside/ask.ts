import { readClock, type ClockReading } from './clock.ts';

/** No answer from outside is read further than this, counted after it was unpacked. */
export const OUTSIDE_MAX_BYTES = 1024 * 1024;

/** No call to an OpenID provider takes longer than this, the answer's body included, in milliseconds. */
export const OUTSIDE_TIMEOUT_MS = 5_000;

/** An answer from outside: `body` is null when it was no JSON. */
export interface OutsideAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  /** What it told of our clock; null when it told nothing. */
  readonly clock: ClockReading | null;
}

/** Why there is no answer: nobody is there, it took too long, or it was too large. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

interface Request extends RequestInit {
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** One call to somebody else's server, whatever it answers; a redirect is not followed. Throws NoAnswer. */
export async function askOutside(url: string, request: Request = {}): Promise<OutsideAnswer> {
  const { timeoutMs = OUTSIDE_TIMEOUT_MS, maxBytes = OUTSIDE_MAX_BYTES, ...init } = request;
  const sentAt = Date.now();
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const clock = readClock(response.headers, sentAt, Date.now());
    const body = parse(await readBody(response, maxBytes));
    return { status: response.status, headers: response.headers, body, clock };
  } catch (cause) {
    if (cause instanceof NoAnswer) throw cause;
    throw new NoAnswer(`${new URL(url).host} did not answer: ${reasonOf(cause)}`, { cause });
  }
}

/** Leaving the loop early ends the connection, so that nothing more is read or unpacked. */
async function readBody(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (body === null) return '';
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new NoAnswer(`${new URL(response.url).host} answered with more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** fetch says `fetch failed`, and why in its cause. */
function reasonOf(error: unknown): string {
  const cause = propertyOf(error, 'cause') ?? error;
  const code = propertyOf(cause, 'code');
  return typeof code === 'string' ? code : String(propertyOf(cause, 'message') ?? cause);
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;

const LONGEST_WAIT_MS = 3_600_000;

/**
 * When an answer of 429 or 503 allows the next call, in milliseconds from now, at least a second and at most an hour:
 * Retry-After (RFC 9110, section 10.2.3), or Okta's X-Rate-Limit-Reset, which is a time on Okta's clock and so is compared
 * with its Date. Undefined when it does not say.
 */
export function waitOf({ headers, clock }: Pick<OutsideAnswer, 'headers' | 'clock'>): number | undefined {
  const after = headers.get('retry-after')?.trim();
  const reset = headers.get('x-rate-limit-reset')?.trim();
  const theirNow = Date.now() - (clock?.aheadMs ?? 0);
  const wait =
    after !== undefined && after !== ''
      ? /^\d+$/.test(after)
        ? Number(after) * 1000
        : Date.parse(after) - theirNow
      : reset !== undefined && /^\d{1,12}$/.test(reset)
        ? Number(reset) * 1000 - theirNow + 1_000
        : NaN;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(Math.ceil(wait), 1_000), LONGEST_WAIT_MS);
}
