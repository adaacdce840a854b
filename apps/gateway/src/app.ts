import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { GatewayConfig } from '@foyer/platform';
import express, { type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import { AppModule } from './app.module.ts';
import { canonicalOrigin } from './http/canonical.ts';
import { jsonBody } from './http/json-body.ts';
import { RequestReport, requestLog } from './http/request-log.ts';
import { Listener, standInFront } from './http/listener.ts';
import { bodyInTime } from './http/slow-clients.ts';
import { isScim, scimPaths } from './http/scim-path.ts';
import { Liveness, type SetHeaders } from './health/liveness.ts';
import { Admission } from './limits/admission.ts';
import type { GatewayContext } from './context.ts';
import { ScimAuthenticator } from './scim/access/scim-authenticator.ts';
import { scimBody } from './scim/body.ts';
import { Sessions } from './sessions/sessions.ts';

const BODY_LIMIT = '64kb';

/**
 * Builds the gateway's application from its opened contexts. The application does not listen yet, and closing it does
 * not close the contexts.
 */
export async function createApp(context: GatewayContext): Promise<NestExpressApplication> {
  const { config, logger, metrics } = context;
  const app = await NestFactory.create<NestExpressApplication>(AppModule.of(context), new Listener(), {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  app.set('trust proxy', config.TRUST_PROXY);
  app.set('query parser', 'simple');
  app.set('etag', false);
  app.disable('x-powered-by');
  const { load, checkForgery } = app.get(Sessions, { strict: false });
  const { authenticate } = app.get(ScimAuthenticator, { strict: false });
  const report = new RequestReport(logger, metrics);
  const forPages = pageHeaders(config);
  app.use(requestLog(report), bodyInTime(isBatch));
  app.use(either(isForMachines, answerHeaders(config), forPages), canonicalOrigin(config));
  for (const path of scimPaths) app.use(path, authenticate, scimBody);
  app.use(unless(hasNoSession, load));
  for (const handler of jsonBody(BODY_LIMIT)) app.use(unless(isScim, handler));
  app.use(unless(isForMachines, express.urlencoded({ limit: BODY_LIMIT, extended: false })));
  app.use(unless(hasNoSession, checkForgery));
  const liveness = new Liveness(report, forPages);
  const admission = app.get(Admission, { strict: false });
  standInFront(app.getHttpServer(), (req, res) => !liveness.answer(req, res) && admission.admit(req, res));
  return app;
}

const isApi = ({ path }: Request): boolean => /^\/v1(\/|$)/.test(path);
/** A file of people is read only as fast as its lines are stored, so the body may take longer than others. */
const isBatch = ({ path }: Request): boolean => /^\/v1\/provisioning-batches\/?$/i.test(path);
const isForMachines = (req: Request): boolean => isApi(req) || isScim(req);

/** Paths without a sign-in need no session query, and on the API an access token alone decides. */
const hasNoSession = (req: Request): boolean =>
  /^\/(readyz|metrics|assets\/.*)$/.test(req.path) ||
  isScim(req) ||
  (isApi(req) && req.headers.authorization !== undefined);

const either =
  (matches: (req: Request) => boolean, then: RequestHandler, otherwise: RequestHandler): RequestHandler =>
  (req, res, next) =>
    void (matches(req) ? then : otherwise)(req, res, next);

const unless =
  (matches: (req: Request) => boolean, handler: RequestHandler): RequestHandler =>
  (req, res, next) =>
    matches(req) ? next() : void handler(req, res, next);

/** Our pages need only their own stylesheet and script; the sign-out form redirects to Okta. */
function pageHeaders({ FOYER_ENV, OKTA_ISSUER_URI }: GatewayConfig): SetHeaders {
  const secure = FOYER_ENV === 'production';
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'", new URL(OKTA_ISSUER_URI).origin],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        ...(secure ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: secure,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
}

/**
 * A browser must never take an API response for a page. The list is short because headers are most of a poll's
 * response.
 */
function answerHeaders({ FOYER_ENV }: GatewayConfig): RequestHandler {
  const headers = new Map([
    ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-resource-policy', 'same-origin'],
  ]);
  if (FOYER_ENV === 'production')
    headers.set('strict-transport-security', 'max-age=31536000; includeSubDomains');
  return (_req, res, next) => {
    res.setHeaders(headers);
    next();
  };
}
