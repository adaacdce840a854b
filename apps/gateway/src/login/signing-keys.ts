import { FoyerError } from '@foyer/shared';
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { OKTA_TIMEOUT_MS } from './okta-json.ts';

/** As Okta's own verifiers keep keys. */
const KEEP_MS = 3_600_000;
const MISS_COOLDOWN_MS = 60_000;

/**
 * Okta's signing keys (JWKS). A key id that is not known asks Okta again, at most once a minute: a rotation is noticed at
 * once, and made-up ids cannot make us hammer Okta. Throws `okta_unavailable` when the keys cannot be had.
 */
export function signingKeys(jwksUri: string, timeoutMs: number = OKTA_TIMEOUT_MS): JWTVerifyGetKey {
  // Its own cool-down would count from the first fetch, and so refuse a key that was rotated in right after.
  const keys = createRemoteJWKSet(new URL(jwksUri), {
    timeoutDuration: timeoutMs,
    cacheMaxAge: KEEP_MS,
    cooldownDuration: Infinity,
  });
  let missedAt = -Infinity;
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw unavailable(error);
      if (performance.now() - missedAt < MISS_COOLDOWN_MS) throw error;
    }
    missedAt = performance.now();
    await keys.reload().catch((error: unknown) => {
      throw unavailable(error);
    });
    return keys(header, token);
  };
}

const unavailable = (cause: unknown) =>
  cause instanceof errors.JWKSMultipleMatchingKeys
    ? cause
    : new FoyerError('okta_unavailable', undefined, { cause });
