import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestReport } from '../http/request-log.ts';
import { rawPath } from '../http/raw-path.ts';

/** Sets the headers that every page has. */
export type SetHeaders = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

const PATH = '/healthz';
const matches = /^\/healthz\/?$/i;
const body = JSON.stringify({ alive: true });

/**
 * Answers `GET /healthz` in front of the application, whose queue of work must not decide whether the process counts as
 * alive.
 */
export class Liveness {
  private readonly report: RequestReport;
  private readonly setHeaders: SetHeaders;

  constructor(report: RequestReport, setHeaders: SetHeaders) {
    this.report = report;
    this.setHeaders = setHeaders;
  }

  /** False for a request that is not about `/healthz`; it is left as it is. */
  answer(req: IncomingMessage, res: ServerResponse): boolean {
    if ((req.method !== 'GET' && req.method !== 'HEAD') || !matches.test(rawPath(req))) return false;
    const reference = randomUUID();
    this.report.atEnd(res, { method: req.method, reference, path: () => PATH, route: () => PATH });
    this.setHeaders(req, res, () => {
      res.writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': body.length,
        'x-request-id': reference,
        'cache-control': 'no-store',
      });
      res.end(body);
    });
    return true;
  }
}
