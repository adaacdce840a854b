import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { FoyerError } from '@foyer/shared';
import type { Request } from 'express';
import { CALL_LOG, CONFIG, type ProcessContext, type TenantContext } from '../context.ts';
import type { FlowStep } from './okta.strategy.ts';
import { safeReturnTo } from './return-to.ts';
import { isNavigation } from './navigation.ts';
import { SignInLimit } from './sign-in-limit.ts';
import { SignInRecord } from './sign-in-record.ts';
import { Trail } from './trail.ts';

/** The strategy's name in passport, which keeps one list per process. */
export const STRATEGY = Symbol('passport strategy');

declare module 'express-serve-static-core' {
  interface Request {
    /** The records of a callback for the audit log. */
    trail?: Trail;
  }
}

/** These requests are neither recorded nor counted, because any page can make a browser send them. */
const notANavigation = () =>
  new FoyerError(
    'invalid_request',
    'A sign-in must run as a page navigation, not as a request of a script or a frame.',
  );

/** Redirects the browser to Okta. */
@Injectable()
export class LoginGuard extends AuthGuard() {
  constructor(
    @Inject(STRATEGY) strategy: string,
    @Inject(CONFIG) private readonly config: ProcessContext['config'],
  ) {
    super({ defaultStrategy: strategy });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (!isNavigation(this.getRequest(context))) throw notANavigation();
    return (await super.canActivate(context)) === true;
  }

  override getAuthenticateOptions(context: ExecutionContext): FlowStep {
    const { query } = this.getRequest(context);
    for (const field of ['returnTo', 'prompt']) {
      if (query[field] === undefined || typeof query[field] === 'string') continue;
      throw new FoyerError('invalid_request', undefined, {
        fields: [{ field, message: 'must be given once' }],
      });
    }
    return {
      step: 'out',
      returnTo: safeReturnTo(query.returnTo, this.config.FOYER_BASE_URL),
      prompt: query.prompt === 'login' ? 'login' : undefined,
    };
  }

  override getRequest(context: ExecutionContext): Request {
    return context.switchToHttp().getRequest<Request>();
  }
}

/** Completes the sign-in of a browser that returns from Okta; `req.user` is then `Verified`. */
@Injectable()
export class CallbackGuard extends AuthGuard() {
  constructor(
    @Inject(STRATEGY) strategy: string,
    @Inject(CALL_LOG) private readonly calls: TenantContext['callLog'],
    private readonly record: SignInRecord,
    private readonly limit: SignInLimit,
  ) {
    super({ defaultStrategy: strategy });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const req = this.getRequest(context);
    if (!isNavigation(req)) throw notANavigation();
    req.trail = new Trail(this.calls);
    try {
      await this.limit.check(req);
      return (await super.canActivate(context)) === true;
    } catch (error) {
      throw await this.record.refused(req, req.trail, error);
    }
  }

  override getAuthenticateOptions(context: ExecutionContext): FlowStep {
    return { step: 'back', trail: this.getRequest(context).trail ?? new Trail(this.calls) };
  }

  override getRequest(context: ExecutionContext): Request {
    return context.switchToHttp().getRequest<Request>();
  }
}
