import { BoxCcgAuth, CcgConfig } from 'box-node-sdk/box/ccgAuth';
import { AuthorizationManager } from 'box-node-sdk/managers/authorization';
import type { NetworkSession } from 'box-node-sdk/networking/network';
import { signAssertion } from './assertion.ts';
import { parseJwtConfig } from './jwt-config.ts';
import type { Operation } from './interpret-response.ts';
import type { BoxApp, BoxAuth } from './options.ts';
import { readToken, type TokenGrant } from './wire.ts';

export interface Credentials {
  readonly app: BoxApp;
  /**
   * Requests a token; for JWT with a newly signed assertion. `nowMs`: the time on Box's clock, as far as it is known.
   */
  readonly askForToken: (session: NetworkSession, nowMs: number) => Promise<unknown>;
  /** Values that must never be logged. */
  readonly secrets: readonly string[];
  readonly tokenRequest: Operation<TokenGrant>;
}

/** Credentials of the app's service account. Throws BoxConfigError when the JWT configuration is not valid. */
export function credentialsOf(given: BoxAuth): Credentials {
  if (given.kind === 'ccg') {
    const { clientId, clientSecret, enterpriseId } = given;
    const auth = new BoxCcgAuth({ config: new CcgConfig({ clientId, clientSecret, enterpriseId }) });
    return {
      ...{ secrets: [clientSecret], askForToken: (session) => auth.refreshToken(session) },
      ...tokenOperation({ clientId, enterpriseId }, 'client_credentials'),
    };
  }
  const settings = parseJwtConfig(given.configJson);
  const { clientId, clientSecret, enterpriseId, privateKey, passphrase } = settings;
  const secrets = [clientSecret, privateKey, passphrase];
  // Signed here, because the SDK signs only by this machine's clock and cannot be given another time.
  const askForToken = async (networkSession: NetworkSession, nowMs: number) =>
    new AuthorizationManager({ networkSession }).requestAccessToken({
      grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ...{ assertion: await signAssertion(settings, nowMs), clientId, clientSecret },
    });
  return {
    ...{ secrets, askForToken },
    ...tokenOperation({ clientId, enterpriseId }, 'jwt-bearer'),
  };
}

function tokenOperation(app: BoxApp, grantType: string): Pick<Credentials, 'app' | 'tokenRequest'> {
  const tokenRequest: Operation<TokenGrant> = {
    name: 'token',
    method: 'POST',
    path: '/oauth2/token',
    parameters: { grantType, ...app },
    changes: false,
    accept(body) {
      const grant = readToken(body);
      return grant && { value: grant, extract: { expiresIn: grant.expires_in } };
    },
    // Here every refusal is about our credentials: OAuth answers 400 or 401 (RFC 6749, 5.2).
    refuse: () => 'box_auth_failed',
  };
  return { app, tokenRequest };
}
