import { SCOPE_CLAIMS } from './claims.ts';
import { type Org } from '../org/org.ts';

const AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'none',
];

/**
 * Okta's documents list what the product can do, and so do these. The twin itself has the code flow, client
 * credentials, refresh tokens, and client_secret_basic and _post.
 */
const CAPABILITIES = {
  response_types_supported: [
    'code',
    'id_token',
    'code id_token',
    'code token',
    'id_token token',
    'code id_token token',
  ],
  response_modes_supported: ['query', 'fragment', 'form_post', 'okta_post_message'],
  grant_types_supported: [
    'authorization_code',
    'implicit',
    'refresh_token',
    'password',
    'urn:ietf:params:oauth:grant-type:device_code',
  ],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  token_endpoint_auth_methods_supported: AUTH_METHODS,
  introspection_endpoint_auth_methods_supported: AUTH_METHODS,
  revocation_endpoint_auth_methods_supported: AUTH_METHODS,
  claims_supported: [
    ...[
      'iss',
      'ver',
      'sub',
      'aud',
      'iat',
      'exp',
      'jti',
      'auth_time',
      'amr',
      'idp',
      'nonce',
      'name',
      'nickname',
    ],
    ...[
      'preferred_username',
      'given_name',
      'middle_name',
      'family_name',
      'email',
      'email_verified',
      'profile',
    ],
    ...[
      'zoneinfo',
      'locale',
      'address',
      'phone_number',
      'picture',
      'website',
      'gender',
      'birthdate',
      'updated_at',
    ],
    ...['at_hash', 'c_hash'],
  ],
  code_challenge_methods_supported: ['S256'],
  request_parameter_supported: true,
  request_object_signing_alg_values_supported: [
    ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'],
  ],
};

function endpoints(base: string): Record<string, string> {
  return {
    authorization_endpoint: `${base}/v1/authorize`,
    token_endpoint: `${base}/v1/token`,
    userinfo_endpoint: `${base}/v1/userinfo`,
    jwks_uri: `${base}/v1/keys`,
    introspection_endpoint: `${base}/v1/introspect`,
    revocation_endpoint: `${base}/v1/revoke`,
    end_session_endpoint: `${base}/v1/logout`,
    device_authorization_endpoint: `${base}/v1/device/authorize`,
    pushed_authorization_request_endpoint: `${base}/v1/par`,
  };
}

/** `/.well-known/openid-configuration` of the org server; without the RFC 9207 flag, like Okta's. */
export function orgDiscovery({ issuer }: Org): Record<string, unknown> {
  const base = issuer.replace(/\/$/, '');
  return {
    issuer,
    ...endpoints(`${base}/oauth2`),
    ...CAPABILITIES,
    registration_endpoint: `${base}/oauth2/v1/clients`,
    scopes_supported: Object.keys(SCOPE_CLAIMS),
  };
}

/** The same for the custom server 'default'. */
export function customDiscovery({ issuer, customIssuer }: Org): Record<string, unknown> {
  return {
    issuer: customIssuer,
    ...endpoints(customIssuer),
    ...CAPABILITIES,
    registration_endpoint: `${issuer}/oauth2/v1/clients`,
    scopes_supported: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'device_sso'],
    id_token_encryption_alg_values_supported: ['RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'],
    id_token_encryption_enc_values_supported: ['A256GCM'],
  };
}
