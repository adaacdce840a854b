import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** A request as handlers get it: the complete body, and the path without the query. */
export interface WireRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
  /** Sent as `box-request-id`, and as `request_id` in an error. */
  requestId: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const bodyLimitBytes = 1024 * 1024;

export class BodyTooLarge extends Error {}

export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

export function emptyAnswer(status: number, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: '' };
}

/**
 * Reads the whole request. Rejects with BodyTooLarge over 1 MiB, but only at its end, so that the client can read the
 * response.
 */
export async function readRequest(request: IncomingMessage, requestId: string): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size <= bodyLimitBytes) chunks.push(bytes);
  }
  if (size > bodyLimitBytes) throw new BodyTooLarge();
  const [path = '/', search = ''] = splitOnce(request.url ?? '/', '?');
  return {
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(search),
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    requestId,
  };
}

/**
 * Sends a response with every header name in lower case, as Box does since May 2021. `now`: the time in its Date
 * header.
 */
export function send(response: ServerResponse, answer: Answer, requestId: string, now = Date.now()): void {
  if (response.destroyed || response.headersSent) return;
  response.sendDate = false;
  const headers: Record<string, string> = {
    date: new Date(now).toUTCString(),
    connection: response.shouldKeepAlive ? 'keep-alive' : 'close',
    'strict-transport-security': 'max-age=31536000',
    'cache-control': 'no-cache, no-store',
    'box-request-id': requestId,
    ...answer.headers,
  };
  const bytes = Buffer.from(answer.body);
  if (answer.status !== 204) headers['content-length'] = String(bytes.length);
  response.writeHead(answer.status, headers).end(bytes);
}

function splitOnce(text: string, mark: string): string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
