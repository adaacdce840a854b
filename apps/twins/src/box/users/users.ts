import { requireUserAdmin, withinReach, type Caller } from '../access/access.ts';
import { readJsonObject } from '../http/body-reader.ts';
import { accessDenied, badParameter, badParameters, clientError, notFound } from '../http/errors.ts';
import { markerPage, offsetPage, readFlag, wantsMarker } from '../http/paging.ts';
import type { Route, RouteContext } from '../http/router.ts';
import { readUserChanges, type UserChanges } from './user-input.ts';
import { profileDefaults, type BoxUser } from './user-store.ts';
import { userMini, userView } from './user-view.ts';
import { emptyAnswer, jsonAnswer, type Answer } from '../http/wire.ts';
import { generatedLogin, type World } from '../world.ts';

/** /2.0/users, as in Box's OpenAPI (post_users, get_users, get_users_me, get/put/delete_users_id). */
export const userRoutes: Route[] = [
  { method: 'GET', path: '/2.0/users', handle: listUsers },
  { method: 'POST', path: '/2.0/users', handle: createUser },
  {
    method: 'GET',
    path: '/2.0/users/me',
    handle: ({ world, query, caller }) => show(world, caller.user, query),
  },
  { method: 'GET', path: '/2.0/users/:id', handle: readUser },
  { method: 'PUT', path: '/2.0/users/:id', handle: updateUser },
  { method: 'DELETE', path: '/2.0/users/:id', handle: deleteUser },
];

const maxOffset = 10_000;

function show(world: World, user: BoxUser, query: URLSearchParams, status = 200): Answer {
  return jsonAnswer(status, viewOf(world, user, query.get('fields')));
}

function viewOf(world: World, user: BoxUser, fields: string | null): object {
  return userView(user, fields, {
    enterpriseId: world.config.enterpriseId,
    spaceUsed: world.items.spaceUsed(user.id),
    notificationEmail: world.settings.notificationEmail,
  });
}

/** The check and the insert run in one turn of the event loop, so two creates can never both find an id free. */
function createUser({ world, query, caller, body }: RouteContext): Answer {
  requireUserAdmin(caller);
  const { profile, login, externalId, platformAccessOnly } = readUserChanges(readJsonObject(body), 'create');
  if (platformAccessOnly !== true && !caller.app.enterpriseAccess) throw accessDenied();
  const appUser = platformAccessOnly === true || login === undefined;
  if (appUser && externalId !== undefined) refuseTakenExternalId(world, caller, externalId, null);
  if (!appUser) refuseTakenLogin(world, login, null);
  const user = world.addUser({
    kind: appUser ? 'app' : 'managed',
    clientId: appUser ? caller.app.clientId : null,
    login: appUser ? freeLogin(world, caller.app.serviceId) : login,
    externalId: appUser ? (externalId ?? null) : null,
    profile: { ...profileDefaults, name: '', ...profile },
    notificationEmail: null,
  });
  return show(world, user, query, 201);
}

function freeLogin(world: World, serviceId: string): string {
  let login = generatedLogin('AppUser', serviceId);
  while (world.users.byLogin(login)) login = generatedLogin('AppUser', serviceId);
  return login;
}

function refuseTakenExternalId(world: World, caller: Caller, externalId: string, self: BoxUser | null): void {
  const holder = world.users.byExternalId(caller.app.clientId, externalId);
  if (!holder || holder === self) return;
  throw clientError(409, 'conflict', 'An app user already exists for this external_app_user_id', {
    conflicts: [userMini(holder)],
  });
}

function refuseTakenLogin(world: World, login: string, self: BoxUser | null): void {
  const holder = world.users.byLogin(login);
  if (!holder || holder === self) return;
  throw clientError(409, 'user_login_already_used', 'User with the specified login already exists');
}

function listUsers({ world, query, caller }: RouteContext): Answer {
  requireUserAdmin(caller);
  const found = findUsers(world, query, caller);
  const fields = query.get('fields');
  const view = (user: BoxUser): object => viewOf(world, user, fields);
  return jsonAnswer(
    200,
    wantsMarker(query)
      ? markerPage(found, query, (user) => user.id, view)
      : offsetPage(found, query, view, maxOffset),
  );
}

