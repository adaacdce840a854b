import { Person, toLine, type NameParts } from '@foyer/shared';
import { z } from 'zod';

/** A claim that is not text counts as absent. */
const text = z.string().optional().catch(undefined);
const Profile = z.object({
  name: text,
  given_name: text,
  family_name: text,
  preferred_username: text,
  email: text,
});

const LONGEST = 255;
const LONGEST_EMAIL = 254;

/** True when the claims lack fields that Foyer shows and stores: Okta may send them at userinfo only. */
export function isThin(claims: object): boolean {
  const { name, preferred_username } = Profile.parse(claims);
  return name === undefined || preferred_username === undefined;
}

/**
 * The ID token's claims take precedence. When userinfo calls its own address verified, that does not verify a different
 * address from the ID token.
 */
export function complemented(
  idToken: Readonly<Record<string, unknown>>,
  userinfo: Readonly<Record<string, unknown>>,
): object {
  const { email_verified: vouched, ...others } = userinfo;
  const isSame = idToken['email'] === undefined || idToken['email'] === userinfo['email'];
  return { ...others, ...(isSame && { email_verified: vouched }), ...idToken };
}

/** OpenID Connect Core 1.0, section 5.1: only a JSON true counts; absent or as text it verifies nothing. */
export const isEmailVerified = (claims: object): boolean =>
  'email_verified' in claims && claims.email_verified === true;

/**
 * The person that Okta's claims describe (OpenID Connect Core 1.0, section 5.1). Issuer and subject stay unchanged; the
 * rest is made storable, and an invalid e-mail address is left out. Throws when the subject cannot be stored.
 */
export function toPerson(issuer: string, subject: string, claims: object): Person & NameParts {
  const { name, given_name, family_name, preferred_username, email } = Profile.parse(claims);
  const [givenName, familyName] = [given_name, family_name].map((part) => toLine(part ?? '', LONGEST));
  const whole = [givenName, familyName].filter(Boolean).join(' ');
  const address = toLine(email ?? '', LONGEST);
  const usable = z.email().max(LONGEST_EMAIL).safeParse(address).success;
  const person = Person.parse({
    issuer,
    subject,
    username: toLine(preferred_username ?? '', LONGEST) || address || toLine(subject, LONGEST),
    ...(usable ? { email: address } : {}),
    name: toLine(name ?? '', LONGEST) || toLine(whole, LONGEST),
  });
  return { ...person, ...(givenName && { givenName }), ...(familyName && { familyName }) };
}
