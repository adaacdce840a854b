import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { fromHttpError, isUnavailable, toProblem } from '@foyer/platform';
import { ScimError } from '@foyer/scim';
import { errorCatalog, FoyerError, type ErrorCode } from '@foyer/shared';
import type { Request, Response } from 'express';
import { LOGGER, type ProcessContext } from '../context.ts';
import { errorPage } from './pages/error-page.ts';
import { isFault } from './fault.ts';
import { sendScimError, toScimError } from './scim-answer.ts';
import { isScim } from './scim-path.ts';

/** Seconds until a retry is useful, for errors that do not state it themselves. */
const retryAfter: Partial<Record<ErrorCode, number>> = { unavailable: 5, okta_unavailable: 10 };

/** Errors whose messages quote the request: the parser quotes the body, the router the address with its query. */
const quoting: ReadonlySet<ErrorCode> = new Set(['malformed_body', 'not_found']);

/**
 * Turns every error into a response: the SCIM envelope for SCIM clients, a page for browsers, RFC 9457 problem
 * details for all others.
 */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: ProcessContext['logger']) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const req = http.getRequest<Request>();
    const res = http.getResponse<Response>();
    try {
      this.answer(error, req, res);
    } catch (failure) {
      // Express's own error page would show the stack.
      this.logger.error({ event: 'error-answer-failed', reference: req.reference, err: failure, error });
      sendFallback(req, res);
    }
  }

  private answer(error: unknown, req: Request, res: Response): void {
    const known = error instanceof ScimError ? error : toFoyerError(error, req);
    log(req, known);
    if (res.headersSent) {
      res.destroy();
      return;
    }
    res.setHeader('cache-control', 'no-store');
    if (known instanceof ScimError) return sendScimError(res, known);
    const { status } = errorCatalog[known.code];
    const wait =
      known.retryAfterMs === undefined ? retryAfter[known.code] : Math.ceil(known.retryAfterMs / 1000);
    if (wait !== undefined) res.setHeader('retry-after', String(Math.max(1, wait)));
    if (isScim(req)) return sendScimError(res, toScimError(known));
    res.status(status);
    if (wantsPage(req)) res.type('html').send(errorPage(known, req.reference, pathOf(req)));
    else
      res
        .type('application/problem+json')
        .send(JSON.stringify(toProblem(known, `urn:uuid:${req.reference}`)));
  }
}

/** The response when creating the error response failed: constant texts, which cannot fail. */
function sendFallback(req: Request, res: Response): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.status(500).setHeader('cache-control', 'no-store');
  if (wantsPage(req)) res.type('html').send(FALLBACK_PAGE);
  else res.type('application/problem+json').send(FALLBACK_PROBLEM);
}

const FALLBACK_PAGE = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Something went wrong – Foyer</title></head>
  <body>
    <h1>Something went wrong</h1>
    <p>That was our fault, not yours. Try again in a minute.</p>
    <p><a href="/">Go to the start page</a></p>
  </body>
</html>
`;
const FALLBACK_PROBLEM = JSON.stringify({
  type: '/docs/errors#internal_error',
  title: 'An internal error occurred',
  status: 500,
  code: 'internal_error',
});

/** The page that the browser requested; a form is not sent again. */
const pathOf = ({ method, originalUrl }: Request): string => (method === 'GET' ? originalUrl : '/');

/** A client's error is logged without a stack, because anyone can cause any number of them. */
function log(req: Request, error: FoyerError | ScimError): void {
  const { status, code, reason } = summaryOf(error);
  if (isFault(status)) req.log.error({ event: 'request-failed', code, err: error });
  else req.log.info({ event: 'request-refused', code, reason });
}

function summaryOf(error: FoyerError | ScimError) {
  if (error instanceof ScimError)
    return { status: error.status, code: error.scimType ?? 'scim', reason: withoutQuotes(error) };
  const { code, cause, detail } = error;
  const reason = cause instanceof Error && !quoting.has(code) ? cause.message : detail;
  return { status: errorCatalog[code].status, code, reason };
}

/** A quoted text comes from the client and may be a secret in the wrong place. "Not found" quotes an address. */
const withoutQuotes = ({ status, message }: ScimError): string =>
  status === 404 ? 'There is no such resource.' : message.replace(/"(?:[^"\\]|\\.)*"?/g, '"…"');

/** Any error as one of the closed list. */
export function toFoyerError(error: unknown, req: Request): FoyerError {
  if (error instanceof FoyerError) return error;
  if (isUnavailable(error)) return new FoyerError('unavailable', undefined, { cause: error });
  const refusal = fromHttpError(error);
  // Express reports an undecodable address with the same status as an unreadable body.
  if (refusal?.code === 'malformed_body' && !hasBody(req))
    return new FoyerError('invalid_request', undefined, { cause: error });
  return refusal ?? new FoyerError('internal_error', undefined, { cause: error });
}

const hasBody = (req: Request): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;

/** The API always answers in JSON; elsewhere a client that does not ask for HTML gets none. */
function wantsPage(req: Request): boolean {
  return (
    !/^\/v1(\/|$)/.test(req.path) &&
    req.accepts(['application/problem+json', 'application/json', 'text/html']) === 'text/html'
  );
}
