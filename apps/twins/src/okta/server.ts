import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { type Provider } from 'oidc-provider';
import { endpointOf } from './calls.ts';
import { type OktaTwinConfig } from './config.ts';
import { control } from './control/control.ts';
import { customServer } from './provider/custom-server.ts';
import { directEndpoints } from './provider/direct.ts';
import { orgDiscovery } from './provider/discovery.ts';
import { ENDPOINTS, type Endpoint } from './control/faults.ts';
import { formOf, queryOf, readForm } from './login/forms.ts';
import { logout } from './login/logout.ts';
import { Org } from './org/org.ts';
import { errorPage } from './login/pages.ts';
import { makeProvider } from './provider/provider.ts';
import { signIn } from './login/sign-in.ts';
import { managementError } from './login/texts.ts';

/** A running Okta twin. */
export interface OktaTwin {
  /** The address on which it listens. */
  url: string;
  /** The org's public address; in a container network it differs from `url`. */
  issuer: string;
  close(): Promise<void>;
}

/**
 * Starts a twin of an Okta org: the org server for people, the custom server 'default' for machines, and the control
 * address under `/_control`.
 * @throws the listen error (EADDRINUSE and the like)
 */
export async function startOktaTwin(config: OktaTwinConfig): Promise<OktaTwin> {
  const server = createServer();
  server.keepAliveTimeout = 65_000;
  server.listen(config.port, config.host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const url = `http://${reachable(config.host)}:${String(port)}`;
  const issuer = config.issuer ?? url;
  const org = await Org.make(config, issuer);
  const app = twinApp(org, await makeProvider(org));
  server.on('request', (req, res) => {
    app(req, res);
  });
  return {
    url,
    issuer,
    close: async () => {
      org.scim?.stop();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Turns an address to listen on into one to call. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function twinApp(org: Org, provider: Provider): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use((req, res, next) => watch(org, req, res, next));
  app.use('/_control', control(org));
  publicDocuments(app, org);
  app.use(customServer(org));
  app.use(directEndpoints(org, provider));
  app.use(logout(org, provider));
  app.use(signIn(org, provider));
  // Okta accepts the authorization request as a form, too; oidc-provider then receives the query that it expects.
  app.post('/oauth2/v1/authorize', readForm, (req, _res, next) => {
    const form = formOf(req);
    org.calls.note(req, Object.fromEntries(form));
    req.method = 'GET';
    req.url = `/oauth2/v1/authorize?${form.toString()}`;
    next();
  });
  const provide = provider.callback();
  app.use((req, res) => provide(req, res));
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    answerBroken(error, res);
  });
  return app;
}

/** Records the call and lets a fault delay or fail it before anything is done. */
async function watch(org: Org, req: Request, res: Response, next: NextFunction): Promise<void> {
  const where = endpointOf(req.path);
  if (!where) {
    next();
    return;
  }
  org.calls.note(req, Object.fromEntries(queryOf(req)));
  org.calls.record(req, res, req.path, where);
  const endpoint = ENDPOINTS.find((name) => name === where.endpoint);
  if (endpoint !== undefined) {
    const slow = org.faults.strike(['slow'], endpoint, where.server);
    if (slow) await delay(slow.delayMs, undefined, { ref: false });
    const failure = org.faults.strike(['error'], endpoint, where.server);
    if (failure) {
      fail(res, failure.status, endpoint);
      return;
    }
  }
  next();
}

function fail(res: Response, status: number, endpoint: Endpoint): void {
  res.status(status);
  if (status === 429) {
    res.set({
      'x-rate-limit-limit': '600',
      'x-rate-limit-remaining': '0',
      'x-rate-limit-reset': String(Math.ceil(Date.now() / 1000) + 1),
    });
  }
  if (endpoint === 'authorize' || endpoint === 'logout')
    res.type('html').send(errorPage(status, 'Internal error.'));
  else res.json(managementError(status));
}

function publicDocuments(app: Express, org: Org): void {
  app.get('/.well-known/openid-configuration', (req, res) => {
    const asked = queryOf(req).get('client_id');
    const { webClient, serviceClient } = org.config;
    if (asked !== null && asked !== webClient.id && asked !== serviceClient.id) {
      res
        .status(400)
        .json(managementError(400, 'invalid_client', "Invalid value for 'client_id' parameter."));
      return;
    }
    res.set('cache-control', 'max-age=86400, must-revalidate').json(orgDiscovery(org));
  });
  app.get('/oauth2/v1/keys', (_req, res) => {
    res
      .set('cache-control', `max-age=${String(org.settings.keysMaxAge)}, must-revalidate`)
      .json(org.keys.jwks());
  });
}

function answerBroken(error: unknown, res: Response): void {
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 500;
  const known = Number.isInteger(status) && status >= 400 && status < 500;
  if (!known) console.error(error);
  if (res.headersSent) res.destroy();
  else if (known)
    res.status(status).json(managementError(status, 'E0000003', 'The request body was not well-formed.'));
  else res.status(500).json(managementError(500));
}
