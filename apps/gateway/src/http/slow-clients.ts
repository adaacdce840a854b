import type { IncomingMessage, Server } from 'node:http';
import { FoyerError } from '@foyer/shared';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** How long the headers of a request may take, in milliseconds. Node looks each half minute. */
const HEADERS_MS = 15_000;

/** How long the body of a request may take. 5 MiB in that time are 1.4 Mbit/s. */
const BODY_MS = 30_000;

/** What a client that sends a long body must keep up, in bytes a second, after BODY_MS of waiting for it. */
const SLOWEST = 1_024;

/** The longest that any body may take, a file of 100,000 people included. */
const REQUEST_MS = 3_600_000;

/** Proxies keep connections for a minute: one that is closed on this side first may cost a request its answer. */
const KEEP_ALIVE_MS = 65_000;

/** Time limits that only a server can keep. Bodies have `bodyInTime` and `atLeastSlowly`, for Node has one limit for all of them. */
export function limitServer(server: Server): void {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
}

/**
 * Answers `request_timeout` when the body has not come in time, and ends the connection. `isLong` tells the requests whose
 * bodies are read as long as they come.
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
 * The pieces of a long body, as long as they come at a modest speed. Only the waiting counts: what we take to work on a piece
 * is not the client's fault. Throws `request_timeout`.
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
    // Not waited for: it may be in the middle of a wait itself.
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

/** Who still sends gets that long to come to the end and read the answer. */
const LINGER_MS = 120_000;

/** Ends a connection some time after its answer when the client goes on sending what nobody reads any more. */
export function endUnread(req: IncomingMessage, res: Response): void {
  res.once('finish', () => {
    if (!req.complete) setTimeout(() => req.destroy(), LINGER_MS).unref();
  });
}

function endAfterAnswer(req: IncomingMessage, res: Response): void {
  res.setHeader('connection', 'close');
  res.once('finish', () => req.destroy());
}

const hasBody = (req: Request): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
