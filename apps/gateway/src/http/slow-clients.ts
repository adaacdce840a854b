import type { IncomingMessage, Server } from 'node:http';
import { FoyerError } from '@foyer/shared';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** The time limit for the headers of a request, in milliseconds. Node checks it every half minute. */
const HEADERS_MS = 15_000;

/** The time limit for the body of a request, in milliseconds. 5 MiB in this time are 1.4 Mbit/s. */
const BODY_MS = 30_000;

/** The minimum speed of a long body, in bytes a second, after BODY_MS of waiting for it. */
const SLOWEST = 1_024;

/** The time limit for any body, in milliseconds, including a file of 100,000 people. */
const REQUEST_MS = 3_600_000;

/** Longer than the minute for which proxies keep connections: closing first could lose a request. */
const KEEP_ALIVE_MS = 65_000;

/**
 * Sets the time limits that only the server can enforce. Bodies use `bodyInTime` and `atLeastSlowly`, because Node
 * has a single limit for all bodies.
 */
export function limitServer(server: Server): void {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
}

/**
 * Responds with `request_timeout` when the body does not arrive in time, and ends the connection. `isLong` selects
 * the requests whose bodies may take longer.
 */
export const bodyInTime =
  (isLong: (req: Request) => boolean, limitMs: number = BODY_MS): RequestHandler =>
  (req: Request, res: Response, next: NextFunction) => {
    if (!hasBody(req) || isLong(req)) return next();
    const timer = setTimeout(() => {
      if (req.complete || res.headersSent) return;
      endAfterAnswer(req, res);
      next(new FoyerError('request_timeout'));
    }, limitMs);
    const clear = () => clearTimeout(timer);
    req.once('end', clear);
    res.once('close', clear);
    next();
  };

/**
 * Yields the chunks of a long body while it arrives at the minimum speed. Only waiting counts, not the time to
 * process a chunk. Throws `request_timeout`.
 */
export async function* atLeastSlowly<T extends { readonly byteLength: number }>(
  pieces: AsyncIterable<T>,
  { graceMs = BODY_MS, slowest = SLOWEST, now = () => performance.now() } = {},
): AsyncGenerator<T> {
  const iterator = pieces[Symbol.asyncIterator]();
  let left = graceMs;
  try {
    for (;;) {
      const began = now();
      const result = await within(left, iterator.next());
      if (result.done) return;
      left = Math.min(graceMs, left - (now() - began) + (result.value.byteLength / slowest) * 1_000);
      if (left <= 0) throw new FoyerError('request_timeout');
      yield result.value;
    }
  } finally {
    // Not awaited, because the iterator may itself be waiting for the next chunk.
    iterator.return?.().catch(() => undefined);
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new FoyerError('request_timeout')), Math.max(0, limitMs));
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** How long a client may go on sending its body before it reads the response, in milliseconds. */
const LINGER_MS = 120_000;

/** Ends a connection some time after its response when the client is still sending a body that is no longer read. */
export function endUnread(req: IncomingMessage, res: Response): void {
  res.once('finish', () => {
    if (!req.complete) setTimeout(() => req.destroy(), LINGER_MS).unref();
  });
}

function endAfterAnswer(req: IncomingMessage, res: Response): void {
  res.setHeader('connection', 'close');
  res.once('finish', () => req.destroy());
}

export const hasBody = (req: IncomingMessage): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
