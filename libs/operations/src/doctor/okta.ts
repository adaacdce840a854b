import { ApiMetadata, askOutside, Issuer, SignInMetadata, type OktaConfig } from '@foyer/platform';
import { z } from 'zod';
import { failed, notChecked, ok, warning, type Check, type Finding } from './check.ts';

const Keys = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) });
const OAuthError = z.looseObject({ error: z.string() });

const REACH = 'Check that this machine reaches the provider, by HTTPS_PROXY where there is one.';

/** `okta`: the configuration, or why its variables are missing here. */
export function oktaChecks(okta: OktaConfig | { readonly missing: string }): Check[] {
  if ('missing' in okta)
    return [
      {
        name: 'issuer',
        remedy: REACH,
        run: async () =>
          notChecked(okta.missing, 'Give doctor the gateway’s environment, with --env-file FILE.'),
      },
    ];
  const signIn = new Issuer(SignInMetadata, { variable: 'OKTA_ISSUER_URI', issuer: okta.issuer });
  const api = new Issuer(ApiMetadata, { variable: 'OKTA_API_ISSUER_URI', issuer: okta.apiIssuer });
  return [
    { name: 'issuer', remedy: REACH, run: () => issuerFinding(signIn) },
    { name: 'clock against the issuer', remedy: REACH, run: async () => issuerClockFinding(signIn) },
    { name: 'signing keys', remedy: REACH, run: () => keysFinding(signIn) },
    { name: 'client secret', remedy: REACH, run: () => secretFinding(signIn, okta) },
    { name: 'issuer of access tokens', remedy: REACH, run: () => apiFinding(api) },
  ];
}

async function issuerFinding(issuer: Issuer<SignInMetadata>): Promise<Finding> {
  await issuer.ask().catch(() => undefined);
  const { state } = issuer;
  if (state.kind === 'good') return ok(`${issuer.uri} answers, and its metadata have the same issuer.`);
  const words = 'message' in state ? state.message : 'It was not called.';
  return state.kind === 'wrong'
    ? failed(
        words,
        'Set OKTA_ISSUER_URI to the issuer as the provider spells it: docs/configure-okta.md#the-issuer.',
      )
    : failed(words, REACH);
}

async function issuerClockFinding(issuer: Issuer<SignInMetadata>): Promise<Finding> {
  if (issuer.clock === null) return notChecked('The answer of the provider has no time.');
  const problem = issuer.clockProblem;
  return problem === null
    ? ok('The clock agrees with the clock of the provider.')
    : failed(problem, 'Synchronize the clock by NTP.');
}

async function keysFinding(issuer: Issuer<SignInMetadata>): Promise<Finding> {
  const { jwks_uri: uri } = await issuer.metadata();
  const { status, body } = await askOutside(uri);
  const keys = Keys.safeParse(body);
  if (status !== 200 || !keys.success)
    return failed(`${uri} answered ${status} without keys.`, 'Check the provider. Nobody can sign in.');
  const usable = keys.data.keys.filter(({ kty }) => kty === 'RSA');
  return usable.length > 0
    ? ok(`There are ${usable.length} RSA keys.`)
    : failed('There is no RSA key.', 'Configure the app in Okta to sign its ID tokens with RS256.');
}

/**
 * The provider authenticates the client before it reads the code (RFC 6749, section 5.2), so an invalid code shows
 * whether the secret is right.
 */
async function secretFinding(issuer: Issuer<SignInMetadata>, okta: OktaConfig): Promise<Finding> {
  const { token_endpoint: endpoint } = await issuer.metadata();
  const { status, body } = await askOutside(endpoint, {
    method: 'POST',
    headers: { accept: 'application/json', authorization: basic(okta.clientId, okta.clientSecret) },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: 'foyer-doctor',
      code_verifier: 'foyer-doctor-foyer-doctor-foyer-doctor-foyer-doctor',
      redirect_uri: okta.redirectUri,
    }),
  });
  const error = OAuthError.safeParse(body).data?.error;
  if (error === 'invalid_grant') return ok('The provider accepts the client id and secret.');
  if (error === 'invalid_client')
    return failed(
      'The provider rejects the client id or the secret.',
      'Compare OKTA_CLIENT_ID and OKTA_CLIENT_SECRET with the app in Okta: docs/configure-okta.md.',
    );
  return warning(
    `The provider answered ${status}${error === undefined ? '' : ` ${error}`} to a code that does not exist.`,
    'Check the app in Okta: grant type authorization code, and the sign-in redirect URI.',
  );
}

async function apiFinding(issuer: Issuer<ApiMetadata>): Promise<Finding> {
  await issuer.ask().catch(() => undefined);
  const { state } = issuer;
  if (state.kind === 'good') return ok(`${issuer.uri} answers, and its metadata have the same issuer.`);
  const words = 'message' in state ? state.message : 'It was not called.';
  return warning(
    words,
    'Only machines with access tokens need it: set OKTA_API_ISSUER_URI, or create the authorization server.',
  );
}

/** RFC 6749, section 2.3.1: both parts form-encoded. */
const basic = (clientId: string, secret: string): string => {
  const encode = (part: string) => new URLSearchParams({ p: part }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
};
