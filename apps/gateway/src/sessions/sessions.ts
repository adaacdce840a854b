import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { RepeatedTask, toPlainError, type BackgroundTask } from '@foyer/platform';
import { csrfSync } from 'csrf-sync';
import { FoyerError } from '@foyer/shared';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import session, { type Session } from 'express-session';
import { CONFIG, DATABASE, LOGGER, TENANT_ID, type ProcessContext, type TenantContext } from '../context.ts';
import type { NewSession } from './session-data.ts';
import { SessionStore } from './session-store.ts';
import { tenantCookies } from './tenant-cookies.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SWEEP_EVERY_MS = 15 * MINUTE_MS;

/** Forms send the token in a field, scripts in a header. */
const csrf = csrfSync({
  size: 32,
  getTokenFromRequest: (req) => req.get('x-csrf-token') ?? formToken(req.body),
});

/** Browser sessions: created at sign-in only; ended by a time-out, by signing out, or all at once for one person. */
@Injectable()
export class Sessions implements OnApplicationShutdown {
  /** Loads the browser's session, if it has one. */
  readonly load: RequestHandler;
  /** Deletes expired sessions every 15 minutes. */
  readonly sweep: BackgroundTask;
  private readonly store: SessionStore;
  private readonly cookie: { readonly name: string; readonly secure: boolean };

  constructor(
    @Inject(CONFIG) config: ProcessContext['config'],
    @Inject(DATABASE) database: ProcessContext['database'],
    @Inject(LOGGER) logger: ProcessContext['logger'],
    @Inject(TENANT_ID) tenantId: TenantContext['tenantId'],
  ) {
    const { name, keys, secure } = tenantCookies(config);
    this.cookie = { name: name('foyer'), secure };
    const idleMs = config.SESSION_IDLE_MINUTES * MINUTE_MS;
    const terms = { tenantId, idleMs, maxAgeMs: config.SESSION_MAX_HOURS * HOUR_MS };
    this.store = new SessionStore(database.pool, terms, (error) =>
      logger.warn({ event: 'part-error', part: 'sessions', err: error }),
    );
    this.sweep = new RepeatedTask({
      ...{ name: 'session-sweep', intervalMs: SWEEP_EVERY_MS },
      round: async () => void (await this.store.sweep()),
      onError: (error) => logger.warn({ event: 'part-error', part: 'sessions', err: toPlainError(error) }),
    });
    const load = session({
      store: this.store,
      name: this.cookie.name,
      secret: keys('session').map((key) => key.toString('base64url')),
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie: {
        httpOnly: true,
        sameSite: 'lax',
        path: '/',
        secure,
        maxAge: idleMs,
      },
    });
    this.load = (req, res, next) => {
      // express-session does not send a Secure cookie when it sees no TLS. In production a proxy terminates TLS even
      // when headers do not show it: the public address begins with https.
      if (secure) Object.defineProperty(req, 'secure', { value: true });
      load(req, res, next);
    };
  }

  /**
   * Refuses a request that may change something when it has a signed-in browser's cookie but does not come from one of
   * our pages.
   */
  readonly checkForgery: RequestHandler = (req: Request, _res: Response, next: NextFunction) => {
    const harmless = ['GET', 'HEAD', 'OPTIONS'].includes(req.method) || req.session.identityId === undefined;
    next(harmless || csrf.isRequestValid(req) ? undefined : new FoyerError('csrf_failed'));
  };

  /**
   * Starts a session under a new id and ends the browser's earlier one. The session is in the database when this
   * resolves.
   */
  async begin(req: Request, { identityId, epoch, name, idToken, requestId }: NewSession): Promise<void> {
    // Ids from the browser are never adopted unless they are in the database, so this id is new already.
    if (req.session.identityId !== undefined) await calling(req.session, 'regenerate');
    Object.assign(req.session, { identityId, epoch, name, idToken, requestId, signedInAt: Date.now() });
    csrf.generateToken(req, true);
    await calling(req.session, 'save');
  }

  /** Whether the session of this request is still valid: a slow handler checks it before it responds. */
  async isStanding(req: Request): Promise<boolean> {
    return this.store.isStanding(req.sessionID);
  }

  /** Ends this browser's session, in the database and in the browser. */
  async end(req: Request, res: Response): Promise<void> {
    await calling(req.session, 'destroy');
    res.clearCookie(this.cookie.name, {
      httpOnly: true,
      sameSite: 'lax',
      path: '/',
      secure: this.cookie.secure,
    });
  }

  /** Ends every session of a person, in every browser. */
  async endSessionsOf(identityId: string): Promise<number> {
    return this.store.destroyOf(identityId);
  }

  onApplicationShutdown(): void {
    this.store.close();
  }
}

function formToken(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('_csrf' in body)) return undefined;
  return typeof body._csrf === 'string' ? body._csrf : undefined;
}

const calling = (of: Session, method: 'regenerate' | 'save' | 'destroy'): Promise<void> =>
  new Promise((resolve, reject) => {
    of[method]((error: unknown) => {
      if (error)
        reject(error instanceof Error ? error : new Error('the session store failed', { cause: error }));
      else resolve();
    });
  });