/** The users in the listing, oldest first: accessible to the app, past the lag, and matching the query. */
function findUsers(world: World, query: URLSearchParams, caller: Caller): BoxUser[] {
  const type = query.get('user_type') ?? 'managed';
  if (!['all', 'managed', 'external'].includes(type)) {
    throw badParameters([badParameter('user_type', type, 'It must be one of all, managed, external')]);
  }
  const term = query.get('filter_term')?.toLowerCase() ?? '';
  const externalId = query.get('external_app_user_id');
  const newest = world.now() - world.settings.lookupLagMs;
  const seen = (user: BoxUser): boolean =>
    user.createdAt <= newest && user.kind !== 'service' && withinReach(caller.app, user);

  if (externalId !== null) {
    const user = world.users.byExternalId(caller.app.clientId, externalId);
    return user && type !== 'external' && seen(user) && startsWith(user, term) ? [user] : [];
  }
  const exact = term === '' ? undefined : world.users.byLogin(term);
  const external = exact?.kind === 'external' && seen(exact) ? [exact] : [];
  if (type === 'external' || (type === 'all' && external.length > 0)) return external;
  return [...world.users.all()].filter(
    (user) => user.kind !== 'external' && seen(user) && startsWith(user, term),
  );
}

const startsWith = (user: BoxUser, term: string): boolean =>
  term === '' ||
  user.profile.name.toLowerCase().startsWith(term) ||
  user.login.toLowerCase().startsWith(term);

function readUser({ world, query, caller, params }: RouteContext): Answer {
  return show(world, reachable(world, caller, params.id ?? ''), query);
}

/** The user with that id; an ordinary user has access to itself only. */
function reachable(world: World, caller: Caller, id: string): BoxUser {
  if (id === caller.user.id) return caller.user;
  requireUserAdmin(caller);
  const user = world.users.get(id);
  if (!user || !withinReach(caller.app, user)) throw notFound('user', id);
  return user;
}

function updateUser({ world, query, caller, params, body }: RouteContext): Answer {
  const user = changeableUser(world, caller, params.id ?? '');
  const changes = readUserChanges(readJsonObject(body), 'update');
  refuseUpdate(world, caller, user, changes);
  const { login, externalId } = changes;
  world.users.rename(user, {
    ...(login !== undefined && { login }),
    ...(externalId !== undefined && user.kind === 'app' && { externalId }),
  });
  user.profile = { ...user.profile, ...changes.profile };
  const email = changes.notificationEmail;
  if (email !== undefined) user.notificationEmail = email && { ...email, is_confirmed: false };
  if (changes.leaveEnterprise) user.kind = 'external';
  user.modifiedAt = world.now();
  return show(world, user, query);
}

function refuseUpdate(world: World, caller: Caller, user: BoxUser, changes: UserChanges): void {
  if (changes.leaveEnterprise && user.kind !== 'managed') {
    throw badParameters([badParameter('enterprise', null, 'An app user cannot leave its enterprise')]);
  }
  if (changes.login !== undefined && changes.login !== user.login) {
    if (user.kind === 'app') {
      throw clientError(403, 'user_email_confirmation_required', 'User needs to complete email confirmation');
    }
    refuseTakenLogin(world, changes.login, user);
  }
  if (changes.externalId !== undefined && user.kind === 'app') {
    refuseTakenExternalId(world, caller, changes.externalId, user);
  }
}

/** A user that an administrator may change: an app user of this app, or a managed user with enterprise access. */
export function changeableUser(world: World, caller: Caller, id: string): BoxUser {
  requireUserAdmin(caller);
  const user = reachable(world, caller, id);
  if (user.kind === 'service' || user.kind === 'external') throw accessDenied();
  return user;
}

function deleteUser({ world, query, caller, params }: RouteContext): Answer {
  const user = changeableUser(world, caller, params.id ?? '');
  const force = readFlag(query, 'force');
  if (world.items.children(user.id, '0').length > 0) {
    if (!force) throw clientError(400, 'bad_request', 'User has managed content');
    if (world.settings.retention) {
      const why = 'User cannot be deleted due to retention policies. Please transfer user content first';
      throw clientError(403, 'forbidden', why);
    }
  }
  world.removeUser(user);
  return emptyAnswer(204);
}
