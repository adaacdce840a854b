import { Router, type Request, type Response } from 'express';
import { authenticateClient } from './client-auth.ts';
import { customDiscovery } from './discovery.ts';
import { formOf, readForm } from '../login/forms.ts';
import { type Org } from '../org/org.ts';
import { oktaId } from '../org/people.ts';
import { SERVICE_GRANTS, TTL, WEB_GRANTS } from '../settings.ts';
import { errorBody, grantNotAllowed, OKTA_ERRORS, type OktaError } from '../login/texts.ts';

/** Scopes configured on the custom server 'default'. */
export const API_SCOPES = ['foyer.read', 'foyer.write', 'foyer.audit', 'foyer.scim'];

/**
 * The custom authorization server 'default': JWT access tokens for the API by client credentials. Only a custom server
 * can have such scopes; Okta's org server has only its own.
 */
export function customServer(org: Org): Router {
  const router = Router();
  // Okta's API description and its guide disagree on where the OAuth metadata is, so it is in both places.
  const metadata = [
    '/oauth2/default/.well-known/openid-configuration',
    '/oauth2/default/.well-known/oauth-authorization-server',
    '/.well-known/oauth-authorization-server/oauth2/default',
  ];
  router.get(metadata, (_req, res) => {
    res.set('cache-control', 'max-age=86400, must-revalidate').json(customDiscovery(org));
  });
  router.get('/oauth2/default/v1/keys', (_req, res) => {
    res
      .set('cache-control', `max-age=${String(org.settings.keysMaxAge)}, must-revalidate`)
      .json(org.customKeys.jwks());
  });
  router.post('/oauth2/default/v1/token', readForm, async (req: Request, res: Response) => {
    const form = formOf(req);
    org.calls.note(req, Object.fromEntries(form));
    res.set('cache-control', 'no-cache, no-store');
    const answer = await clientCredentials(org, req.headers.authorization, form);
    if ('error' in answer) res.status(answer.status).json(errorBody(answer));
    else res.json(answer);
  });
  router.post('/oauth2/default/v1/introspect', readForm, async (req: Request, res: Response) => {
    const form = formOf(req);
    const { webClient, serviceClient } = org.config;
    const caller = authenticateClient([webClient, serviceClient], req.headers.authorization, form);
    if ('error' in caller) res.status(caller.error.status).json(errorBody(caller.error));
    else res.json(await introspect(org, form.get('token') ?? ''));
  });
  return router;
}

interface TokenAnswer {
  token_type: 'Bearer';
  expires_in: number;
  access_token: string;
  scope: string;
}

async function clientCredentials(
  org: Org,
  authorization: string | undefined,
  form: URLSearchParams,
): Promise<TokenAnswer | OktaError> {
  const { webClient, serviceClient, apiAudience } = org.config;
  const caller = authenticateClient([webClient, serviceClient], authorization, form);
  if ('error' in caller) return caller.error;
  const { id } = caller.client;
  if (id !== serviceClient.id) return grantNotAllowed(WEB_GRANTS);
  if (form.get('grant_type') !== 'client_credentials') return grantNotAllowed(SERVICE_GRANTS);
  const scopes = [...new Set((form.get('scope') ?? '').split(' ').filter((scope) => scope !== ''))];
  if (scopes.length === 0) return OKTA_ERRORS.scopeMissing;
  if (!scopes.every((scope) => API_SCOPES.includes(scope))) return OKTA_ERRORS.scopeUnknown;
  const now = Math.floor(Date.now() / 1000);
  const accessToken = await org.customKeys.sign({
    ver: 1,
    jti: `AT.${oktaId('')}${oktaId('')}`,
    iss: org.customIssuer,
    aud: apiAudience,
    iat: now,
    exp: now + TTL.token,
    cid: id,
    scp: scopes,
    sub: id,
  });
  return { token_type: 'Bearer', expires_in: TTL.token, access_token: accessToken, scope: scopes.join(' ') };
}

async function introspect(org: Org, token: string): Promise<unknown> {
  const claims = await org.customKeys.open(token);
  if (!claims?.exp || claims.exp <= Date.now() / 1000) return { active: false };
  const { scp, cid, ...rest } = claims;
  const scope = Array.isArray(scp) ? scp.join(' ') : '';
  return { active: true, token_type: 'Bearer', scope, client_id: cid, ...rest };
}
