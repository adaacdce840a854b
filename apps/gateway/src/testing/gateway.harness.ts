import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createLogger, readGatewayConfig } from '@foyer/platform';
import type { JobQueue } from '@foyer/provisioning';
import { createApp } from '../app.ts';
import { closers, openContext, type GatewayContext } from '../context.ts';
import { Browser } from './browser.harness.ts';
import type { OktaFront } from './okta-front.harness.ts';
import { createTestDatabase, type TestDatabase } from './database.harness.ts';
import { Twin } from '@foyer/testing';
import { InlineWorker } from './worker.harness.ts';

export interface GatewayOptions {
  /** Overrides the gateway's configuration. */
  readonly env?: Record<string, string>;
  /** Replaces the worker in this process. */
  readonly queue?: JobQueue;
  /** A proxy between the gateway and its Okta. */
  readonly front?: Pick<OktaFront, 'issuer' | 'lead'>;
  /** Receives every line of the log. */
  readonly onLog?: (line: string) => void;
}

/** The gateway in this process, on a free port, with a fresh database and twins of its own. */
export interface TestGateway {
  readonly url: string;
  readonly app: NestExpressApplication;
  readonly context: GatewayContext;
  readonly env: Readonly<Record<string, string>>;
  readonly database: TestDatabase;
  readonly okta: Twin;
  readonly box: Twin;
  /** Works on enqueued jobs, unless another queue was given. */
  readonly worker: InlineWorker;
  browser(): Browser;
  /** An access token of the twin's custom server, for a machine with these scopes. */
  machineToken(scope: string): Promise<string>;
  close(): Promise<void>;
}

export async function startGateway({
  env = {},
  queue,
  front,
  onLog,
}: GatewayOptions = {}): Promise<TestGateway> {
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    // The port is chosen first: Okta must know the callback before the gateway is built.
    const { server, url } = await listen();
    undo.push(async () => {
      server.close();
      server.closeAllConnections();
    });
    const database = await createTestDatabase();
    undo.push(() => database.drop());
    const okta = await startOkta(url, front && { OKTA_TWIN_ISSUER: front.issuer });
    front?.lead(okta.url);
    undo.push(() => okta.stop());
    const box = await startBox();
    undo.push(() => box.stop());
    const settings = {
      ...settingsOf(url, database, okta, box),
      ...(front && { OKTA_ISSUER_URI: front.issuer }),
      ...env,
    };
    const { context, worker } = await open(settings, { queue, onLog });
    for (const [, closePart] of closers(context).reverse()) undo.push(closePart);
    undo.push(() => context.tasks.stop());
    undo.push(() => worker.close());
    const app = await createApp(context);
    undo.push(() => app.close());
    await app.init();
    const inner: Server = app.getHttpServer();
    server.on('request', (req, res) => inner.emit('request', req, res));
    const browser = () => new Browser(url);
    return {
      url,
      app,
      context,
      env: settings,
      database,
      okta,
      box,
      worker,
      browser,
      machineToken: (scope) => machineToken(okta.url, scope),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(): Promise<{ server: Server; url: string }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return { server, url: `http://127.0.0.1:${address.port}` };
}

/** The gateway's context with another queue: the one that works in this process, or the given one. */
async function open(
  settings: Record<string, string>,
  { queue, onLog }: Pick<GatewayOptions, 'queue' | 'onLog'>,
): Promise<{ context: GatewayContext; worker: InlineWorker }> {
  // The twins have neither TLS nor secrets, and production does not start without them.
  const FOYER_ENV = settings.FOYER_ENV === 'production' ? 'production' : 'development';
  const config = { ...readGatewayConfig({ ...settings, FOYER_ENV: 'development' }), FOYER_ENV } as const;
  const opened = await openContext(config);
  await opened.tenant.queue.close();
  const worker = await InlineWorker.of(opened);
  const logger = onLog === undefined ? opened.logger : createLogger('gateway', 'trace', { write: onLog });
  const tenant = { ...opened.tenant, queue: queue ?? worker };
  return { context: { ...opened, logger, tenant }, worker };
}

export const startOkta = (gatewayUrl: string, env: Record<string, string> = {}): Promise<Twin> =>
  Twin.start('okta', {
    OKTA_TWIN_PORT: '0',
    OKTA_TWIN_REDIRECT_URIS: `${gatewayUrl}/authorization-code/callback`,
    OKTA_TWIN_POST_LOGOUT_REDIRECT_URIS: `${gatewayUrl}/`,
    ...env,
  });

export const startBox = (): Promise<Twin> =>
  Twin.start('box', { BOX_TWIN_PORT: '0', BOX_TWIN_RATE_LIMIT: '0' });

export const settingsOf = (
  url: string,
  database: TestDatabase,
  okta: Twin,
  box: Twin,
): Record<string, string> => ({
  FOYER_ENV: 'development',
  FOYER_BASE_URL: url,
  GATEWAY_PORT: '0',
  DATABASE_URL: database.url,
  OKTA_ISSUER_URI: okta.url,
  OKTA_CLIENT_ID: 'twin-okta-client',
  OKTA_CLIENT_SECRET: 'twin-okta-secret',
  SESSION_SECRET: 'a-secret-of-the-tests-long-enough-for-a-key',
  SIGN_IN_LIMIT_PER_MINUTE: '10000',
  BOX_BASE_URL: box.url,
  BOX_CLIENT_ID: 'twin-box-client',
  BOX_CLIENT_SECRET: 'twin-box-secret',
  BOX_ENTERPRISE_ID: '900100',
  LOG_LEVEL: 'silent',
});

async function machineToken(issuer: string, scope: string): Promise<string> {
  const response = await fetch(`${issuer}/oauth2/default/v1/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('twin-service-client:twin-service-secret').toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  if (!response.ok) throw new Error(`The twin refused a token: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { access_token: string }).access_token;
}
