import { hash } from 'node:crypto';
import { FoyerError, line } from '@foyer/shared';
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import { machineOf } from './machine-claims.ts';
import type { MachinePrincipal } from './principal.ts';
import type { SigningKeys } from '../okta/signing-keys.ts';

/** The largest difference between two clocks that is accepted, in seconds. */
const clockTolerance = 5;
const longestToken = 8_192;
const remembered = 1_000;
/**
 * A verified token is trusted for this long, in milliseconds, or until it expires; then its signature is verified
 * again.
 */
const rememberFor = 5 * 60_000;

/**
 * Anyone can send a token with an invented key id, so unknown ids cause at most ten fetches a minute, as in Okta's own
 * verifier.
 */
export const keyRules = {
  looksPerMinute: 10,
  patienceMs: 0,
  pauseMs: 1_000,
  detail: 'The access token cannot be checked now.',
} as const;

const words = z.union([z.string().transform((text) => text.split(' ')), z.array(z.string())]);
const Claims = z.object({
  exp: z.number(),
  iat: z.number(),
  jti: z.string().optional(),
  cid: line(255).min(1).optional(),
  client_id: line(255).min(1).optional(),
  azp: line(255).min(1).optional(),
  appid: line(255).min(1).optional(),
  sub: line(255).min(1),
  uid: z.unknown().optional(),
  idtyp: z.unknown().optional(),
  scp: words.optional(),
  scope: words.optional(),
  roles: words.optional(),
});

interface AccessTokenRules {
  readonly issuer: string;
  readonly audience: string;
}

/**
 * Verifies the access tokens of machines: JWTs of the API's authorization server (Okta, "Access token payload"; RFC
 * 9068).
 */
export class AccessTokens {
  private readonly keys: SigningKeys;
  private readonly rules: AccessTokenRules;
  private readonly now: () => number;
  private readonly good = new Map<string, { readonly machine: MachinePrincipal; readonly until: number }>();

  constructor(keys: SigningKeys, rules: AccessTokenRules, now: () => number = Date.now) {
    this.keys = keys;
    this.rules = rules;
    this.now = now;
  }

  /** Throws `invalid_token`, or `okta_unavailable` when Okta's keys are needed and cannot be fetched. */
  async verify(token: string): Promise<MachinePrincipal> {
    if (token.length > longestToken) throw new FoyerError('invalid_token', 'The token is too long.');
    const key = hash('sha256', token, 'base64url');
    const known = this.good.get(key);
    if (known !== undefined) {
      if (known.until > this.now()) return known.machine;
      this.good.delete(key);
    }
    const { machine, expires } = await this.check(token);
    this.good.set(key, { machine, until: Math.min(expires, this.now() + rememberFor) });
    if (this.good.size > remembered) this.forgetOldest();
    return machine;
  }

  private async check(token: string): Promise<{ machine: MachinePrincipal; expires: number }> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.keys.find, {
        ...this.rules,
        algorithms: ['RS256'],
        requiredClaims: ['exp', 'iat', 'sub'],
        clockTolerance,
        currentDate: new Date(this.now()),
      });
      return this.read(payload, protectedHeader.typ);
    } catch (error) {
      if (error instanceof FoyerError) throw error;
      throw new FoyerError('invalid_token', explain(error), { cause: error });
    }
  }

  private read(
    payload: JWTPayload,
    type: string | undefined,
  ): { machine: MachinePrincipal; expires: number } {
    const claims = Claims.parse(payload);
    const { exp, iat, jti } = claims;
    if (type !== undefined && !/^(application\/)?(at\+)?jwt$/i.test(type))
      throw refused(`The type in its header is not that of an access token.`);
    if (jti?.startsWith('ID.') || 'nonce' in payload || 'at_hash' in payload)
      throw refused('The token is an ID token.');
    if (iat > this.now() / 1000 + clockTolerance) throw refused('The token was issued in the future.');
    // People use a session instead, which shows them only their own data.
    const found = machineOf(claims);
    if (found === null) throw refused('The token does not belong to a machine. People sign in instead.');
    const machine: MachinePrincipal = {
      kind: 'machine',
      clientId: found.clientId,
      scopes: new Set(found.scopes),
    };
    return { machine, expires: exp * 1000 };
  }

  private forgetOldest(): void {
    const [oldest] = this.good.keys();
    if (oldest !== undefined) this.good.delete(oldest);
  }
}

const refused = (detail: string) => new FoyerError('invalid_token', detail);

function explain(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.';
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The claim ${error.claim} of the token is not the one that this API requires.`;
  return 'The token cannot be verified.';
}
