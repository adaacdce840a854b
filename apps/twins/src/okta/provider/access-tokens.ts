import { compactVerify, decodeJwt } from 'jose';
import { makeKey, sign, type SigningKey } from './keys.ts';

/** The claims of an org server's access token, besides its times. */
export interface AccessTokenFacts {
  /** oidc-provider's own opaque token. */
  opaque: string;
  clientId: string;
  userId: string;
  login: string;
  scopes: string[];
  authTime: number | undefined;
  /** Epoch seconds. */
  issuedAt: number;
  expiresAt: number;
}

/**
 * Access tokens of the org server: JWTs with `cid`, `uid` and an `scp` array, meant for Okta alone and signed with a
 * key that Okta does not publish. The `jti` contains oidc-provider's opaque token after `AT.`, so nothing is stored
 * twice.
 */
export class AccessTokens {
  readonly #issuer: string;
  readonly #key: SigningKey;

  private constructor(issuer: string, key: SigningKey) {
    this.#issuer = issuer;
    this.#key = key;
  }

  static async make(issuer: string): Promise<AccessTokens> {
    return new AccessTokens(issuer, await makeKey());
  }

  wrap(facts: AccessTokenFacts): Promise<string> {
    const { opaque, clientId, userId, login, scopes, authTime, issuedAt, expiresAt } = facts;
    return sign(
      {
        ver: 1,
        jti: `AT.${opaque}`,
        iss: this.#issuer,
        aud: this.#issuer,
        sub: login,
        iat: issuedAt,
        exp: expiresAt,
        cid: clientId,
        uid: userId,
        scp: scopes,
        ...(authTime !== undefined && { auth_time: authTime }),
      },
      this.#key,
    );
  }

  /**
   * The opaque token inside; undefined for any text that this org did not sign. The opaque token decides the expiry.
   */
  async unwrap(token: string): Promise<string | undefined> {
    try {
      await compactVerify(token, this.#key.publicKey, { algorithms: ['RS256'] });
      const { jti } = decodeJwt(token);
      return jti?.startsWith('AT.') ? jti.slice(3) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Signs with the unpublished key, which clients cannot verify: this makes a forged ID token. */
  forge(payload: Record<string, unknown>, kid: string): Promise<string> {
    return sign(payload, { kid, privateKey: this.#key.privateKey });
  }
}
