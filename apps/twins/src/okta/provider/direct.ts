import { Router, type Request, type Response } from 'express';
import { type Provider } from 'oidc-provider';
import { authenticateClient } from './client-auth.ts';
import { type TwinClient } from '../config.ts';
import { formOf, readForm } from '../login/forms.ts';
import { type Org } from '../org/org.ts';
import { errorBody } from '../login/texts.ts';

type Answer = (client: TwinClient, form: URLSearchParams) => Promise<unknown>;

/** The org server's back-channel endpoints besides `/token`: introspection, revocation and pushed requests. */
export function directEndpoints(org: Org, provider: Provider): Router {
  const router = Router();
  const serve = (path: string, answer: Answer): void => {
    router.post(path, readForm, async (req: Request, res: Response) => {
      const form = formOf(req);
      const { webClient, serviceClient } = org.config;
      const caller = authenticateClient([webClient, serviceClient], req.headers.authorization, form);
      res.set('cache-control', 'no-cache, no-store');
      if ('error' in caller) res.status(caller.error.status).json(errorBody(caller.error));
      else res.json(await answer(caller.client, form));
    });
  };
  serve('/oauth2/v1/introspect', (client, form) => introspect(org, provider, client, form));
  serve('/oauth2/v1/revoke', (client, form) => revoke(org, provider, client, form));
  serve('/oauth2/v1/par', async (client, form) => org.pushedRequests.push(client.id, form));
  return router;
}

async function introspect(
  org: Org,
  provider: Provider,
  client: TwinClient,
  form: URLSearchParams,
): Promise<unknown> {
  const token = form.get('token') ?? '';
  const opaque = await org.accessTokens.unwrap(token);
  const found =
    opaque === undefined ? await provider.RefreshToken.find(token) : await provider.AccessToken.find(opaque);
  const person = found?.accountId === undefined ? undefined : org.people.find(found.accountId);
  // A revoked token is inactive, and so is one that belongs to another client.
  if (!found?.isValid || found.clientId !== client.id || person?.status !== 'ACTIVE' || !person.assigned) {
    return { active: false };
  }
  return {
    active: true,
    token_type: 'Bearer',
    scope: found.scope,
    client_id: found.clientId,
    username: person.login,
    sub: person.login,
    uid: person.id,
    iss: org.issuer,
    aud: org.issuer,
    iat: found.iat,
    exp: found.exp,
    ...(opaque !== undefined && { jti: `AT.${opaque}` }),
  };
}

/** RFC 7009: an unknown token counts as revoked. */
async function revoke(
  org: Org,
  provider: Provider,
  client: TwinClient,
  form: URLSearchParams,
): Promise<unknown> {
  const token = form.get('token') ?? '';
  const opaque = await org.accessTokens.unwrap(token);
  const found =
    opaque === undefined ? await provider.RefreshToken.find(token) : await provider.AccessToken.find(opaque);
  if (found?.clientId === client.id) await found.destroy();
  return undefined;
}
