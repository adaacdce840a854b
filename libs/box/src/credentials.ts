import { BoxCcgAuth, BoxJwtAuth, CcgConfig, JwtConfig } from 'box-node-sdk';
import type { Authentication } from 'box-node-sdk/networking/auth';
import { parseJwtConfig } from './jwt-config.ts';
import type { Operation } from './judge.ts';
import type { BoxApp, BoxAuth } from './options.ts';
import { readToken, type TokenGrant } from './wire.ts';

export interface Credentials {
  readonly app: BoxApp;
  /** The SDK's part: it signs and words the token request. */
  readonly auth: Authentication;
  /** What must never be written anywhere. */
  readonly secrets: readonly string[];
  readonly tokenRequest: Operation<TokenGrant>;
}

/** Credentials of the app's service account. Throws BoxConfigError when the JWT configuration is not valid. */
export function credentialsOf(given: BoxAuth): Credentials {
  if (given.kind === 'ccg') {
    const { clientId, clientSecret, enterpriseId } = given;
    const auth = new BoxCcgAuth({ config: new CcgConfig({ clientId, clientSecret, enterpriseId }) });
    return credentials({ clientId, enterpriseId }, auth, [clientSecret], 'client_credentials');
  }
  const settings = parseJwtConfig(given.configJson);
  const { clientId, clientSecret, enterpriseId, privateKey, passphrase } = settings;
  const config = new JwtConfig({
    clientId,
    clientSecret,
    enterpriseId,
    privateKey,
    jwtKeyId: settings.publicKeyId,
    privateKeyPassphrase: passphrase,
  });
  const secrets = [clientSecret, privateKey, passphrase];
  return credentials({ clientId, enterpriseId }, new BoxJwtAuth({ config }), secrets, 'jwt-bearer');
}

function credentials(
  app: BoxApp,
  auth: Authentication,
  secrets: readonly string[],
  grantType: string,
): Credentials {
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
  return { app, auth, secrets, tokenRequest };
}
