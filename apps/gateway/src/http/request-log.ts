import { randomUUID } from 'node:crypto';
import type { Logger, Metrics } from '@foyer/platform';
import type { Request, RequestHandler } from 'express';
import { isFault } from './fault.ts';
import { safePath } from './safe-path.ts';

declare module 'express-serve-static-core' {
  interface Request {
    /** The logger for all that is said about this request. */
    log: Logger;
    /** What a person reads out to an administrator: on every error page, in every line of the log about the request. */
    reference: string;
  }
}

/**
 * One line per request, and its time in the metrics. Written by hand rather than by a logger for HTTP: never the query, the
 * headers or the body, which carry codes, tokens and cookies, and of the path what is known to carry none.
 */
export function requestLog(logger: Logger, metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const began = performance.now();
    const { method } = req;
    req.reference = randomUUID();
    // Made when first asked for: most requests, polls, have nothing to say.
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

/** Probes, and polls with no news, would drown the rest. */
const isNoise = (req: Request, status: number): boolean =>
  status === 304 || (status === 200 && probes.has(req.path));

const probes = new Set(['/healthz', '/readyz', '/metrics']);
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The route's own pattern: addresses would make a time series each. */
function routeOf(req: Request): string {
  const route: unknown = req.route;
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'none';
  return typeof route.path === 'string' ? route.path : 'none';
}
