import { randomUUID } from 'node:crypto';
import type { Logger, Metrics } from '@foyer/platform';
import type { Request, RequestHandler } from 'express';
import { isFault } from './fault.ts';
import { safePath } from './safe-path.ts';

declare module 'express-serve-static-core' {
  interface Request {
    /** The logger for everything about this request. */
    log: Logger;
    /**
     * Identifies the request for an administrator: on every error page, and in every line of the log about the
     * request.
     */
    reference: string;
  }
}

/**
 * Logs one line per request, and measures its time. It is not an off-the-shelf HTTP logger, because it must leave out
 * query, headers and body, which contain codes, tokens and cookies, and the parts of the path that may be secret.
 */
export function requestLog(logger: Logger, metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const began = performance.now();
    const { method } = req;
    req.reference = randomUUID();
    // Created on first use, because most requests are polls that log nothing.
    let log: Logger | undefined;
    Object.defineProperty(req, 'log', { get: () => (log ??= logger.child({ reference: req.reference })) });
    res.setHeader('x-request-id', req.reference);
    res.once('close', () => {
      const durationMs = performance.now() - began;
      const status = res.statusCode;
      const level = isFault(status) ? 'warn' : isNoise(req, status) ? 'debug' : 'info';
      if (logger.isLevelEnabled(level)) {
        req.log[level]({
          event: 'request',
          method,
          path: safePath(req),
          status,
          durationMs: Math.round(durationMs * 10) / 10,
          aborted: !res.writableFinished,
        });
      }
      const labels = {
        method: methods.has(method) ? method : 'other',
        route: routeOf(req),
        status: String(status),
      };
      metrics.httpSeconds.observe(labels, durationMs / 1000);
    });
    next();
  };
}

/** Probes and polls without a change would fill the log. */
const isNoise = (req: Request, status: number): boolean =>
  status === 304 || (status === 200 && probes.has(req.path));

const probes = new Set(['/healthz', '/readyz', '/metrics']);
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The pattern of the route, because each address would create a time series of its own. */
function routeOf(req: Request): string {
  const route: unknown = req.route;
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'none';
  return typeof route.path === 'string' ? route.path : 'none';
}
