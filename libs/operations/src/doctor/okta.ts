import {
  apiIssuer,
  askOutside,
  inspectIssuer,
  signInIssuer,
  type Issuer,
  type KnownIssuer,
  type OktaConfig,
  type SignInMetadata,
} from '@foyer/platform';
import { z } from 'zod';
import { failed, notChecked, ok, warning, type Check, type Finding } from './check.ts';

const Keys = z.object({ keys: z.array(z.looseObject({ kid: z.string(), kty: z.string() })) });
const OAuthError = z.looseObject({ error: z.string() });

const REACH = 'Check that this machine reaches the provider, through HTTPS_PROXY if there is a proxy.';
const SPELLING = 'docs/configure-okta.md#the-issuer says which issuer to set.';

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
  const signIn = signInIssuer(okta.issuer);
  const api = apiIssuer(okta.apiIssuer, okta.issuer);
  return [
    { name: 'issuer', remedy: REACH, run: () => issuerFinding(signIn) },
    { name: 'clock against the issuer', remedy: REACH, run: async () => issuerClockFinding(signIn) },
    { name: 'signing keys', remedy: REACH, run: () => keysFinding(signIn) },
    { name: 'client secret', remedy: REACH, run: () => secretFinding(signIn, okta) },
    { name: 'issuer of access tokens', remedy: REACH, run: () => apiFinding(api) },
  ];
}

async function issuerFinding(issuer: Issuer<SignInMetadata>): Promise<Finding> {
  const { state, problem } = await inspectIssuer(issuer);
  if (problem === null) return ok(`${issuer.uri} answers and uses this spelling.`);
  return failed(problem, state.kind === 'wrong' ? SPELLING : REACH);
}

async function issuerClockFinding(issuer: Issuer<SignInMetadata>): Promise<Finding> {
  if (issuer.clock === null) return notChecked('The provider sent no time.');
  const problem = issuer.clockProblem;
  return problem === null
    ? ok('This machine’s clock agrees with the provider’s.')
    : failed(problem, 'Let NTP set this machine’s clock, for example with chrony.');
}

async function keysFinding(issuer: Issuer<SignInMetadata>): Promise<Finding> {
  const { jwks_uri: uri } = await issuer.metadata();
  const { status, body } = await askOutside(uri);
  const keys = Keys.safeParse(body);
  if (status !== 200 || !keys.success)
    return failed(
      `${uri} answered ${status} and sent no keys.`,
      'No person can sign in until the provider publishes its keys again: look at its status page.',
    );
  const usable = keys.data.keys.filter(({ kty }) => kty === 'RSA');
  return usable.length > 0
    ? ok(`The provider publishes ${usable.length} RSA ${usable.length === 1 ? 'key' : 'keys'}.`)
    : failed('The provider publishes no RSA key.', 'Set the app in Okta to sign its ID tokens with RS256.');
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

async function apiFinding(issuer: KnownIssuer): Promise<Finding> {
  const { state, problem } = await inspectIssuer(issuer);
  if (state.kind === 'good') return ok(`${issuer.uri} answers and uses this spelling.`);
  if (problem === null)
    return notChecked(
      `There is no authorization server at ${issuer.uri}. Only machines with access tokens need one.`,
    );
  return warning(
    problem,
    'Only machines with access tokens need it: set OKTA_API_ISSUER_URI to your authorization server.',
  );
}

/** RFC 6749, section 2.3.1: both parts form-encoded. */
const basic = (clientId: string, secret: string): string => {
  const encode = (part: string) => new URLSearchParams({ p: part }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
};
