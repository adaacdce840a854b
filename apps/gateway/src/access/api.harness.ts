import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createLogger, readGatewayConfig } from '@foyer/platform';
import { createApp } from '../app.ts';
import { Shutdown } from '../http/shutdown.ts';
import { closers, openContext, type GatewayContext } from '../context.ts';
import { tenantCookies } from '../sessions/tenant-cookies.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.harness.ts';
import type { Twin } from '@foyer/testing';
import { audience, KeyServer } from './testing.harness.ts';

const secret = 'a secret of tests with 32 characters or more';
export const oktaIssuer = 'https://example.okta.com';

interface ApiOptions {
  readonly box?: Twin;
  readonly apiIssuer?: string;
  /** Overrides the gateway's configuration. */
  readonly env?: Record<string, string>;
  /** Receives every line of the log. */
  readonly onLog?: (line: string) => void;
  /** Adds routes or middleware to the app before it listens. */
  readonly prepare?: (app: NestExpressApplication) => void;
}

/** The fields that tests read from responses; each test asserts which of them are present. */
interface AnswerBody {
  readonly id: string;
  readonly identityId: string;
  readonly status: string | number;
  readonly cause: string;
  readonly retryOf: string | null;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  readonly items: readonly { readonly id: string; readonly name: string }[];
  readonly nextCursor: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty when the response is not JSON. */
  readonly body: AnswerBody;
}

/** The REST routes of the gateway over HTTP, with a database and an authorization server of their own. */
export class Api {
  readonly tenantId: string;
  readonly url: string;

  private constructor(
    readonly keys: KeyServer,
    readonly context: GatewayContext,
    private readonly app: NestExpressApplication,
    url: string,
    tenantId: string,
    readonly database: TestDatabase,
  ) {
    this.url = url;
    this.tenantId = tenantId;
  }

  static async start(options: ApiOptions = {}): Promise<Api> {
    const keys = await KeyServer.start();
    const database = await createTestDatabase();
    const config = readGatewayConfig({
      FOYER_ENV: 'development',
      FOYER_BASE_URL: 'http://localhost:3000',
      DATABASE_URL: database.url,
      OKTA_ISSUER_URI: oktaIssuer,
      OKTA_CLIENT_ID: 'client',
      OKTA_CLIENT_SECRET: 'secret',
      OKTA_API_ISSUER_URI: options.apiIssuer ?? keys.issuer,
      OKTA_API_AUDIENCE: audience,
      SESSION_SECRET: secret,
      BOX_CLIENT_ID: 'twin-box-client',
      BOX_CLIENT_SECRET: 'twin-box-secret',
      BOX_ENTERPRISE_ID: '900100',
      BOX_BASE_URL: options.box?.url ?? 'http://127.0.0.1:9',
      BOX_TIMEOUT_MS: '2000',
      LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
      ...options.env,
    });
    const opened = await openContext(config);
    const { onLog } = options;
    const context = onLog
      ? { ...opened, logger: createLogger('gateway', 'trace', { write: onLog }) }
      : opened;
    const app = await createApp(context);
    options.prepare?.(app);
    await app.listen(0, '127.0.0.1');
    return new Api(keys, context, app, await app.getUrl(), context.tenant.tenantId, database);
  }

