import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { FoyerError } from '@foyer/shared';
import type { Request, Response } from 'express';
import { PrincipalLimit } from '../limits/principal-limit.ts';
import { AccessTokens } from './access-tokens.ts';
import { challengeOf } from './challenge.ts';
import { callerOf, SCOPE, SESSIONS, type ApiScope, type Principal } from './principal.ts';

interface Policy {
  readonly scope: ApiScope | undefined;
  readonly sessions: boolean;
}

/**
 * Admits the callers that the route's `@Scopes` and `@OpenToSessions` allow, and sets `request.principal`. When there
 * is an Authorization header, valid or not, the cookie is ignored. A cookie never authorizes a change here, so another
 * site cannot make a browser send one.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly policies = new WeakMap<object, Policy>();

  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AccessTokens,
    private readonly limit: PrincipalLimit,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const policy = this.policyOf(context);
    // The response is for one caller only, so no cache may share it.
    response.setHeader('Cache-Control', 'private, no-store');
    response.setHeader('Vary', 'Authorization, Cookie');
    try {
      request.principal = await this.identify(request, policy);
      this.limit.admit(request, callerOf(request.principal));
      return true;
    } catch (error) {
      const challenge = challengeOf(error, 'foyer', policy.scope);
      if (challenge !== null) response.setHeader('WWW-Authenticate', challenge);
      throw error;
    }
  }

  /** A route's policy never changes, so its decorators are read once. */
  private policyOf(context: ExecutionContext): Policy {
    const handler = context.getHandler();
    const known = this.policies.get(handler);
    if (known !== undefined) return known;
    const targets: Parameters<Reflector['getAllAndOverride']>[1] = [handler, context.getClass()];
    const policy: Policy = {
      scope: this.reflector.getAllAndOverride<ApiScope | undefined>(SCOPE, targets),
      sessions: this.reflector.getAllAndOverride<true | undefined>(SESSIONS, targets) === true,
    };
    this.policies.set(handler, policy);
    return policy;
  }

  private async identify(request: Request, policy: Policy): Promise<Principal> {
    const { authorization: given = [] } = request.headersDistinct;
    if (given.length > 1) {
      throw new FoyerError(
        'unauthenticated',
        'Send exactly one Authorization header: the word Bearer, then the token.',
      );
    }
    const [authorization] = given;
    if (authorization !== undefined) return this.machine(authorization, policy);
    const identityId = request.session?.identityId;
    if (identityId === undefined) throw new FoyerError('unauthenticated');
    if (!policy.sessions || !['GET', 'HEAD'].includes(request.method)) {
      throw new FoyerError(
        'insufficient_scope',
        `This call needs an access token with the scope ${policy.scope}.`,
      );
    }
    return { kind: 'session', identityId };
  }

  private async machine(authorization: string, { scope }: Policy): Promise<Principal> {
    const [scheme = '', token = ''] = authorization.split(/ +/, 2);
    if (scheme.toLowerCase() !== 'bearer') {
      throw new FoyerError(
        'unauthenticated',
        'The Authorization header must have the word Bearer, then the access token.',
      );
    }
    const machine = await this.tokens.verify(token);
    if (scope === undefined) {
      throw new FoyerError(
        'not_found',
        'Only people who signed in may call this; an access token belongs to a machine.',
      );
    }
    if (!machine.scopes.has(scope)) {
      throw new FoyerError('insufficient_scope', `The access token needs the scope ${scope}.`);
    }
    return machine;
  }
}
