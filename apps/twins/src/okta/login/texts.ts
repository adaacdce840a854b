/** An OAuth error with Okta's texts: status for direct responses, `error`, `error_description`. */
export interface OktaError {
  status: number;
  error: string;
  text: string;
}

const refuse = (status: number, error: string, text: string): OktaError => ({ status, error, text });

/**
 * The exact texts of Okta's error catalogue (okta-developer-docs, data/oauth2-error-codes.json). Texts under "not in
 * the catalogue" are written here in the same style.
 */
export const OKTA_ERRORS = {
  notAssigned: refuse(400, 'access_denied', 'User is not assigned to the client application.'),
  loginRequired: refuse(
    400,
    'login_required',
    'The client specified not to prompt, but the user is not logged in.',
  ),
  redirectUri: refuse(
    400,
    'invalid_request',
    "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.",
  ),
  postLogoutRedirectUri: refuse(
    400,
    'invalid_request',
    "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the client app settings.",
  ),
  state: refuse(400, 'invalid_request', "The authentication request has an invalid 'state' parameter."),
  challengeRequired: refuse(400, 'invalid_request', 'PKCE code challenge is required by the application.'),
  verifierRequired: refuse(400, 'invalid_request', 'PKCE code verifier is required by the application.'),
  scopeUnknown: refuse(
    400,
    'invalid_scope',
    'One or more scopes are not configured for the authorization server resource.',
  ),
  scopeMissing: refuse(400, 'invalid_scope', 'No scopes were requested.'),
  tooManyGroups: refuse(
    400,
    'server_error',
    'The groups claim matched too many groups and must be configured to match fewer groups.',
  ),
  pkce: refuse(400, 'invalid_grant', 'PKCE verification failed.'),
  code: refuse(400, 'invalid_grant', 'The authorization code is invalid or has expired.'),
  codeRedirectUri: refuse(
    400,
    'invalid_grant',
    "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
  ),
  refreshToken: refuse(400, 'invalid_grant', 'The refresh token is invalid or expired.'),
  noCredentials: refuse(401, 'invalid_client', 'No client credentials found.'),
  clientId: refuse(401, 'invalid_client', "Invalid value for 'client_id' parameter."),
  clientSecret: refuse(
    401,
    'invalid_client',
    'The client secret supplied for a confidential client is invalid.',
  ),
  hintNotOfSession: refuse(
    400,
    'id_token_does_not_match_session',
    "The ID token subject does not match the current session's user.",
  ),
  // These are not in the catalogue.
  challengeMethod: refuse(400, 'invalid_request', "The 'code_challenge_method' parameter must be S256."),
  requestUri: refuse(400, 'invalid_request', "The 'request_uri' parameter is invalid or has expired."),
  hintRequired: refuse(400, 'invalid_request', "The 'id_token_hint' parameter is required."),
  hintInvalid: refuse(400, 'invalid_request', "The 'id_token_hint' parameter is not a valid ID token."),
  clientAuthTwice: refuse(400, 'invalid_request', 'Cannot supply multiple client credentials.'),
} as const satisfies Record<string, OktaError>;

/** `unauthorized_client`, which lists the grant types that the client may use. */
export function grantNotAllowed(configured: readonly string[]): OktaError {
  return refuse(
    400,
    'unauthorized_client',
    `The client is not authorized to use the provided grant type. Configured grant types: [${configured.join(', ')}].`,
  );
}

/** The same error as a token endpoint's JSON body. */
export function errorBody({ error, text }: OktaError): { error: string; error_description: string } {
  return { error, error_description: text };
}

const MANAGEMENT_ERRORS: Readonly<Record<number, readonly [code: string, summary: string]>> = {
  429: ['E0000047', 'API call exceeded rate limit due to too many requests.'],
  503: ['E0000010', 'Service is in read only mode.'],
};

/** Okta's envelope for failures outside OAuth, e.g. 500 E0000009 or 429 E0000047. */
export function managementError(status: number, code?: string, summary?: string): Record<string, unknown> {
  const [knownCode, knownSummary] = MANAGEMENT_ERRORS[status] ?? ['E0000009', 'Internal Server Error'];
  const errorCode = code ?? knownCode;
  return {
    errorCode,
    errorSummary: summary ?? knownSummary,
    errorLink: errorCode,
    errorId: `oae${crypto.randomUUID().replaceAll('-', '').slice(0, 20)}`,
    errorCauses: [],
  };
}
