import { Agent as PlainAgent, request as plain, type IncomingHttpHeaders } from 'node:http';
import { Agent as SecureAgent, request as secure } from 'node:https';
import { promisify, types } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { isRecord, kept, parsed, type Exchange } from './exchange.ts';
import { type ScimSettings } from './settings.ts';

/** A push that failed, in the words of the task list. */
export class PushError extends Error {
  /** The server's HTTP status; null when there was no response. */
  readonly status: number | null;
  /** How long the server asked the client to wait, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(message: string, status: number | null = null, retryAfterMs = 0) {
    super(message);
    this.name = 'PushError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Answer {
  status: number;
  /** Undefined when the body was empty. */
  body: unknown;
  retryAfterMs: number;
}

const JSON_TYPE = 'application/scim+json';
const unzip = { gzip: promisify(gunzip), deflate: promisify(inflate) };
// No connection is used twice: one that the server has just closed would fail a push that was never sent.
const agents = { plain: new PlainAgent({ keepAlive: false }), secure: new SecureAgent({ keepAlive: false }) };

/** Sends requests like Okta's SCIM client, and passes each exchange to `record`. */
export class ScimClient {
  readonly #settings: ScimSettings;
  readonly #stopped: AbortSignal;
  readonly #record: (exchange: Exchange) => void;

  constructor(settings: ScimSettings, stopped: AbortSignal, record: (exchange: Exchange) => void) {
    this.#settings = settings;
    this.#stopped = stopped;
    this.#record = record;
  }

  /**
   * @param path below the base URL, with its query
   * @param secrets values in the body that must not be recorded
   * @returns any response that is JSON or empty, whatever its status
   * @throws PushError when there was none in time, or one that is neither
   */
  async send(method: string, path: string, body?: unknown, secrets: readonly string[] = []): Promise<Answer> {
    const { baseUrl, token, timeLimitMs } = this.#settings;
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = headersFor(body !== undefined);
    const hidden = [token, ...secrets];
    const exchange: Exchange = {
      at: new Date().toISOString(),
      method,
      path,
      headers: { ...headers, Authorization: 'Bearer [redacted]' },
      body: kept(text, hidden),
      status: null,
      answerHeaders: {},
      answer: null,
      ms: 0,
    };
    const started = performance.now();
    const limit = AbortSignal.timeout(timeLimitMs);
    try {
      const answer = await exchanged(new URL(baseUrl + path), {
        method,
        headers: { ...headers, Authorization: `Bearer ${token}` },
        text,
        signal: AbortSignal.any([limit, this.#stopped]),
      });
      exchange.status = answer.status;
      exchange.answerHeaders = shown(answer.headers, hidden);
      exchange.answer = kept(answer.text, hidden);
      return understood(answer);
    } catch (error) {
      if (error instanceof PushError) throw error;
      if (limit.aborted) throw new PushError(`Timed out: no answer within ${String(timeLimitMs)} ms`);
      throw new PushError(`Could not connect: ${types.isNativeError(error) ? error.message : String(error)}`);
    } finally {
      exchange.ms = Math.round(performance.now() - started);
      this.#record(exchange);
    }
  }
}

/** The headers of every request, spelt and ordered like Okta's. */
function headersFor(hasBody: boolean): Record<string, string> {
  return {
    Accept: JSON_TYPE,
    'Accept-Charset': 'utf-8',
    'Accept-Encoding': 'gzip,deflate',
    'User-Agent': 'Okta SCIM Client 1.0.0',
    ...(hasBody && { 'Content-Type': `${JSON_TYPE}; charset=utf-8` }),
  };
}

interface Received {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

function exchanged(
  url: URL,
  sent: { method: string; headers: Record<string, string>; text: string; signal: AbortSignal },
): Promise<Received> {
  const { method, headers, text, signal } = sent;
  const isSecure = url.protocol === 'https:';
  const body = Buffer.from(text);
  return new Promise((resolve, reject) => {
    const request = (isSecure ? secure : plain)(url, {
      method,
      agent: isSecure ? agents.secure : agents.plain,
      headers: body.length === 0 ? headers : { ...headers, 'Content-Length': body.length },
      signal,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        decoded(Buffer.concat(chunks), response.headers['content-encoding']).then(
          (text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
          reject,
        );
      });
    });
    request.end(body);
  });
}

async function decoded(bytes: Buffer, encoding = 'identity'): Promise<string> {
  const open = encoding === 'gzip' || encoding === 'deflate' ? unzip[encoding] : undefined;
  return (open && bytes.length > 0 ? await open(bytes) : bytes).toString('utf8');
}

/** A body that is not JSON fails the push at once, whichever server sent it, such as a gateway's error page. */
function understood({ status, headers, text }: Received): Answer {
  const retryAfterMs = Number(headers['retry-after'] ?? 0) * 1000 || 0;
  const body = text === '' ? undefined : parsed(text);
  if (text !== '' && body === undefined) throw new PushError('Invalid JSON', status, retryAfterMs);
  return { status, body, retryAfterMs };
}

/** A refusal, in the server's own words where it has some (RFC 7644, 3.12). */
export function refusal(what: string, { status, body, retryAfterMs }: Answer): PushError {
  const detail = isRecord(body) && typeof body['detail'] === 'string' ? body['detail'] : undefined;
  const exists = status === 409 ? ' already exists' : '';
  const remote = detail === undefined ? '' : `. Errors reported by remote server: ${detail}`;
  return new PushError(`${what}${exists}: HTTP ${String(status)}${remote}`, status, retryAfterMs);
}

function shown(headers: IncomingHttpHeaders, secrets: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(kept(String(value), secrets))]),
  );
}
