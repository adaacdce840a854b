import { withinReach } from './access.ts';
import type { BoxApp, GrantName } from './apps.ts';
import { badJti, readAssertion } from './assertion.ts';
import type { CallRecord } from '../http/calls.ts';
import { clientError, oauthError } from '../http/errors.ts';
import type { Token } from './tokens.ts';
import { emptyAnswer, jsonAnswer, type Answer, type WireRequest } from '../http/wire.ts';
import type { World } from '../world.ts';

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** The scopes to which a token can be restricted (Box's downscope page). */
const downscopes = [
  ...['base_explorer', 'base_picker', 'base_preview', 'base_sidebar', 'base_upload'],
  ...['item_delete', 'item_download', 'item_preview', 'item_rename', 'item_share', 'item_upload'],
];

/** POST /oauth2/token and POST /oauth2/revoke. An As-User header is ignored here. Throws Refusal. */
export async function answerOAuth(world: World, request: WireRequest, call: CallRecord): Promise<Answer> {
  if (request.method !== 'POST') throw clientError(405, 'method_not_allowed', 'Method Not Allowed');
  const form = new URLSearchParams(request.body);
  call.clientId = form.get('client_id');
  return request.path === '/oauth2/revoke' ? revoke(world, form) : token(world, form);
}

async function token(world: World, form: URLSearchParams): Promise<Answer> {
  switch (form.get('grant_type')) {
    case 'client_credentials':
      return clientCredentials(world, form);
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      return jwtBearer(world, form);
    case 'urn:ietf:params:oauth:grant-type:token-exchange':
      return tokenExchange(world, form);
    case 'authorization_code':
    case 'refresh_token':
      throw wrongGrant();
    default:
      throw oauthError('invalid_request', 'Invalid grant_type parameter or parameter missing');
  }
}

function clientCredentials(world: World, form: URLSearchParams): Answer {
  const refused = (): Error => oauthError('invalid_grant', 'Grant credentials are invalid');
  const app = appOf(world, form);
  if (!app) throw refused();
  requireGrant(app, 'client_credentials');
  const type = form.get('box_subject_type');
  if (type !== 'enterprise' && type !== 'user') {
    throw oauthError('invalid_request', 'Invalid box_subject_type parameter or parameter missing');
  }
  if (!app.authorized) throw refused();
  const userId = subjectOf(world, app, type, form.get('box_subject_id') ?? '', refused);
  return tokenAnswer(issue(world, app, userId), world);
}

async function jwtBearer(world: World, form: URLSearchParams): Promise<Answer> {
  const app = requireApp(world, form);
  requireGrant(app, 'jwt');
  const assertion = await readAssertion(app, form.get('assertion') ?? '', world.now());
  if (!app.authorized)
    throw oauthError('unauthorized_client', 'This app is not authorized by the enterprise admin');
  if (!world.tokens.useAssertion(app.clientId, assertion.jti, assertion.expiresAt, world.now()))
    throw badJti();
  const userId = subjectOf(world, app, assertion.subjectType, assertion.subject, () =>
    oauthError('invalid_grant', "Please check the 'sub' claim. The 'sub' specified is invalid."),
  );
  return tokenAnswer(issue(world, app, userId), world);
}

/** The user of a token: the service account for the enterprise, or an active user as whom the app may act. */
function subjectOf(
  world: World,
  app: BoxApp,
  type: 'enterprise' | 'user',
  id: string,
  refused: () => Error,
): string {
  if (type === 'enterprise') {
    if (id !== world.config.enterpriseId) throw refused();
    return app.serviceAccountId;
  }
  if (!app.userTokens || id === app.serviceAccountId) {
    throw oauthError(
      'invalid_request',
      'Cannot obtain user token based on the enterprise configuration for your app',
    );
  }
  const user = world.users.get(id);
  if (!user || user.kind === 'external' || user.kind === 'service' || !withinReach(app, user))
    throw refused();
  if (user.profile.status === 'inactive') throw refused();
  return user.id;
}

/** Restricts a valid token (RFC 8693): known scopes only, at most one item, and never valid longer than its parent. */
function tokenExchange(world: World, form: URLSearchParams): Answer {
  const parent = world.tokens.find(form.get('subject_token') ?? '', world.now());
  if (!parent || form.get('subject_token_type') !== accessTokenType) {
    throw oauthError('invalid_grant', 'Invalid subject token');
  }
  if (form.has('client_id') && requireApp(world, form).clientId !== parent.clientId) throw badClient();
  const scopes = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  const unknown = scopes.filter((scope) => !downscopes.includes(scope));
  const widened = parent.scopes ? scopes.filter((scope) => !parent.scopes?.includes(scope)) : [];
  if (scopes.length === 0 || unknown.length > 0 || widened.length > 0) {
    throw oauthError('invalid_scope', 'The requested scope is invalid, unknown, or malformed');
  }
  const resource = readResource(form.get('resource')) ?? parent.resource;
  if (parent.resource && JSON.stringify(resource) !== JSON.stringify(parent.resource)) throw badResource();
  if (resource && !reachesItem(world, parent.userId, resource)) throw badResource();
  const { clientId, userId, expiresAt } = parent;
  const issued = world.tokens.issue({ clientId, userId, expiresAt, scopes, resource, parent });
  return tokenAnswer(issued, world, {
    restricted_to: scopes.map((scope) => ({ scope, ...(resource && { object: resource }) })),
    issued_token_type: accessTokenType,
  });
}

function reachesItem(world: World, userId: string, resource: NonNullable<Token['resource']>): boolean {
  if (resource.type === 'folder' && resource.id === '0') return true;
  return world.items.owned(userId, resource.id)?.type === resource.type;
}

function readResource(given: string | null): Token['resource'] {
  if (given === null) return null;
  const match = /^https:\/\/api\.box\.com\/2\.0\/(file|folder)s\/(\d+)$/.exec(given);
  if (!match) throw badResource();
  return { type: match[1] === 'file' ? 'file' : 'folder', id: match[2] ?? '' };
}

function revoke(world: World, form: URLSearchParams): Answer {
  if (!form.has('client_id')) {
    throw oauthError('invalid_request', 'Client id was not found in the headers or body');
  }
  const app = requireApp(world, form);
  const value = form.get('token') ?? '';
  if (world.tokens.find(value, world.now())?.clientId === app.clientId) world.tokens.revoke(value);
  return emptyAnswer(200);
}

function issue(world: World, app: BoxApp, userId: string): Token {
  const expiresAt = world.now() + world.settings.tokenLifetimeSeconds * 1000;
  return world.tokens.issue({
    clientId: app.clientId,
    userId,
    expiresAt,
    scopes: null,
    resource: null,
    parent: null,
  });
}

function tokenAnswer(token: Token, world: World, more: object = { restricted_to: [] }): Answer {
  const expiresIn = Math.max(0, Math.round((token.expiresAt - world.now()) / 1000));
  return jsonAnswer(
    200,
    { access_token: token.value, expires_in: expiresIn, token_type: 'bearer', ...more },
    { 'cache-control': 'no-store' },
  );
}

function appOf(world: World, form: URLSearchParams): BoxApp | undefined {
  const app = world.apps.get(form.get('client_id') ?? '');
  return app && app.clientSecret === form.get('client_secret') ? app : undefined;
}

function requireApp(world: World, form: URLSearchParams): BoxApp {
  const app = appOf(world, form);
  if (!app) throw badClient();
  return app;
}

function requireGrant(app: BoxApp, grant: GrantName): void {
  if (!app.grants.includes(grant)) throw wrongGrant();
}

const badClient = (): Error => oauthError('invalid_client', 'The client credentials are invalid');
const badResource = (): Error => oauthError('invalid_resource', 'The requested resource is invalid');
const wrongGrant = (): Error =>
  oauthError('unauthorized_client', 'The grant type is unauthorized for this client_id');
