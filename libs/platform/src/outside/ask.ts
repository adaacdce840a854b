import { readClock, type ClockReading } from './clock.ts';

/** The most that is read of an answer from an outside server, counted after decompression. */
export const OUTSIDE_MAX_BYTES = 1024 * 1024;

/** The limit of a call to an OpenID provider including the answer's body, in milliseconds. */
export const OUTSIDE_TIMEOUT_MS = 5_000;

/** An answer from an outside server: `body` is null when it was not JSON. */
export interface OutsideAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  /** The comparison of the answer's date with our clock; null when it had none. */
  readonly clock: ClockReading | null;
}

/** Why there is no answer: the server could not be reached, took too long, or sent too much. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

interface Request extends RequestInit {
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** One call to an outside server, returning any answer; redirects are not followed. Throws NoAnswer. */
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

/** Leaving the loop early closes the connection, so that no more is read or decompressed. */
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

/** fetch throws `fetch failed`, with the reason in its cause. */
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
 * from Retry-After (RFC 9110, section 10.2.3), or from Okta's X-Rate-Limit-Reset, which is a time on Okta's clock and
 * so is compared with the answer's Date. Undefined when it has neither.
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
