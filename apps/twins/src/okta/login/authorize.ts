import { type KoaContextWithOIDC } from 'oidc-provider';
import { SCOPE_CLAIMS } from '../provider/claims.ts';
import { type Org } from '../org/org.ts';
import { errorPage, formPostPage } from './pages.ts';
import { OKTA_ERRORS, type OktaError } from './texts.ts';

const AUTHORIZE = '/oauth2/v1/authorize';
type Next = () => Promise<unknown>;

/** The response to an invalid authorization request: Okta's own page, or a redirect with an error. */
interface Refusal {
  how: 'page' | 'redirect';
  error: OktaError;
}

/**
 * The authorization endpoint as Okta has it: a required `state`, Okta's error texts, its own page for an unknown
 * redirect URI, no RFC 9207 `iss` (unless a fault adds it). Runs around oidc-provider's own endpoint.
 */
export function authorizeAsOkta(org: Org) {
  return async (ctx: KoaContextWithOIDC, next: Next): Promise<void> => {
    if (ctx.path === AUTHORIZE) {
      const params = org.pushedRequests.expand(new URLSearchParams(ctx.querystring));
      const refusal = refuse(org, params);
      if (refusal) {
        answerRefusal(org, ctx, params, refusal);
        return;
      }
      ctx.querystring = forProvider(params).toString();
    } else if (!ctx.path.startsWith(`${AUTHORIZE}/`)) {
      await next();
      return;
    }
    await next();
    answerAsOkta(org, ctx);
  };
}

/** What is wrong with the request by Okta's rules; undefined when oidc-provider checks the rest. */
function refuse(org: Org, params: URLSearchParams): Refusal | undefined {
  const { id, redirectUris } = org.config.webClient;
  const clientId = params.get('client_id');
  if (params.get('request_uri')?.startsWith('urn:okta:'))
    return { how: 'page', error: OKTA_ERRORS.requestUri };
  if (clientId !== id && clientId !== org.config.serviceClient.id) {
    return { how: 'page', error: { ...OKTA_ERRORS.clientId, status: 400 } };
  }
  if (clientId !== id || !redirectUris.includes(params.get('redirect_uri') ?? '')) {
    return { how: 'page', error: OKTA_ERRORS.redirectUri };
  }
  const error = refuseParams(org, params);
  return error && { how: 'redirect', error };
}

function refuseParams(org: Org, params: URLSearchParams): OktaError | undefined {
  if (!params.get('state')) return OKTA_ERRORS.state;
  const scopes = (params.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  if (scopes.length === 0) return OKTA_ERRORS.scopeMissing;
  if (scopes.some((scope) => !Object.hasOwn(SCOPE_CLAIMS, scope))) return OKTA_ERRORS.scopeUnknown;
  if (!params.has('code_challenge')) {
    return org.settings.pkceRequired || params.has('code_challenge_method')
      ? OKTA_ERRORS.challengeRequired
      : undefined;
  }
  return params.get('code_challenge_method') === 'S256' ? undefined : OKTA_ERRORS.challengeMethod;
}

/**
 * The request in oidc-provider's form. Every response mode is made from a query redirect; refresh tokens need
 * prompt=consent there; and Okta ignores an id_token_hint here.
 */
function forProvider(params: URLSearchParams): URLSearchParams {
  const given = new URLSearchParams(params);
  given.delete('id_token_hint');
  const mode = given.get('response_mode');
  if (mode === 'form_post' || mode === 'fragment') {
    given.delete('response_mode');
    given.set('twin_response_mode', mode);
  } else {
    given.delete('twin_response_mode');
  }
  const prompts = new Set((given.get('prompt') ?? '').split(' ').filter((prompt) => prompt !== ''));
  if ((given.get('scope') ?? '').split(' ').includes('offline_access') && !prompts.has('none')) {
    given.set('prompt', [...prompts.add('consent')].join(' '));
  }
  return given;
}

function answerRefusal(
  org: Org,
  ctx: KoaContextWithOIDC,
  params: URLSearchParams,
  { how, error }: Refusal,
): void {
  if (how === 'page') {
    ctx.status = error.status;
    ctx.type = 'html';
    ctx.body = errorPage(error.status, error.text);
    return;
  }
  const state = params.get('state');
  const fields = {
    ...(state !== null && { state }),
    error: error.error,
    error_description: error.text,
    ...issOf(org),
  };
  deliver(ctx, params.get('redirect_uri') ?? '', params.get('response_mode') ?? 'query', fields);
}

/** Rewrites oidc-provider's redirect to the client: Okta's fields in Okta's order, without `iss`. */
function answerAsOkta(org: Org, ctx: KoaContextWithOIDC): void {
  const location = ctx.response.get('location');
  // Redirects to the sign-in form are paths of this origin.
  if (!URL.canParse(location)) return;
  const params: Record<string, unknown> = ctx.oidc.params ?? {};
  const redirectUri = params['redirect_uri'];
  const { hash, searchParams } = new URL(location);
  const answer = hash === '' ? searchParams : new URLSearchParams(hash.slice(1));
  if (typeof redirectUri !== 'string' || !(answer.has('code') || answer.has('error'))) return;
  const code = answer.get('code');
  const state = answer.get('state');
  const fields = {
    ...(code !== null && { code }),
    ...(state !== null && { state }),
    ...errorFields(answer),
    ...issOf(org),
  };
  const asked = params['twin_response_mode'];
  const mode = typeof asked === 'string' ? asked : hash === '' ? 'query' : 'fragment';
  deliver(ctx, redirectUri, mode, fields);
}

function errorFields(answer: URLSearchParams): Record<string, string> {
  const error = answer.get('error');
  if (error === null) return {};
  const said = error === 'login_required' ? OKTA_ERRORS.loginRequired.text : answer.get('error_description');
  return { error, ...(said !== null && { error_description: said }) };
}

function issOf(org: Org): { iss?: string } {
  const fault = org.faults.strike(['issInResponse', 'wrongIssInResponse'], 'authorize');
  if (!fault) return {};
  return { iss: fault.kind === 'issInResponse' ? org.issuer : 'https://attacker.example.com' };
}

function deliver(
  ctx: KoaContextWithOIDC,
  redirectUri: string,
  mode: string,
  fields: Record<string, string>,
): void {
  if (mode === 'form_post') {
    ctx.response.remove('location');
    ctx.status = 200;
    ctx.type = 'html';
    ctx.body = formPostPage(redirectUri, fields);
    return;
  }
  const target = new URL(redirectUri);
  if (mode === 'fragment') target.hash = new URLSearchParams(fields).toString();
  else for (const [name, value] of Object.entries(fields)) target.searchParams.append(name, value);
  ctx.status = 302;
  ctx.redirect(target.href);
}
