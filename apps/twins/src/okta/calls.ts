import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Server } from './control/faults.ts';

/** One request that the twin answered; never contains a secret, a code, a token or a password. */
export interface Call {
  at: string;
  server: Server;
  endpoint: string;
  method: string;
  path: string;
  status: number;
  ms: number;
  /** Parameters that are safe to show. */
  params: Record<string, string>;
}

const KEPT = 5000;
const SAFE_PARAMS = [
  'client_id',
  'grant_type',
  'scope',
  'response_type',
  'response_mode',
  'redirect_uri',
  'post_logout_redirect_uri',
  'prompt',
  'max_age',
  'code_challenge_method',
  'login_hint',
] as const;

const ORG_PATHS: Readonly<Record<string, string>> = {
  '/.well-known/openid-configuration': 'discovery',
  '/oauth2/v1/authorize': 'authorize',
  '/oauth2/v1/token': 'token',
  '/oauth2/v1/userinfo': 'userinfo',
  '/oauth2/v1/keys': 'keys',
  '/oauth2/v1/logout': 'logout',
  '/oauth2/v1/introspect': 'introspect',
  '/oauth2/v1/revoke': 'revoke',
  '/oauth2/v1/par': 'par',
};
const CUSTOM_PATHS: Readonly<Record<string, string>> = {
  '/oauth2/default/.well-known/openid-configuration': 'discovery',
  '/oauth2/default/.well-known/oauth-authorization-server': 'discovery',
  '/.well-known/oauth-authorization-server/oauth2/default': 'discovery',
  '/oauth2/default/v1/token': 'token',
  '/oauth2/default/v1/keys': 'keys',
  '/oauth2/default/v1/introspect': 'introspect',
};

/** The server and endpoint of a path. `sign-in` is Okta's own form, `resume` the step after it. */
export function endpointOf(path: string): { server: Server; endpoint: string } | undefined {
  const org = ORG_PATHS[path];
  if (org !== undefined) return { server: 'org', endpoint: org };
  const custom = CUSTOM_PATHS[path];
  if (custom !== undefined) return { server: 'default', endpoint: custom };
  if (path.startsWith('/signin/')) return { server: 'org', endpoint: 'sign-in' };
  if (path.startsWith('/oauth2/v1/authorize/')) return { server: 'org', endpoint: 'resume' };
  return undefined;
}

/** The latest requests of each endpoint, newest last, up to a limit; the counts include dropped entries. */
export class Calls {
  #calls: Call[] = [];
  #counts: Record<string, number> = {};
  readonly #params = new WeakMap<IncomingMessage, Record<string, string>>();

  /** Adds safe parameters of a request's body to its entry. */
  note(req: IncomingMessage, values: Readonly<Record<string, unknown>>): void {
    const params = this.#params.get(req) ?? {};
    for (const name of SAFE_PARAMS) {
      const value = values[name];
      if (typeof value === 'string') params[name] = value;
    }
    this.#params.set(req, params);
  }

  /** Writes the entry when the response is sent (or the client has disconnected: status 0). */
  record(
    req: IncomingMessage,
    res: ServerResponse,
    path: string,
    where: { server: Server; endpoint: string },
  ): void {
    const started = Date.now();
    res.once('close', () => {
      const name = where.server === 'org' ? where.endpoint : `${where.server}.${where.endpoint}`;
      this.#counts[name] = (this.#counts[name] ?? 0) + 1;
      this.#calls.push({
        at: new Date(started).toISOString(),
        ...where,
        method: req.method ?? '',
        path,
        status: res.writableFinished ? res.statusCode : 0,
        ms: Date.now() - started,
        params: this.#params.get(req) ?? {},
      });
      if (this.#calls.length > KEPT) this.#calls = this.#calls.slice(-KEPT / 2);
    });
  }

  report(): { counts: Record<string, number>; calls: Call[] } {
    return { counts: { ...this.#counts }, calls: [...this.#calls] };
  }

  clear(): void {
    this.#calls = [];
    this.#counts = {};
  }
}
