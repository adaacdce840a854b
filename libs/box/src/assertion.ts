import { createPrivateKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { JwtSettings } from './jwt-config.ts';
import type { Exchange } from './transport.ts';
import { readError } from './wire.ts';

/** The audience of every assertion, for every endpoint (Box guide "JWT without SDK"). */
const AUDIENCE = 'https://api.box.com/oauth2/token';
/** Box accepts at most 60 s after the time of issue. */
const LIFE_SECONDS = 30;

/**
 * A signed assertion for the service account, with a unique id because Box accepts each id only once. `nowMs`: the time
 * of issue.
 */
export async function signAssertion(settings: JwtSettings, nowMs: number): Promise<string> {
  const { clientId, enterpriseId, privateKey, passphrase, publicKeyId } = settings;
  const issuedAt = Math.floor(nowMs / 1000);
  return new SignJWT({ box_sub_type: 'enterprise' })
    .setProtectedHeader({ alg: 'RS256', kid: publicKeyId })
    .setIssuer(clientId)
    .setSubject(enterpriseId)
    .setAudience(AUDIENCE)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFE_SECONDS)
    .sign(createPrivateKey({ key: privateKey, format: 'pem', passphrase }));
}

/** The claims about time for which Box refuses an assertion (Box guide "Common errors"). */
const ABOUT_TIME = /'(exp|iat|nbf)'/;

/**
 * How far Box's clock is ahead of ours, in milliseconds, if Box refused an assertion because of its times and sent its
 * own time in `Date`; otherwise null.
 */
export function clockOffsetOf(exchange: Exchange, nowMs: number): number | null {
  if (exchange.kind !== 'answered' || exchange.status !== 400) return null;
  const { code, message = '' } = readError(exchange.body);
  const boxMs = Date.parse(exchange.headers.date ?? '');
  if (code !== 'invalid_grant' || !ABOUT_TIME.test(message) || Number.isNaN(boxMs)) return null;
  return boxMs - nowMs;
}
