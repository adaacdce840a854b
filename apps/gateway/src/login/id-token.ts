import { createHash, timingSafeEqual } from 'node:crypto';
import { jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';

/** Okta gives no rule for clocks; less than a minute makes real sign-ins fail, in seconds. */
const CLOCK_TOLERANCE = 60;

export interface IdTokenRules {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  /** The access token that came with it. */
  readonly accessToken: string;
}

export interface VerifiedIdToken {
  readonly claims: JWTPayload & { readonly sub: string };
  /** Whether `at_hash` ties the access token to it. */
  readonly bindsAccessToken: boolean;
}

/**
 * OpenID Connect Core 1.0, section 3.1.3.7: signature by a key of the issuer's (RS256 only), issuer, audience, authorized
 * party, times, nonce, and (3.1.3.8) the access token's hash. Throws with the reason, which is for the log.
 */
export async function verifyIdToken(
  token: string,
  keys: JWTVerifyGetKey,
  rules: IdTokenRules,
): Promise<VerifiedIdToken> {
  const { payload } = await jwtVerify(token, keys, {
    issuer: rules.issuer,
    audience: rules.clientId,
    algorithms: ['RS256'],
    clockTolerance: CLOCK_TOLERANCE,
    requiredClaims: ['sub', 'exp', 'iat', 'nonce'],
  });
  const { sub, iat, aud, azp, nonce, at_hash } = payload;
  if (typeof sub !== 'string' || sub === '') throw new Error('the ID token has no subject');
  if (typeof iat !== 'number' || iat > Date.now() / 1000 + CLOCK_TOLERANCE) {
    throw new Error('the ID token was issued in the future');
  }
  const several = Array.isArray(aud) && aud.length > 1;
  if ((several || azp !== undefined) && azp !== rules.clientId) {
    throw new Error('the ID token is authorized for another party');
  }
  if (typeof nonce !== 'string' || !same(nonce, rules.nonce))
    throw new Error('the ID token has another nonce');
  if (at_hash === undefined) return { claims: { ...payload, sub }, bindsAccessToken: false };
  if (typeof at_hash !== 'string' || !same(at_hash, leftHalfHash(rules.accessToken))) {
    throw new Error('the access token is not the one the ID token came with');
  }
  return { claims: { ...payload, sub }, bindsAccessToken: true };
}

const leftHalfHash = (token: string): string =>
  createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');

const same = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};
