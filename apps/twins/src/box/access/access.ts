import type { BoxApp } from './apps.ts';
import type { CallRecord } from '../http/calls.ts';
import {
  accessDenied,
  bareRefusal,
  clientError,
  deactivated,
  insufficientScope,
  type Refusal,
} from '../http/errors.ts';
import type { Token } from './tokens.ts';
import type { BoxUser } from '../users/user-store.ts';
import type { WireRequest } from '../http/wire.ts';
import type { World } from '../world.ts';

/** The caller: `user` is the user to act as (As-User), `token` states the rights. */
export interface Caller {
  app: BoxApp;
  token: Token;
  user: BoxUser;
}

/**
 * Authenticates the caller in Box's order: bearer token, rate limit of the token's user, As-User. Adds the caller to
 * the call's record.
 */
export function authenticate(world: World, request: WireRequest, call: CallRecord): Caller {
  const token = readToken(world, request);
  const app = world.apps.get(token.clientId);
  const holder = world.users.get(token.userId);
  if (!app || !holder) throw invalidToken(world);
  call.clientId = app.clientId;
  call.userId = holder.id;
  world.limiter.count(holder.id, world.settings.rateLimitPerMinute, world.now());
  if (holder.profile.status === 'inactive') throw deactivated();

  const asUser = request.headers['as-user'];
  const user = typeof asUser === 'string' ? actFor(world, app, holder, asUser) : holder;
  call.userId = user.id;
  return { app, token, user };
}

/** Admits only those who may administer users: the service account of an app with the scope, or an admin. */
export const requireUserAdmin = (caller: Caller): void => requireAdmin(caller, 'manageUsers');

/**
 * The same for groups and memberships, with their own scope. Groups belong to the enterprise, so an app needs access
 * to it (guide "Scopes": manage_groups with "App + Enterprise Access").
 */
export function requireGroupAdmin(caller: Caller): void {
  requireAdmin(caller, 'manageGroups');
  if (!caller.app.enterpriseAccess) throw accessDenied();
}

function requireAdmin(caller: Caller, scope: 'manageUsers' | 'manageGroups'): void {
  if (caller.token.scopes) throw insufficientScope();
  if (!isAdmin(caller.user)) throw accessDenied();
  if (!caller.app[scope]) throw insufficientScope();
}

/** Whether a user exists for this app: its own app users, and managed users if it has enterprise access. */
export function withinReach(app: BoxApp, user: BoxUser): boolean {
  if (user.kind === 'app' || user.kind === 'service') return user.clientId === app.clientId;
  return app.enterpriseAccess;
}

const isAdmin = (user: BoxUser): boolean =>
  user.kind === 'service' || (user.kind === 'managed' && user.profile.role !== 'user');

function readToken(world: World, request: WireRequest): Token {
  const header = request.headers.authorization;
  if (header === undefined) {
    throw bareRefusal(401, 'no token', { 'www-authenticate': 'Bearer realm="Service"' });
  }
  const value = /^bearer\s*(.*)$/i.exec(header)?.[1]?.trim();
  if (value === '') throw bareRefusal(400, 'empty token');
  const token = value === undefined ? undefined : world.tokens.find(value, world.now());
  if (!token) throw invalidToken(world);
  return token;
}

function invalidToken(world: World): Refusal {
  const description = 'The access token provided is invalid.';
  const headers = {
    'www-authenticate': `Bearer realm="Service", error="invalid_token", error_description="${description}"`,
  };
  return world.settings.unauthorizedBody === 'empty'
    ? bareRefusal(401, description, headers)
    : clientError(401, 'unauthorized', 'Unauthorized', undefined, headers);
}

function actFor(world: World, app: BoxApp, holder: BoxUser, id: string): BoxUser {
  const user = world.users.get(id);
  if (!app.asUser || !isAdmin(holder) || id === holder.id || !user || user.kind === 'service')
    throw accessDenied();
  if (user.kind === 'external' || !withinReach(app, user)) throw accessDenied();
  if (user.profile.status === 'inactive')
    throw world.settings.inactiveAsUser === 'forbidden' ? accessDenied() : deactivated();
  return user;
}
