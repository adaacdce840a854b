import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
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

/** What the log and the metrics show of a request. `path` and `route` are read when the response has ended. */
interface Reported {
  readonly method: string;
  readonly reference: string;
  readonly path: () => string;
  readonly route: () => string;
}

/**
 * Logs one line per request, and measures its time. It is not an off-the-shelf HTTP logger, because it must leave out
 * query, headers and body, which contain codes, tokens and cookies, and the parts of the path that may be secret.
 */
export class RequestReport {
  private readonly logger: Logger;
  private readonly metrics: Metrics;

  constructor(logger: Logger, metrics: Metrics) {
    this.logger = logger;
    this.metrics = metrics;
  }

  /** The logger for everything about one request. */
  loggerOf(reference: string): Logger {
    return this.logger.child({ reference });
  }

  /** Reports the request when its response has ended. */
  atEnd(res: ServerResponse, { method, reference, path, route }: Reported): void {
    const began = performance.now();
    res.once('close', () => {
      const durationMs = performance.now() - began;
      const status = res.statusCode;
      const level = isFault(status) ? 'warn' : isNoise(route(), status) ? 'debug' : 'info';
      if (this.logger.isLevelEnabled(level)) {
        this.loggerOf(reference)[level]({
          event: 'request',
          method,
          path: path(),
          status,
          durationMs: Math.round(durationMs * 10) / 10,
          aborted: !res.writableFinished,
        });
      }
      const labels = {
        method: methods.has(method) ? method : 'other',
        route: route(),
        status: String(status),
      };
      this.metrics.httpSeconds.observe(labels, durationMs / 1000);
    });
  }
}

/** Gives each request its reference and its logger, and reports it. */
export function requestLog(report: RequestReport): RequestHandler {
  return (req, res, next) => {
    const reference = randomUUID();
    req.reference = reference;
    // Created on first use, because most requests are polls that log nothing.
    let log: Logger | undefined;
    Object.defineProperty(req, 'log', { get: () => (log ??= report.loggerOf(reference)) });
    res.setHeader('x-request-id', reference);
    report.atEnd(res, {
      method: req.method,
      reference,
      path: () => safePath(req),
      route: () => routeOf(req),
    });
    next();
  };
}

/** Probes and polls without a change would fill the log. */
const isNoise = (route: string, status: number): boolean =>
  status === 304 || (status === 200 && probes.has(route));

const probes = new Set(['/healthz', '/readyz', '/metrics']);
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The pattern of the route, because each address would create a time series of its own. */
function routeOf(req: Request): string {
  const route: unknown = req.route;
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'none';
  return typeof route.path === 'string' ? route.path : 'none';
}
