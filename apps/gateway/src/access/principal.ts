import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { CountedCaller } from '../limits/principal-limit.ts';

/** What an access token may be granted; configured as scopes on the Okta authorization server. */
export type ApiScope = 'foyer.read' | 'foyer.write' | 'foyer.audit';

/** A person who signed in: sees only what is theirs, and only reads. */
export interface SessionPrincipal {
  readonly kind: 'session';
  readonly identityId: string;
}

/** A machine with an Okta access token: sees the whole tenant, as far as its scopes go. */
export interface MachinePrincipal {
  readonly kind: 'machine';
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
}

/** Who asks. Set on the request by AccessGuard. */
export type Principal = SessionPrincipal | MachinePrincipal;

declare module 'express-serve-static-core' {
  interface Request {
    principal?: Principal;
  }
}

export const SCOPE = Symbol('scope');
export const SESSIONS = Symbol('sessions');

/** The scope that an access token needs here. A route without one is for signed-in people only. */
export const Scopes = (scope: ApiScope) => SetMetadata(SCOPE, scope);

/** Signed-in people may read here, too. */
export const OpenToSessions = () => SetMetadata(SESSIONS, true);

/** The principal of the request, in a handler's parameters. */
export const Caller = createParamDecorator(
  (_: undefined, context: ExecutionContext) => context.switchToHttp().getRequest<Request>().principal,
);

/** Whose rows the principal may see: its own, or (empty) all of the tenant's. */
export const ownRows = (principal: Principal): { identityId?: string } =>
  principal.kind === 'session' ? { identityId: principal.identityId } : {};

/** As whom the principal is counted. */
export const callerOf = (principal: Principal): CountedCaller =>
  principal.kind === 'machine'
    ? { kind: 'machine', id: principal.clientId }
    : { kind: 'session', id: principal.identityId };
