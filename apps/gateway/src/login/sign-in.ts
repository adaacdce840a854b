import { FoyerError, toLine, type Person } from '@foyer/shared';
import type { Request, Response } from 'express';
import type { JWTVerifyGetKey } from 'jose';
import type { Attempt, Attempts } from './attempts.ts';
import type { Discovery, Metadata } from './discovery.ts';
import { verifyIdToken, type VerifiedIdToken } from './id-token.ts';
import type { OktaClient, Tokens } from './okta-client.ts';
import { isThin, toPerson } from './person.ts';
import { signingKeys } from './signing-keys.ts';
import type { Trail } from './trail.ts';

/** Somebody whom Okta vouches for. */
export interface Verified {
  readonly person: Person;
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
  private readonly discovery: Discovery;
  private readonly okta: OktaClient;
  private keys: { readonly uri: string; readonly find: JWTVerifyGetKey } | null = null;

  constructor(clientId: string, attempts: Attempts, discovery: Discovery, okta: OktaClient) {
    this.clientId = clientId;
    this.attempts = attempts;
    this.discovery = discovery;
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
    } catch (cause) {
      throw cause instanceof FoyerError ? cause : new FoyerError('sign_in_failed', undefined, { cause });
    }
  }

  private async verify({ code, error, iss }: Callback, attempt: Attempt, trail: Trail): Promise<Verified> {
    const metadata = await this.discovery.metadata();
    // RFC 9207: Okta is not known to send it; when it comes, it must be right.
    if (iss !== undefined && iss !== metadata.issuer) throw new Error('the answer comes from another issuer');
    if (error !== undefined) throw refusal(error);
    if (code === undefined) throw new Error('the answer brings neither a code nor an error');
    const tokens = await this.okta.exchange(metadata.token_endpoint, code, attempt.verifier, trail);
    const verified = await verifyIdToken(tokens.id_token, this.keysAt(metadata.jwks_uri), {
      issuer: metadata.issuer,
      clientId: this.clientId,
      nonce: attempt.nonce,
      accessToken: tokens.access_token,
    });
    const claims = await this.complement(verified, tokens, metadata, trail);
    const person = toPerson(metadata.issuer, verified.claims.sub, claims);
    return { person, idToken: tokens.id_token, returnTo: attempt.returnTo };
  }

  /** Userinfo is asked only for what the ID token leaves open: who the person is in words, or whose the access token is. */
  private async complement(
    { claims, bindsAccessToken }: VerifiedIdToken,
    tokens: Tokens,
    metadata: Metadata,
    trail: Trail,
  ): Promise<object> {
    if (bindsAccessToken && !isThin(claims)) return claims;
    const more = await this.okta.userinfo(metadata.userinfo_endpoint, tokens.access_token, trail);
    // Section 5.3.2: the access token may be somebody else's.
    if (more.sub !== claims.sub) throw new Error('userinfo is about somebody else');
    return { ...more, ...claims };
  }

  private keysAt(uri: string): JWTVerifyGetKey {
    if (this.keys?.uri !== uri) this.keys = { uri, find: signingKeys(uri) };
    return this.keys.find;
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
      return new Error(`Okta answered ${toLine(error, 64)}`);
  }
}
