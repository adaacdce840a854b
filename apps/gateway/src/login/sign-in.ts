import type { Issuer, SignInMetadata } from '@foyer/platform';
import { FoyerError, toLine, type NameParts, type Person } from '@foyer/shared';
import type { Request, Response } from 'express';
import type { Attempt, Attempts } from './attempts.ts';
import type { SigningKeys } from '../okta/signing-keys.ts';
import { verifyIdToken, WrongTime, type VerifiedIdToken } from './id-token.ts';
import type { OktaClient, Tokens } from './okta-client.ts';
import { complemented, isEmailVerified, isThin, toPerson } from './person.ts';
import type { Trail } from './trail.ts';

/** Somebody whom Okta vouches for. */
export interface Verified {
  readonly person: Person & NameParts;
  /** The provider says that the e-mail address is theirs. */
  readonly isEmailVerified: boolean;
  readonly idToken: string;
  readonly returnTo: string;
}

interface Callback {
  readonly state: string;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly iss: string | undefined;
}

/** The second half of the authorization code flow: from what the browser brings back to a person. */
export class SignIn {
  private readonly clientId: string;
  private readonly attempts: Attempts;
  private readonly issuer: Issuer<SignInMetadata>;
  private readonly keys: SigningKeys;
  private readonly okta: OktaClient;

  constructor(
    clientId: string,
    attempts: Attempts,
    issuer: Issuer<SignInMetadata>,
    keys: SigningKeys,
    okta: OktaClient,
  ) {
    this.clientId = clientId;
    this.attempts = attempts;
    this.issuer = issuer;
    this.keys = keys;
    this.okta = okta;
  }

  /**
   * Nothing that came back is believed before its `state` is one of this browser's. Throws `sign_in_expired`,
   * `sign_in_refused`, `sign_in_failed` (the reason is its cause, for the log only) and `okta_unavailable`.
   */
  async complete(req: Request, res: Response, trail: Trail): Promise<Verified> {
    const callback = readCallback(req.query);
    const attempt = await this.attempts.take(req, res, callback.state);
    if (attempt === null) throw new FoyerError('sign_in_expired');
    try {
      return await this.verify(callback, attempt, trail);
    } catch (error) {
      if (error instanceof FoyerError) throw error;
      const cause = error instanceof WrongTime ? this.blameClock(error, req) : error;
      throw new FoyerError('sign_in_failed', undefined, { cause });
    }
  }

  /** A token that is just made and yet over, or to come, is our clock's fault if the provider's own clock says so. */
  private blameClock(error: WrongTime, req: Request): Error {
    const { clockProblem: reason, uri } = this.issuer;
    if (reason === null) return error;
    req.log.warn({ event: 'clock-wrong', issuer: uri, reason });
    return new Error(`${error.message}. ${reason}`);
  }

  private async verify({ code, error, iss }: Callback, attempt: Attempt, trail: Trail): Promise<Verified> {
    const metadata = await this.issuer.metadata();
    // RFC 9207, section 2.4. Okta is not known to send it; when it comes, it must be right, and a promise must be kept.
    if (iss === undefined ? metadata.authorization_response_iss_parameter_supported : iss !== metadata.issuer)
      throw new Error(`the answer comes from ${toLine(iss ?? 'nobody', 200)}, not from ${metadata.issuer}`);
    if (error !== undefined) throw refusal(error);
    if (code === undefined) throw new Error('the answer brings neither a code nor an error');
    const tokens = await this.okta.exchange(metadata.token_endpoint, code, attempt.verifier, trail);
    const verified = await verifyIdToken(tokens.id_token, this.keys.find, {
      issuer: metadata.issuer,
      clientId: this.clientId,
      nonce: attempt.nonce,
      accessToken: tokens.access_token,
    });
    const claims = await this.complement(verified, tokens, metadata, trail);
    const person = toPerson(metadata.issuer, verified.claims.sub, claims);
    return {
      person,
      isEmailVerified: isEmailVerified(claims),
      idToken: tokens.id_token,
      returnTo: attempt.returnTo,
    };
  }

  /** Userinfo is asked only for what the ID token leaves open: who the person is in words, or whose the access token is. */
  private async complement(
    { claims, bindsAccessToken }: VerifiedIdToken,
    tokens: Tokens,
    { userinfo_endpoint }: SignInMetadata,
    trail: Trail,
  ): Promise<object> {
    // Without userinfo nothing is done with the access token: whose it is does not matter.
    if (userinfo_endpoint === undefined || (bindsAccessToken && !isThin(claims))) return claims;
    const more = await this.okta.userinfo(userinfo_endpoint, tokens.access_token, trail);
    // Section 5.3.2: the access token may be somebody else's.
    if (more.sub !== claims.sub) throw new Error('userinfo is about somebody else');
    return complemented(claims, more);
  }
}

/** RFC 6749, section 3.1: no parameter more than once. Throws `invalid_request`. */
function readCallback(query: Record<string, unknown>): Callback {
  const one = (name: string): string | undefined => {
    const value = query[name];
    if (value === undefined || typeof value === 'string') return value;
    throw new FoyerError('invalid_request', undefined, {
      fields: [{ field: name, message: 'must be given once' }],
    });
  };
  const [state, code, error, iss] = ['state', 'code', 'error', 'iss'].map(one);
  one('error_description');
  return { state: state ?? '', code, error, iss };
}

/** RFC 6749, section 4.1.2.1. Branches on `error` only: texts change. */
function refusal(error: string): Error {
  switch (error) {
    case 'access_denied':
      return new FoyerError('sign_in_refused');
    case 'temporarily_unavailable':
    case 'server_error':
      return new FoyerError('okta_unavailable', undefined, { cause: new Error(`Okta answered ${error}`) });
    default:
      // RFC 6749 has words for it; anything else came from whoever wrote the address.
      return new Error(`Okta answered ${/^[a-z_]{1,64}$/.test(error) ? error : 'with an unknown error'}`);
  }
}
