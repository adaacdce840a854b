import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { CountedCaller } from '../limits/principal-limit.ts';

/** The rights that an access token may carry; configured as scopes on the Okta authorization server. */
export type ApiScope = 'foyer.read' | 'foyer.write' | 'foyer.audit';

/** A signed-in person: reads their own data, and changes nothing. */
export interface SessionPrincipal {
  readonly kind: 'session';
  readonly identityId: string;
}

/** A machine with an Okta access token: reads the whole tenant, as far as its scopes allow. */
export interface MachinePrincipal {
  readonly kind: 'machine';
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
}

/** The authenticated caller. Set by AccessGuard. */
export type Principal = SessionPrincipal | MachinePrincipal;

declare module 'express-serve-static-core' {
  interface Request {
    principal?: Principal;
  }
}

export const SCOPE = Symbol('scope');
export const SESSIONS = Symbol('sessions');

/** The scope that an access token needs for this route. A route without a scope is for signed-in people only. */
export const Scopes = (scope: ApiScope) => SetMetadata(SCOPE, scope);

/** Signed-in people may read this route, too. */
export const OpenToSessions = () => SetMetadata(SESSIONS, true);

/** Injects the principal of the request into a handler. */
export const Caller = createParamDecorator(
  (_: undefined, context: ExecutionContext) => context.switchToHttp().getRequest<Request>().principal,
);

/** The rows that the principal may read: those of one identity, or (empty) all of the tenant's. */
export const ownRows = (principal: Principal): { identityId?: string } =>
  principal.kind === 'session' ? { identityId: principal.identityId } : {};

/** The key under which the limits count the principal. */
export const callerOf = (principal: Principal): CountedCaller =>
  principal.kind === 'machine'
    ? { kind: 'machine', id: principal.clientId }
    : { kind: 'session', id: principal.identityId };
