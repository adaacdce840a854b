import http, { Agent as HttpAgent } from 'node:http';
import https, { Agent as HttpsAgent } from 'node:https';
import { BaseUrls } from 'box-node-sdk/networking/baseUrls';
import { BoxNetworkClient } from 'box-node-sdk/networking/boxNetworkClient';
import { BoxSdkError } from 'box-node-sdk/box/errors';
import { FetchOptions, type FetchOptionsInput } from 'box-node-sdk/networking/fetchOptions';
import type { FetchResponse } from 'box-node-sdk/networking/fetchResponse';
import { NetworkSession } from 'box-node-sdk/networking/network';
import type { RetryStrategy } from 'box-node-sdk/networking/retries';
import { z } from 'zod';

/** A status arrived; `body` is null when the rest was cut off, too slow or too large. Header names in lower case. */
export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** No status arrived. `unsent`: Box certainly did not get the request; `lost`: it may have. */
export interface Unanswered {
  readonly kind: 'unsent' | 'lost';
  readonly reason: string;
}

/** How one HTTP request ended. */
export type Exchange = Answered | Unanswered;

/** Errors that occur before a byte of the request is sent: no address, no connection, no trusted certificate. */
const unsentErrors = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_PROXY_TUNNEL',
]);

/**
 * The most that is read of an answer, counted after decompression; four times as much for a listing (1000 folder items
 * are about 400 KB).
 */
export const BODY_MAX_BYTES = 1024 * 1024;
export const LISTING_MAX_BYTES = 4 * BODY_MAX_BYTES;

/**
 * Idle connections are closed before a server is likely to close them, because a write to a connection just closed ends
 * ambiguous.
 */
const IDLE_CONNECTION_MS = 4_000;

const neverAgain: RetryStrategy = { shouldRetry: async () => false, retryAfter: () => 0 };

/**
 * Sends single HTTP requests through the Box SDK and prevents its automatic behaviour: nothing is sent twice (no
 * retries, no redirects), every request has a time limit up to the last byte, connections are reused, and every status
 * is returned with its body, JSON or not.
 */
export class Transport {
  readonly #agent: HttpAgent;
  readonly #baseUrls: BaseUrls;
  readonly #timeoutMs: number;
  readonly #client = new BoxNetworkClient();

  constructor(options: { origin: string; timeoutMs: number; maxConnections: number }) {
    // Box is reached through the proxy that Node itself was configured with (NODE_USE_ENV_PROXY, HTTPS_PROXY,
    // NO_PROXY).
    const isSecure = options.origin.startsWith('https:');
    const proxyEnv = proxyOf(isSecure ? https.globalAgent : http.globalAgent);
    const agentOptions = {
      keepAlive: true,
      maxSockets: options.maxConnections,
      timeout: IDLE_CONNECTION_MS,
      proxyEnv,
    };
    this.#agent = isSecure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
    this.#baseUrls = new BaseUrls({ baseUrl: options.origin });
    this.#timeoutMs = options.timeoutMs;
  }

  /**
   * Runs `request` with an SDK session that sends exactly one HTTP request, and returns how that request ended. The
   * SDK's own result is ignored, because it fails on valid answers (a 201 with notification_email []).
   */
  async exchange(
    request: (session: NetworkSession) => Promise<unknown>,
    maxBytes = BODY_MAX_BYTES,
  ): Promise<Exchange> {
    const seen: { first?: Promise<Exchange> } = {};
    const fetch = async (options: FetchOptionsInput): Promise<FetchResponse> => {
      if (seen.first)
        throw new Error(
          'The SDK tried to send a second HTTP request, which Foyer refused: each call is one HTTP request.',
        );
      seen.first = this.#send(options, maxBytes);
      return asFetchResponse(await seen.first);
    };
    try {
      await request(this.#session({ networkClient: { fetch } }));
    } catch (error) {
      if (!seen.first) return { kind: 'unsent', reason: `the request could not be sent (${nameOf(error)})` };
    }
    return seen.first ?? { kind: 'unsent', reason: 'no request was sent' };
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #session(parts: Partial<ConstructorParameters<typeof NetworkSession>[0]>): NetworkSession {
    return new NetworkSession({ baseUrls: this.#baseUrls, agent: this.#agent, ...parts });
  }

  async #send(options: FetchOptionsInput, maxBytes: number): Promise<Exchange> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#timeoutMs);
    try {
      const response = await this.#head(options, deadline.signal);
      const body = await readBody(response, deadline, maxBytes);
      return { kind: 'answered', status: response.status, headers: response.headers, body };
    } catch (error) {
      if (deadline.signal.aborted) return { kind: 'lost', reason: `no answer within ${this.#timeoutMs} ms` };
      const code = codeOf(error);
      return { kind: unsentErrors.has(code) ? 'unsent' : 'lost', reason: code };
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Status and headers, with the body still to be read. In JSON mode the SDK loses the status of a body that is not
   * JSON; in binary mode it drops the body of an error. So the answer is taken from an interceptor, and the SDK gets
   * status 200, the only one that it returns without retrying, redirecting or throwing.
   */
  async #head(options: FetchOptionsInput, signal: AbortSignal): Promise<FetchResponse> {
    const seen: { response?: FetchResponse } = {};
    const networkSession = this.#session({
      retryStrategy: neverAgain,
      interceptors: [
        {
          beforeRequest: (request) => request,
          afterRequest: (response) => {
            seen.response = response;
            return { ...response, status: 200 };
          },
        },
      ],
    });
    await this.#client.fetch(
      new FetchOptions({ ...options, networkSession, responseFormat: 'binary', cancellationToken: signal }),
    );
    if (!seen.response) throw new Error('The SDK returned no response.');
    return seen.response;
  }
}

/** Null when the body is incomplete. A request that is given up is aborted, so that its connection is closed too. */
async function readBody(
  response: FetchResponse,
  deadline: AbortController,
  maxBytes: number,
): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.content ?? []) {
      const bytes = Buffer.from(chunk as Uint8Array);
      size += bytes.length;
      if (size > maxBytes) throw new Error('too large');
      chunks.push(bytes);
    }
  } catch {
    deadline.abort();
    return null;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The types omit an agent's options, which contain what NODE_USE_ENV_PROXY made Node read. */
const WithProxy = z.object({ options: z.object({ proxyEnv: z.record(z.string(), z.string().optional()) }) });

const proxyOf = (agent: HttpAgent): Record<string, string | undefined> | undefined =>
  WithProxy.safeParse({ ...agent }).data?.options.proxyEnv;

/** The part of an exchange that the SDK's managers get. */
function asFetchResponse(exchange: Exchange): FetchResponse {
  return exchange.kind === 'answered'
    ? { status: exchange.status, headers: exchange.headers }
    : { status: 0, headers: {} };
}

function codeOf(error: unknown): string {
  const cause: unknown = error instanceof BoxSdkError ? error.error : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return nameOf(cause);
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