  /** Requests `path` with a token, with a session's cookie, or with neither. */
  async call(
    method: string,
    path: string,
    { as, headers = {}, body, signal }: CallOptions = {},
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(as?.token !== undefined && { authorization: `Bearer ${as.token}` }),
        ...(as?.cookie !== undefined && { cookie: as.cookie }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson ? JSON.parse(text) : {}) as AnswerBody,
    };
  }

  get(path: string, as?: Credentials, headers?: Record<string, string>): Promise<Answer> {
    return this.call('GET', path, { ...(as && { as }), ...(headers && { headers }) });
  }

  async machine(...scopes: string[]): Promise<Credentials> {
    return { token: await this.keys.token(scopes.length > 0 ? scopes : undefined) };
  }

  /** The cookie of a browser that is signed in as this identity. */
  async session(identityId: string): Promise<Credentials> {
    const sid = randomUUID();
    const [row] = await this.sql('SELECT session_epoch FROM identity WHERE id = $1', [identityId]);
    const sess = {
      cookie: { originalMaxAge: 600_000, httpOnly: true, path: '/' },
      identityId,
      epoch: row?.['session_epoch'] ?? 1,
      signedInAt: Date.now(),
    };
    await this.sql(
      `INSERT INTO session (sid, sess, expire, tenant_id) VALUES ($1, $2, now() + interval '10 minutes', $3)`,
      [sid, sess, this.tenantId],
    );
    const { name, keys } = tenantCookies(this.context.config);
    const [key = Buffer.of()] = keys('session');
    const signature = createHmac('sha256', key.toString('base64url')).update(sid).digest('base64');
    const value = encodeURIComponent(`s:${sid}.${signature.replace(/=+$/, '')}`);
    return { cookie: `${name('foyer')}=${value}` };
  }

  /** Creates a person with an identity and an open request. */
  async admit(
    person: { subject?: string; username?: string; name?: string; isEmailVerified?: boolean } = {},
  ): Promise<{ identityId: string; requestId: string; subject: string }> {
    const subject = person.subject ?? `00u${randomUUID()}`;
    const { isEmailVerified = false, username = `${subject}@example.com`, name = 'Ada Example' } = person;
    const admission = await this.context.tenant.intake.admit(
      { issuer: oktaIssuer, subject, username, name, ...(isEmailVerified && { email: username }) },
      'sign-in',
      undefined,
      undefined,
      { isEmailVerified },
    );
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return { identityId: admission.identity.id, requestId: admission.requestId, subject };
  }

  /** Ends a request as a worker would. */
  async finish(requestId: string, end: { boxUserId?: string } | { code: string }): Promise<void> {
    if ('code' in end) {
      await this.sql(
        `UPDATE provisioning_request SET status = 'failed', error_code = $2, finished_at = now(), due_at = NULL, version = version + 1 WHERE id = $1`,
        [requestId, end.code],
      );
      return;
    }
    await this.sql(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       SELECT i.id, i.tenant_id, $2, i.name, 'active', i.generation FROM identity i
       JOIN provisioning_request r ON r.identity_id = i.id WHERE r.id = $1`,
      [requestId, end.boxUserId ?? String(randomBytes(6).readUIntBE(0, 6))],
    );
    await this.sql(
      `UPDATE provisioning_request SET status = 'succeeded', outcome = 'created', finished_at = now(), due_at = NULL, version = version + 1 WHERE id = $1`,
      [requestId],
    );
  }

  /** After the records of earlier reads are written, unless the test has made the database refuse them. */
  async sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    await this.context.tenant.readRecords.flush().catch(() => undefined);
    return this.database.query(text, values);
  }

  get routes(): { method: string; path: string }[] {
    const { router }: { router: { stack: { route?: unknown }[] } } = this.app.getHttpAdapter().getInstance();
    return router.stack.flatMap(({ route }) =>
      isRoute(route) ? Object.keys(route.methods).map((method) => ({ method, path: route.path })) : [],
    );
  }

  beginShutdown(): void {
    this.app.get(Shutdown).beforeApplicationShutdown();
  }

  async stop(): Promise<void> {
    this.beginShutdown();
    await this.app.close();
    await this.context.tasks.stop();
    for (const [, close] of closers(this.context)) await close();
    await this.keys.close();
    await this.database.drop();
  }
}

const isRoute = (route: unknown): route is { path: string; methods: Record<string, boolean> } =>
  typeof route === 'object' && route !== null && 'methods' in route;

export interface Credentials {
  readonly token?: string;
  readonly cookie?: string;
}

interface CallOptions {
  readonly as?: Credentials;
  readonly headers?: Record<string, string>;
  /** Text is sent unchanged. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}
