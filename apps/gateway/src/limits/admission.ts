import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { Metrics, toProblem } from '@foyer/platform';
import { errorCatalog, FoyerError, type ErrorCode } from '@foyer/shared';
import { ScimError, toScimErrorBody } from '@foyer/scim';
import { errorPage } from '../http/pages/error-page.ts';
import { rawPath } from '../http/raw-path.ts';
import { isScim } from '../http/scim-path.ts';
import { hasBody } from '../http/slow-clients.ts';
import { CONFIG, LOGGER, type ProcessContext } from '../context.ts';
import { Place } from './place.ts';
import { ShedReport, type ShedReason } from './shed.ts';
import { Places } from './tally.ts';

/** Paths that cost nothing and must work even under overload; `/healthz` does not come here. */
const free = /^\/(readyz|metrics|assets\/.*)$/;

/** express-session signs its cookies; the value begins like this, whatever the cookie's name. */
const sessionCookie = /(?:^|[;=\s])(s%3A[^;\s]+)/i;

const EVERYBODY = '';
const RETRY_AFTER_S = '1';

/**
 * Limits how many requests run at once, in all and per caller. Requests over the limit are refused at once, before any
 * work, and before the application: if they waited in line, all of them would be late. A caller is identified by its access token or session
 * cookie, valid or not.
 */
@Injectable()
export class Admission {
  private readonly all: Places;
  private readonly ofCaller: Places;
  private readonly shed: ShedReport;

  constructor(
    @Inject(CONFIG) { REQUESTS_AT_ONCE, REQUESTS_AT_ONCE_PER_CALLER }: ProcessContext['config'],
    @Inject(LOGGER) logger: ProcessContext['logger'],
    metrics: Metrics,
  ) {
    this.all = new Places(REQUESTS_AT_ONCE);
    this.ofCaller = new Places(REQUESTS_AT_ONCE_PER_CALLER);
    this.shed = new ShedReport(logger, metrics);
    metrics.collect(async () => metrics.requestsUnderWay.set(this.all.takenBy(EVERYBODY)));
  }

  /** Takes a place for the request until its response has ended; false when it was refused, and has been answered. */
  admit(req: IncomingMessage, res: ServerResponse): boolean {
    const path = rawPath(req);
    if (free.test(path)) return true;
    const place = new Place(res);
    const caller = callerOf(req);
    if (caller !== undefined && !place.take(this.ofCaller, caller)) {
      return this.turnAway(req, res, 'caller', 'too_many_requests');
    }
    if (!place.take(this.all, EVERYBODY)) return this.turnAway(req, res, 'process', 'unavailable');
    req.place = place;
    return true;
  }

  /** Does not log each refusal, because there may be thousands a second. */
  private turnAway(req: IncomingMessage, res: ServerResponse, reason: ShedReason, code: ErrorCode): false {
    this.shed.note(reason);
    const reference = randomUUID();
    const [type, body] = answerOf(req, new FoyerError(code), reference);
    res.writeHead(errorCatalog[code].status, {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy':
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-request-id': reference,
      'cache-control': 'no-store',
      'retry-after': RETRY_AFTER_S,
      ...(!hasBody(req) && { connection: 'close' }),
    });
    res.end(body);
    return false;
  }
}

/** The response in the client's format: the SCIM envelope, a page for a browser, a problem document for all others. */
function answerOf(
  req: IncomingMessage,
  error: FoyerError,
  reference: string,
): readonly [type: string, body: string] {
  const path = rawPath(req);
  const { status, title } = errorCatalog[error.code];
  if (isScim({ path }))
    return ['application/scim+json', JSON.stringify(toScimErrorBody(new ScimError(status, null, title)))];
  const wantsPage = !/^\/v1(\/|$)/.test(path) && (req.headers.accept ?? '').includes('text/html');
  return wantsPage
    ? ['text/html', errorPage(error, reference)]
    : ['application/problem+json', JSON.stringify(toProblem(error, `urn:uuid:${reference}`))];
}

const callerOf = ({ headers: { authorization, cookie } }: IncomingMessage): string | undefined =>
  authorization ?? (cookie === undefined ? undefined : sessionCookie.exec(cookie)?.[1]);
