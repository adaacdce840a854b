import { compactVerify, decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import type { KeyObject } from 'node:crypto';
import type { BoxApp } from './apps.ts';
import { oauthError } from '../http/errors.ts';

/** The `aud` of every assertion, for every endpoint. */
const assertionAudience = 'https://api.box.com/oauth2/token';

const algorithms = ['RS256', 'RS384', 'RS512'];
const maxLifetimeSeconds = 60;

interface Assertion {
  subject: string;
  subjectType: 'enterprise' | 'user';
  jti: string;
  /** Milliseconds. */
  expiresAt: number;
}

/**
 * Checks a JWT assertion as Box does (its "JWT without SDK" and common-errors pages): signature by any of the app's
 * keys (a `kid` is not needed), iss, aud, sub, jti of 16 to 128 characters, exp at most 60 s ahead, no skew allowed on
 * iat and nbf. `now` in milliseconds. Throws an OAuth refusal. A jti used before is the caller's to find.
 */
export async function readAssertion(app: BoxApp, jwt: string, now: number): Promise<Assertion> {
  const { header, claims } = decode(jwt);
  if (claims.iss !== app.clientId) throw badClaim('iss');
  if (!algorithms.includes(header.alg ?? '')) throw badSignature();
  if (!(await isSignedByOneOf(app.publicKeys, jwt))) throw badSignature();
  if (claims.aud !== assertionAudience) throw badClaim('aud');
  const { sub, box_sub_type: subjectType, jti } = claims;
  if (typeof sub !== 'string' || sub === '') throw badClaim('sub', "The 'sub' specified is invalid.");
  if (subjectType !== 'enterprise' && subjectType !== 'user') throw badClaim('box_sub_type');
  if (typeof jti !== 'string' || jti.length < 16 || jti.length > 128) throw badJti();
  return { subject: sub, subjectType, jti, expiresAt: readTimes(claims, Math.floor(now / 1000)) * 1000 };
}

export const badJti = (): Error => badClaim('jti', "A unique 'jti' value is required.");

function decode(jwt: string): { header: { alg?: string }; claims: JWTPayload } {
  try {
    return { header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) };
  } catch {
    throw oauthError('invalid_grant', 'Please check the assertion. It is not a JWT.');
  }
}

async function isSignedByOneOf(keys: KeyObject[], jwt: string): Promise<boolean> {
  for (const key of keys) {
    const good = await compactVerify(jwt, key, { algorithms }).then(
      () => true,
      () => false,
    );
    if (good) return true;
  }
  return false;
}

/** Checks exp, iat and nbf against the current second; returns exp. */
function readTimes(claims: JWTPayload, now: number): number {
  const { exp, iat, nbf } = claims;
  if (typeof exp !== 'number' || !Number.isInteger(exp)) throw badClaim('exp', 'Should be an integer');
  if (exp <= now) {
    throw oauthError(
      'invalid_grant',
      "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
    );
  }
  if (exp > Math.min(now, iat ?? now) + maxLifetimeSeconds) {
    throw badClaim('exp', "The 'exp' value exceeds the maximum value of 60 seconds beyond the issue time.");
  }
  if ((iat ?? now) > now || (nbf ?? now) > now) {
    throw oauthError(
      'invalid_grant',
      "Current date/time MUST be after or equal to the not-before date/time  listed in the 'nbf' or 'iat' claim",
    );
  }
  return exp;
}

function badClaim(claim: string, more = ''): Error {
  return oauthError('invalid_grant', `Please check the '${claim}' claim.${more && ` ${more}`}`);
}

function badSignature(): Error {
  return oauthError(
    'invalid_grant',
    "Signature verification error. The public key identified by 'kid' must correspond to the private key used for signing.",
  );
}
