import { authenticate, type Caller } from '../access/access.ts';
import type { CallRecord } from './calls.ts';
import { clientError } from './errors.ts';
import type { Answer, WireRequest } from './wire.ts';
import type { World } from '../world.ts';

export interface RouteContext {
  world: World;
  caller: Caller;
  params: Record<string, string>;
  query: URLSearchParams;
  body: string;
  /** The host and port of the request. */
  host: string;
}

/**
 * One endpoint. `path` segments that start with `:` are parameters; handlers return a response or throw a Refusal,
 * synchronously.
 */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  handle: (context: RouteContext) => Answer;
}

/** Handles an API call: checks the path, the method and the caller, then runs the endpoint. Throws Refusal. */
export function routeCall(
  routes: readonly Route[],
  world: World,
  request: WireRequest,
  call: CallRecord,
): Answer {
  const matches = routes.flatMap((route) => {
    const params = matchPath(route.path, request.path);
    return params ? [{ route, params }] : [];
  });
  const caller = authenticate(world, request, call);
  if (matches.length === 0) {
    throw clientError(404, 'not_found', 'Not Found', {
      message: `The Box twin has no endpoint ${request.path}`,
    });
  }
  const match = matches.find(({ route }) => route.method === request.method);
  if (!match) throw clientError(405, 'method_not_allowed', 'Method Not Allowed');
  const { query, body, headers } = request;
  const { host = '' } = headers;
  return match.route.handle({ world, caller, params: match.params, query, body, host });
}

function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const value = given[at] ?? '';
    if (part.startsWith(':')) {
      if (value === '') return null;
      params[part.slice(1)] = value;
    } else if (part !== value) return null;
  }
  return params;
}
