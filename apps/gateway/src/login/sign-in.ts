import type { Issuer, SignInMetadata } from '@foyer/platform';
import { FoyerError, toLine, type NameParts, type Person } from '@foyer/shared';
import type { Request, Response } from 'express';
import type { Attempt, Attempts } from './attempts.ts';
import type { SigningKeys } from '../okta/signing-keys.ts';
import { verifyIdToken, WrongTime, type VerifiedIdToken } from './id-token.ts';
import type { OktaClient, Tokens } from './okta-client.ts';
import { complemented, isEmailVerified, isThin, toPerson } from './person.ts';
import type { Trail } from './trail.ts';

/** A person whom Okta has authenticated. */
export interface Verified {
  readonly person: Person & NameParts;
  /** Whether the provider says that the person owns the e-mail address. */
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

/** The second half of the authorization code flow: turns the browser's callback into a person. */
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
   * Trusts no part of the callback before its `state` matches one of this browser's attempts. Throws `sign_in_expired`,
   * `sign_in_refused`, `sign_in_failed` (its cause is the reason, for the log only) and `okta_unavailable`.
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

  /** When a new token is expired or not yet valid, our clock is wrong if the provider's clock confirms it. */
  private blameClock(error: WrongTime, req: Request): Error {
    const { clockProblem: reason, uri } = this.issuer;
    if (reason === null) return error;
    req.log.warn({ event: 'clock-wrong', issuer: uri, reason });
    return new Error(`${error.message}. ${reason}`);
  }

  private async verify({ code, error, iss }: Callback, attempt: Attempt, trail: Trail): Promise<Verified> {
    const metadata = await this.issuer.metadata();
    // RFC 9207, section 2.4. Okta is not known to send `iss`; when it is present it must match, and a provider that
    // announces it must send it.
    if (iss === undefined ? metadata.authorization_response_iss_parameter_supported : iss !== metadata.issuer)
      throw new Error(
        `the callback is from ${toLine(iss ?? 'an issuer without a name', 200)}, not from ${metadata.issuer}`,
      );
    if (error !== undefined) throw refusal(error);
    if (code === undefined) throw new Error('the callback has neither a code nor an error');
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

  /** Calls userinfo only for what the ID token lacks: the person's profile, or proof of whose the access token is. */
  private async complement(
    { claims, bindsAccessToken }: VerifiedIdToken,
    tokens: Tokens,
    { userinfo_endpoint }: SignInMetadata,
    trail: Trail,
  ): Promise<object> {
    // Without a userinfo endpoint the access token is never used, so its owner does not matter.
    if (userinfo_endpoint === undefined || (bindsAccessToken && !isThin(claims))) return claims;
    const more = await this.okta.userinfo(userinfo_endpoint, tokens.access_token, trail);
    // OpenID Connect Core 1.0, section 5.3.2: the access token may belong to another person.
    if (more.sub !== claims.sub) throw new Error('userinfo has another subject than the ID token');
    return complemented(claims, more);
  }
}

/** RFC 6749, section 3.1: each parameter at most once. Throws `invalid_request`. */
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

/** RFC 6749, section 4.1.2.1. Depends on `error` only, because the texts change. */
function refusal(error: string): Error {
  switch (error) {
    case 'access_denied':
      return new FoyerError('sign_in_refused');
    case 'temporarily_unavailable':
    case 'server_error':
      return new FoyerError('okta_unavailable', undefined, { cause: new Error(`Okta answered ${error}`) });
    default:
      // RFC 6749 defines the codes; any other text was put into the address by an unknown author.
      return new Error(`Okta answered ${/^[a-z_]{1,64}$/.test(error) ? error : 'with an unknown error'}`);
  }
}
