import { redactBody, type CallRecord } from './calls.ts';
import { Refusal } from './errors.ts';
import type { FaultTarget } from '../control/faults.ts';
import { isDownload } from '../files/downloads.ts';
import { answerDownload, fileRoutes } from '../files/files.ts';
import { folderRoutes } from '../files/folders.ts';
import { groupRoutes } from '../groups/groups.ts';
import { membershipRoutes } from '../groups/memberships.ts';
import { answerOAuth } from '../access/oauth.ts';
import { routeCall, type Route } from './router.ts';
import { userRoutes } from '../users/users.ts';
import type { Answer, WireRequest } from './wire.ts';
import type { World } from '../world.ts';

const routes: Route[] = [...userRoutes, ...folderRoutes, ...fileRoutes, ...groupRoutes, ...membershipRoutes];

/**
 * Carries out an API call and returns the response, also for a refusal. Everything except a JWT's signature check
 * runs in one turn of the event loop, so no other call runs between a check and the change that it protects.
 */
export async function answerApi(world: World, request: WireRequest, call: CallRecord): Promise<Answer> {
  const started = performance.now();
  try {
    if (request.path === '/oauth2/token' || request.path === '/oauth2/revoke') {
      return await answerOAuth(world, request, call);
    }
    if (isDownload(request.path)) return answerDownload(world, request);
    return routeCall(routes, world, request, call);
  } catch (error) {
    if (error instanceof Refusal) return error.answerFor(request.requestId);
    throw error;
  } finally {
    call.workMs = Math.round((performance.now() - started) * 1000) / 1000;
  }
}

/** Records a call as it arrived. */
export function recordCall(world: World, request: WireRequest): CallRecord {
  const asUser = request.headers['as-user'];
  return world.calls.open({
    method: request.method,
    path: request.path,
    query: Object.fromEntries(request.query),
    asUser: typeof asUser === 'string' ? asUser : null,
    body: redactBody(request.body, request.path.startsWith('/oauth2/')),
    requestId: request.requestId,
  });
}

/** The properties of a call that faults can match: its app, and every external id that it concerns. */
export function faultTarget(world: World, request: WireRequest, call: CallRecord): FaultTarget {
  const bearer = request.headers.authorization?.replace(/^bearer\s+/i, '') ?? '';
  const form = request.path.startsWith('/oauth2/') ? new URLSearchParams(request.body) : null;
  return {
    method: request.method,
    path: request.path,
    clientId: form?.get('client_id') ?? world.tokens.find(bearer, world.now())?.clientId ?? null,
    externalIds: () => {
      const userIds = [
        call.asUser,
        /^\/2\.0\/users\/(\d+)/.exec(request.path)?.[1],
        form?.get('box_subject_id'),
        memberOf(call.body) ?? membershipUser(world, request.path),
      ];
      const named = [
        request.query.get('external_app_user_id'),
        externalIdOf(call.body),
        ...userIds.map((id) => world.users.get(id ?? '')?.externalId),
      ];
      return named.filter((id) => typeof id === 'string');
    },
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** The user whom a body adds to a group. */
function memberOf(body: unknown): string | null {
  const user = isObject(body) ? body.user : null;
  return isObject(user) && typeof user.id === 'string' ? user.id : null;
}

function membershipUser(world: World, path: string): string | undefined {
  const id = /^\/2\.0\/group_memberships\/(\d+)/.exec(path)?.[1];
  return world.groups.membership(id ?? '')?.userId;
}

function externalIdOf(body: unknown): unknown {
  return isObject(body) ? body.external_app_user_id : null;
}
