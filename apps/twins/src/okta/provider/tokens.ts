import { decodeJwt, type JWTPayload } from 'jose';
import { type errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { MAX_GROUPS, PERSONAL_CLAIMS, THIN_CLAIMS } from './claims.ts';
import { signDamaged, swappedAccessToken } from '../control/damage.ts';
import { halfHash } from './keys.ts';
import { type Org } from '../org/org.ts';
import { type Person } from '../org/people.ts';
import { errorBody, grantNotAllowed, OKTA_ERRORS, type OktaError } from '../login/texts.ts';

const TOKEN = '/oauth2/v1/token';
const KNOWN_GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', 'password', 'implicit'];
/** Claims of every ID token, besides those of the person. */
const PROTOCOL_CLAIMS = ['sub', 'iss', 'aud', 'iat', 'exp', 'nonce'];

/**
 * The token endpoint as Okta has it, around oidc-provider's own: ID tokens with Okta's claims, signed by the current
 * key, access tokens as JWTs, Okta's error texts, and the faults that damage any of it.
 */
export function tokensAsOkta(org: Org, provider: Provider) {
  const failures = new WeakMap<object, errors.OIDCProviderError>();
  provider.on('grant.error', (ctx, err) => failures.set(ctx.req, err));
  return async (ctx: KoaContextWithOIDC, next: () => Promise<unknown>): Promise<void> => {
    if (ctx.path !== TOKEN || ctx.method !== 'POST') {
      await next();
      return;
    }
    // Okta responds with JSON whatever the client accepts.
    ctx.req.headers.accept = 'application/json';
    await next();
    org.calls.note(ctx.req, { ...ctx.oidc.params, client_id: ctx.oidc.client?.clientId });
    const failure = failures.get(ctx.req);
    const refusal = failure ? oktaErrorOf(failure, ctx) : refuseAnswer(org, ctx);
    if (refusal) {
      ctx.status = refusal.status;
      ctx.body = errorBody(refusal);
    } else if (!failure) {
      ctx.body = await answer(org, ctx);
    }
  };
}

/** Okta's error for one of oidc-provider's, which has the reason in `error_detail`; undefined leaves it unchanged. */
function oktaErrorOf(failure: errors.OIDCProviderError, ctx: KoaContextWithOIDC): OktaError | undefined {
  const detail = failure.error_detail ?? '';
  switch (failure.error) {
    case 'invalid_client':
      return clientError(detail);
    case 'invalid_grant':
      return grantError(detail, ctx);
    case 'invalid_scope':
      return OKTA_ERRORS.scopeUnknown;
    case 'unsupported_grant_type':
      return configuredGrants(ctx);
    case 'invalid_request':
      if (failure.error_description?.startsWith('code_verifier')) return OKTA_ERRORS.pkce;
      if (failure.error_description === 'no client authentication mechanism provided')
        return OKTA_ERRORS.noCredentials;
      if (failure.error_description === 'client authentication must only be provided using one mechanism') {
        return OKTA_ERRORS.clientAuthTwice;
      }
      if (failure.error_description === 'requested grant type is not allowed for this client') {
        return configuredGrants(ctx);
      }
      return undefined;
    default:
      return undefined;
  }
}

function clientError(detail: string): OktaError {
  if (detail === 'client not found') return OKTA_ERRORS.clientId;
  return detail === 'invalid secret provided' ? OKTA_ERRORS.clientSecret : OKTA_ERRORS.noCredentials;
}

function grantError(detail: string, ctx: KoaContextWithOIDC): OktaError {
  if (detail === 'code_verifier must be provided') return OKTA_ERRORS.verifierRequired;
  if (/code_(verifier|challenge)/.test(detail)) return OKTA_ERRORS.pkce;
  if (detail.endsWith('redirect_uri mismatch')) return OKTA_ERRORS.codeRedirectUri;
  return ctx.oidc.params?.['grant_type'] === 'refresh_token' ? OKTA_ERRORS.refreshToken : OKTA_ERRORS.code;
}

function configuredGrants(ctx: KoaContextWithOIDC): OktaError | undefined {
  const { client, params } = ctx.oidc;
  const asked = params?.['grant_type'];
  if (!client || typeof asked !== 'string' || !KNOWN_GRANTS.includes(asked)) return undefined;
  return grantNotAllowed([...(client.grantTypes ?? [])]);
}

/** Refusals that oidc-provider does not have: a machine gets no scope of the org server, and too many groups fail. */
function refuseAnswer(org: Org, ctx: KoaContextWithOIDC): OktaError | undefined {
  const { ClientCredentials, Account, AccessToken } = ctx.oidc.entities;
  const { scope } = ctx.oidc.body ?? {};
  if (ClientCredentials) return scope ? OKTA_ERRORS.scopeUnknown : OKTA_ERRORS.scopeMissing;
  const groups = Account && org.people.find(Account.accountId)?.groups;
  const asked = AccessToken?.scope?.split(' ').includes('groups');
  return asked && groups && groups.length > MAX_GROUPS ? OKTA_ERRORS.tooManyGroups : undefined;
}

interface Answer {
  access_token: string;
  id_token?: string;
  [field: string]: unknown;
}

function isAnswer(body: unknown): body is Answer {
  return (
    typeof body === 'object' &&
    body !== null &&
    'access_token' in body &&
    typeof body.access_token === 'string'
  );
}

async function answer(org: Org, ctx: KoaContextWithOIDC): Promise<unknown> {
  const body: unknown = ctx.body;
  const { AuthorizationCode, RefreshToken, AccessToken, Account } = ctx.oidc.entities;
  const source = AuthorizationCode ?? RefreshToken;
  const person = Account && org.people.find(Account.accountId);
  if (!isAnswer(body) || !person || !source || !AccessToken) return body;
  const { authTime } = source;
  const issuedAt = Math.floor(Date.now() / 1000);
  const accessToken = await org.accessTokens.wrap({
    opaque: body.access_token,
    clientId: source.clientId ?? org.config.webClient.id,
    userId: person.id,
    login: person.login,
    scopes: [...AccessToken.scopes],
    authTime,
    issuedAt,
    expiresAt: issuedAt + AccessToken.expiration,
  });
  const claims = body.id_token === undefined ? undefined : oktaClaims(org, decodeJwt(body.id_token), person);
  if (!claims) return { ...body, access_token: accessToken };
  const meant: JWTPayload = { ...claims, auth_time: authTime, at_hash: halfHash(accessToken) };
  const swap = await swappedAccessToken(org, ctx, person);
  if (swap?.atHash === 'missing') delete meant['at_hash'];
  return { ...body, access_token: swap?.token ?? accessToken, id_token: await signDamaged(org, meant) };
}

/** An ID token's claims as Okta has them, from oidc-provider's. */
function oktaClaims(org: Org, given: JWTPayload, person: Person): JWTPayload {
  const personal = Object.entries(given).filter(
    ([name]) => PERSONAL_CLAIMS.includes(name) && (!org.settings.thinIdToken || THIN_CLAIMS.includes(name)),
  );
  return {
    ver: 1,
    jti: `ID.${crypto.randomUUID()}`,
    amr: ['pwd'],
    idp: org.id,
    ...Object.fromEntries(PROTOCOL_CLAIMS.filter((name) => name in given).map((name) => [name, given[name]])),
    ...Object.fromEntries(personal),
    sub: person.id,
  };
}
