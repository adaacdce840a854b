import { createHash, randomBytes } from 'node:crypto';
import {
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';

/** One RS256 key pair under its `kid`. */
export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  publicJwk: JWK;
}

const PUBLISHED = 3;
const REMEMBERED = 20;

/** A fresh RSA key of 2048 bits. */
export async function makeKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomBytes(32).toString('base64url');
  const { kty, n, e } = await exportJWK(publicKey);
  return { kid, privateKey, publicKey, publicJwk: { kty, alg: 'RS256', kid, use: 'sig', e, n } };
}

/** Signs a payload unchanged with one key. */
export function sign(payload: JWTPayload, key: Pick<SigningKey, 'kid' | 'privateKey'>): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(key.privateKey);
}

/** Left half of the SHA-256 of a token, base64url (OpenID Connect Core 3.1.3.6). */
export function halfHash(token: string): string {
  return createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');
}

/**
 * The keys of one authorization server. The first one signs; two or three are published, as at Okta, and clients cannot
 * tell which of them signs.
 */
export class KeyRing {
  #published: readonly SigningKey[];
  /** Public keys that ever signed: an expired ID token is still a valid hint at sign-out. */
  #known: readonly JWK[];

  private constructor(keys: readonly SigningKey[]) {
    this.#published = keys;
    this.#known = keys.map((key) => key.publicJwk);
  }

  static async make(): Promise<KeyRing> {
    return new KeyRing(await Promise.all([makeKey(), makeKey()]));
  }

  get current(): SigningKey {
    const [key] = this.#published;
    if (!key) throw new Error('a key ring is never empty');
    return key;
  }

  /** The published keys, with the signing one not first, because the order must not matter. */
  jwks(): { keys: JWK[] } {
    return { keys: this.#published.map((key) => key.publicJwk).reverse() };
  }

  /** Signs with a new key from now on; `keepOld: false` withdraws all others at once, as after a theft. */
  async rotate(keepOld: boolean): Promise<void> {
    const fresh = await makeKey();
    const others = keepOld ? this.#published.slice(0, PUBLISHED - 1) : [await makeKey()];
    this.#published = [fresh, ...others];
    const known = this.#published.map((key) => key.publicJwk);
    this.#known = [...known, ...this.#known.filter((jwk) => !known.includes(jwk))].slice(0, REMEMBERED);
  }

  sign(payload: JWTPayload): Promise<string> {
    return sign(payload, this.current);
  }

  /** The payload of a token that this server signed, expired or not; undefined for any other text. */
  async open(token: string): Promise<JWTPayload | undefined> {
    try {
      await compactVerify(token, createLocalJWKSet({ keys: [...this.#known] }), { algorithms: ['RS256'] });
      return decodeJwt(token);
    } catch {
      return undefined;
    }
  }
}
