import { createHash, timingSafeEqual } from 'node:crypto';
import { toLine } from '@foyer/shared';
import { compactVerify, type CompactVerifyGetKey, type JWTPayload } from 'jose';
import { z } from 'zod';

/**
 * The largest difference between two clocks that is accepted, in seconds. Okta gives no rule; with less than a minute
 * real sign-ins fail.
 */
const CLOCK_TOLERANCE = 60;

export interface IdTokenRules {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  /** The access token of the same response. */
  readonly accessToken: string;
}

export interface VerifiedIdToken {
  readonly claims: JWTPayload & { readonly sub: string };
  /** Whether the ID token has `at_hash`, which binds the access token to it. */
  readonly bindsAccessToken: boolean;
}

/** An ID token that has expired, or is not yet valid, by our clock. */
export class WrongTime extends Error {
  override readonly name = 'WrongTime';
}

type Claims = Readonly<Record<string, unknown>>;
type Check = (claims: Claims, rules: IdTokenRules, now: number) => Error | null;

/**
 * Verifies an ID token as in OpenID Connect Core 1.0, section 3.1.3.7, in its order: the signature by one of the
 * issuer's keys (RS256 only), then each of `checks`. Throws an error with the reason, which is for the log.
 */
export async function verifyIdToken(
  token: string,
  keys: CompactVerifyGetKey,
  rules: IdTokenRules,
): Promise<VerifiedIdToken> {
  const { payload } = await compactVerify(token, keys, { algorithms: ['RS256'] });
  const claims = z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(payload)));
  const now = Date.now() / 1000;
  for (const check of checks) {
    const refusal = check(claims, rules, now);
    if (refusal !== null) throw refusal;
  }
  return { claims: { ...claims, sub: String(claims.sub) }, bindsAccessToken: claims.at_hash !== undefined };
}

const issuer: Check = ({ iss }, rules) =>
  iss === rules.issuer ? null : new Error(`the issuer of the ID token is ${shown(iss)}, not ${rules.issuer}`);

/** A token that is also for another audience could come from that audience, so it is refused. */
const audience: Check = ({ aud }, { clientId }) => {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audiences.length > 0 && audiences.every((one) => one === clientId)
    ? null
    : new Error(`the ID token is for ${shown(aud)}, not for ${clientId} alone`);
};

const authorizedParty: Check = ({ azp }, { clientId }) =>
  azp === undefined || azp === clientId
    ? null
    : new Error(`the ID token is authorized for ${shown(azp)}, not for ${clientId}`);

const expiry: Check = ({ exp }, _rules, now) => {
  if (!isTime(exp)) return new Error('the ID token has no expiry time');
  return exp + CLOCK_TOLERANCE > now
    ? null
    : new WrongTime(`the ID token expired ${Math.round(now - exp)} s ago`);
};

const beginning: Check = ({ nbf }, _rules, now) => {
  if (nbf === undefined) return null;
  if (!isTime(nbf)) return new Error('the claim nbf of the ID token is not a time');
  return nbf <= now + CLOCK_TOLERANCE
    ? null
    : new WrongTime(`the ID token becomes valid only in ${Math.round(nbf - now)} s`);
};

const issued: Check = ({ iat }, _rules, now) => {
  if (!isTime(iat)) return new Error('the ID token has no time of issue');
  return iat <= now + CLOCK_TOLERANCE
    ? null
    : new WrongTime(`the ID token was issued in the future, ahead by ${Math.round(iat - now)} s`);
};

const nonce: Check = ({ nonce: given }, rules) =>
  typeof given === 'string' && same(given, rules.nonce) ? null : new Error('the ID token has another nonce');

const subject: Check = ({ sub }) =>
  typeof sub === 'string' && sub !== '' ? null : new Error('the ID token has no subject');

/** OpenID Connect Core 1.0, section 3.1.3.8. */
const accessTokenHash: Check = ({ at_hash: hash }, { accessToken }) =>
  hash === undefined || (typeof hash === 'string' && same(hash, leftHalfHash(accessToken)))
    ? null
    : new Error('the access token does not match the hash in the ID token');

const checks: readonly Check[] = [
  issuer,
  audience,
  authorizedParty,
  expiry,
  beginning,
  issued,
  nonce,
  subject,
  accessTokenHash,
];

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const shown = (claim: unknown): string =>
  claim === undefined
    ? 'nobody'
    : toLine(typeof claim === 'string' ? claim : (JSON.stringify(claim) ?? ''), 200);

const leftHalfHash = (token: string): string =>
  createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');

const same = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};
