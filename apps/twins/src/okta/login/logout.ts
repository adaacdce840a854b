import { Router, type Request, type Response } from 'express';
import { type Provider } from 'oidc-provider';
import { formOf, queryOf, readForm } from './forms.ts';
import { type Org } from '../org/org.ts';
import { errorPage, signedOutPage } from './pages.ts';
import { OKTA_ERRORS, type OktaError } from './texts.ts';

/**
 * `GET|POST /oauth2/v1/logout` as Okta has it: a hint is required, an expired one is accepted, and no page asks for
 * confirmation.
 */
export function logout(org: Org, provider: Provider): Router {
  const router = Router();
  router.get('/oauth2/v1/logout', (req, res) => answer(org, provider, req, res, queryOf(req)));
  router.post('/oauth2/v1/logout', readForm, (req: Request, res: Response) =>
    answer(org, provider, req, res, formOf(req)),
  );
  router.get('/signed-out', (_req, res) => {
    res.type('html').send(signedOutPage());
  });
  return router;
}

async function answer(
  org: Org,
  provider: Provider,
  req: Request,
  res: Response,
  params: URLSearchParams,
): Promise<void> {
  org.calls.note(req, Object.fromEntries(params));
  const error = await signOut(org, provider, req, res, params);
  if (error) {
    res.status(error.status).type('html').send(errorPage(error.status, error.text));
    return;
  }
  const target = new URL(params.get('post_logout_redirect_uri') ?? `${org.issuer}/signed-out`);
  const state = params.get('state');
  if (state !== null && params.has('post_logout_redirect_uri')) target.searchParams.append('state', state);
  res.redirect(302, target.href);
}

/**
 * Ends the browser's session, or returns why it cannot. Without a session it succeeds, because there is nothing to end.
 */
async function signOut(
  org: Org,
  provider: Provider,
  req: Request,
  res: Response,
  params: URLSearchParams,
): Promise<OktaError | undefined> {
  const { webClient } = org.config;
  const hint = params.get('id_token_hint');
  if (!hint) return OKTA_ERRORS.hintRequired;
  const claims = await org.keys.open(hint);
  if (claims?.iss !== org.issuer || claims.aud !== webClient.id) return OKTA_ERRORS.hintInvalid;
  const uri = params.get('post_logout_redirect_uri');
  if (uri !== null && !webClient.postLogoutRedirectUris.includes(uri))
    return OKTA_ERRORS.postLogoutRedirectUri;
  const ctx = provider.createContext(req, res);
  const session = await provider.Session.get(ctx);
  if (session.accountId === undefined) return undefined;
  if (session.accountId !== claims.sub) return OKTA_ERRORS.hintNotOfSession;
  await session.destroy();
  ctx.cookies.set(provider.cookieName('session'), null);
  return undefined;
}
