import { randomBytes } from 'node:crypto';
import {
  errors,
  interactionPolicy,
  Provider,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { exportJWK } from 'jose';
import { MemoryAdapter } from './adapter.ts';
import { authorizeAsOkta } from '../login/authorize.ts';
import { claimsOf, SCOPE_CLAIMS } from './claims.ts';
import { type Org } from '../org/org.ts';
import { errorPage } from '../login/pages.ts';
import { SERVICE_GRANTS, TTL, WEB_GRANTS } from '../settings.ts';
import { OKTA_ERRORS } from '../login/texts.ts';
import { tokensAsOkta } from './tokens.ts';
import { userinfoAsOkta } from './userinfo.ts';

/** The form's address for one sign-in attempt; oidc-provider's cookie is bound to it. */
export const signInPath = (uid: string): string => `/signin/${uid}`;

/**
 * oidc-provider 9 under Okta's paths. Wrappers around it correct what differs from Okta (`authorize.ts`, `tokens.ts`,
 * `userinfo.ts`). Discovery, keys, logout, introspection, revocation and PAR differ so much that the twin answers them
 * itself.
 */
export async function makeProvider(org: Org): Promise<Provider> {
  const provider = new Provider(org.issuer, await configuration(org));
  provider.use(authorizeAsOkta(org));
  provider.use(tokensAsOkta(org, provider));
  provider.use(userinfoAsOkta(org));
  return provider;
}

async function configuration(org: Org): Promise<Configuration> {
  return {
    adapter: MemoryAdapter,
    clients: clients(org),
    // Signs internally only: every ID token is signed again with the org's current key before it leaves.
    jwks: { keys: [{ ...(await exportJWK(org.keys.current.privateKey)), alg: 'RS256', use: 'sig' }] },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      long: { sameSite: 'lax' },
      short: { sameSite: 'lax' },
    },
    routes: {
      authorization: '/oauth2/v1/authorize',
      token: '/oauth2/v1/token',
      userinfo: '/oauth2/v1/userinfo',
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      dPoP: { enabled: false },
      clientCredentials: { enabled: true },
    },
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    scopes: Object.keys(SCOPE_CLAIMS),
    claims: SCOPE_CLAIMS,
    conformIdTokenClaims: false,
    allowOmittingSingleRegisteredRedirectUri: false,
    extraParams: ['twin_response_mode'],
    pkce: { required: () => org.settings.pkceRequired },
    ttl: {
      AuthorizationCode: () => org.settings.codeTtl,
      AccessToken: TTL.token,
      ClientCredentials: TTL.token,
      IdToken: TTL.token,
      RefreshToken: TTL.refreshToken,
      Grant: TTL.refreshToken,
      Session: TTL.session,
      Interaction: TTL.interaction,
    },
    // Okta's tokens outlive the browser's session.
    expiresWithSession: async () => false,
    findAccount: async (_ctx, sub, token) => {
      const person = org.people.find(sub);
      // Tokens and codes of a person without the app are invalid; at the authorization endpoint Okta reports that
      // itself.
      if (person?.status !== 'ACTIVE' || (token && !person.assigned)) return undefined;
      return { accountId: sub, claims: () => claimsOf(person) };
    },
    // Okta answers scripts of the origins that its administrators trust (Okta, "Enable CORS"); here, those of the web
    // app.
    clientBasedCORS: (_ctx, origin) =>
      org.config.webClient.redirectUris.some((uri) => new URL(uri).origin === origin),
    loadExistingGrant: grantForSession,
    interactions: { url: (_ctx, interaction) => signInPath(interaction.uid), policy: policy(org) },
    renderError: async (ctx, out) => {
      ctx.type = 'html';
      ctx.body = errorPage(ctx.status, out.error_description ?? out.error);
    },
  };
}

function clients(org: Org): Configuration['clients'] {
  const { webClient, serviceClient } = org.config;
  return [
    {
      client_id: webClient.id,
      client_secret: webClient.secret,
      redirect_uris: webClient.redirectUris,
      grant_types: WEB_GRANTS,
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    {
      client_id: serviceClient.id,
      client_secret: serviceClient.secret,
      redirect_uris: [],
      grant_types: SERVICE_GRANTS,
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ];
}

/** One grant per session and client: a second one would invalidate the codes that were issued under the first. */
async function grantForSession(ctx: KoaContextWithOIDC) {
  const { provider, client, session, account, requestParamOIDCScopes } = ctx.oidc;
  if (!client || !account) return undefined;
  const known = session?.grantIdFor(client.clientId);
  const existing = known === undefined ? undefined : await provider.Grant.find(known);
  const grant = existing ?? new provider.Grant({ accountId: account.accountId, clientId: client.clientId });
  grant.addOIDCScope(requestParamOIDCScopes);
  await grant.save();
  return grant;
}

/** Okta asks for a password only; a person without the app is refused after it, or at once when signed in. */
function policy(org: Org): interactionPolicy.Prompt[] {
  const { Check, Prompt, base } = interactionPolicy;
  const prompts = base();
  prompts
    .get('login')
    ?.checks.add(
      new Check(
        'not_active',
        'the person of this session may not sign in any more',
        'login_required',
        (ctx) => Boolean(ctx.oidc.session?.accountId && !ctx.oidc.account),
      ),
    );
  // Kept so that prompt=consent stays a valid value.
  prompts.get('consent')?.checks.clear();
  prompts.add(
    new Prompt(
      { name: 'assignment' },
      new Check('not_assigned', OKTA_ERRORS.notAssigned.text, 'access_denied', (ctx) => {
        const accountId = ctx.oidc.account?.accountId;
        if (accountId !== undefined && org.people.find(accountId)?.assigned === false) {
          throw new errors.AccessDenied(OKTA_ERRORS.notAssigned.text);
        }
        return Check.NO_NEED_TO_PROMPT;
      }),
    ),
    1,
  );
  return [...prompts];
}
