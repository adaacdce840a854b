import { UnsecuredJWT, type JWTPayload } from 'jose';
import { type KoaContextWithOIDC } from 'oidc-provider';
import { type FaultKind } from './faults.ts';
import { type Org } from '../org/org.ts';
import { type Person } from '../org/people.ts';
import { TTL } from '../settings.ts';

type Damage = (claims: JWTPayload, now: number) => JWTPayload;

/** What each fault does to the claims; everything else in the token stays correct. */
const DAMAGES: readonly (readonly [kind: FaultKind, damage: Damage])[] = [
  ['wrongNonce', (claims) => ({ ...claims, nonce: `not-${String(claims['nonce'])}` })],
  ['wrongAudience', (claims) => ({ ...claims, aud: 'another-client' })],
  ['wrongIssuer', (claims) => ({ ...claims, iss: 'https://attacker.example.com' })],
  ['expired', (claims, now) => ({ ...claims, iat: now - 2 * TTL.token, exp: now - TTL.token })],
  ['futureIat', (claims, now) => ({ ...claims, iat: now + TTL.token, exp: now + 2 * TTL.token })],
  ['missingSub', (claims) => ({ ...claims, sub: undefined })],
  ['wrongAzp', (claims) => ({ ...claims, azp: 'another-client' })],
  // The authorized party is correct, but the token has a second audience, which could have obtained and forwarded it.
  [
    'untrustedAudience',
    (claims) => ({ ...claims, aud: [String(claims.aud), 'another-client'], azp: claims.aud }),
  ],
  ['multiAudience', (claims) => ({ ...claims, aud: [String(claims.aud), 'another-client'] })],
];

/** Signs an ID token, after applying each active fault once. */
export async function signDamaged(org: Org, meant: JWTPayload): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  let claims = meant;
  for (const [kind, damage] of DAMAGES) {
    if (org.faults.strike([kind], 'token')) claims = damage(claims, now);
  }
  if (org.faults.strike(['algNone'], 'token')) return new UnsecuredJWT(claims).encode();
  if (org.faults.strike(['badSignature'], 'token'))
    return org.accessTokens.forge(claims, org.keys.current.kid);
  return org.keys.sign(claims);
}

/**
 * A valid access token of another person, when the fault for it is active (token substitution, OpenID Connect Core
 * 16.11).
 */
export async function swappedAccessToken(
  org: Org,
  ctx: KoaContextWithOIDC,
  person: Person,
): Promise<{ token: string; atHash: 'original' | 'missing' } | undefined> {
  const { provider, client } = ctx.oidc;
  const { AccessToken } = ctx.oidc.entities;
  const other = someoneElse(org, person.id);
  if (!client || !AccessToken || !other) return undefined;
  const fault = org.faults.strike(['swappedAccessToken'], 'token');
  if (!fault) return undefined;
  const scopes = [...AccessToken.scopes];
  const grant = new provider.Grant({ accountId: other.id, clientId: client.clientId });
  grant.addOIDCScope(scopes);
  const grantId = await grant.save();
  const stolen = new provider.AccessToken({
    accountId: other.id,
    client,
    grantId,
    gty: 'authorization_code',
    scope: scopes.join(' '),
  });
  const issuedAt = Math.floor(Date.now() / 1000);
  const token = await org.accessTokens.wrap({
    opaque: await stolen.save(),
    clientId: client.clientId,
    userId: other.id,
    login: other.login,
    scopes,
    authTime: issuedAt,
    issuedAt,
    expiresAt: issuedAt + TTL.token,
  });
  return { token, atHash: fault.atHash };
}

/** Another person who may sign in. */
export function someoneElse(org: Org, id: string): Person | undefined {
  return org.people.all().find((person) => person.id !== id && person.status === 'ACTIVE' && person.assigned);
}
