import { bitsOf, isSample } from './secret-strength.ts';

interface AddressValues {
  readonly FOYER_ENV?: 'development' | 'production';
  readonly FOYER_BASE_URL?: string;
  readonly OKTA_ISSUER_URI?: string;
  readonly OKTA_API_ISSUER_URI?: string;
  readonly BOX_BASE_URL?: string;
}

interface SecretValues {
  readonly FOYER_ENV?: 'development' | 'production';
  readonly DATABASE_URL?: string;
  readonly REDIS_URL?: string;
  readonly SESSION_SECRET?: readonly string[];
  readonly OKTA_CLIENT_SECRET?: string;
  readonly BOX_CLIENT_SECRET?: string;
}

const why = {
  FOYER_BASE_URL: ['browsers send the session cookie over TLS only', 'https://foyer.example.com'],
  OKTA_ISSUER_URI: [
    'otherwise anyone on the network path could decide who signs in',
    'https://example.okta.com',
  ],
  OKTA_API_ISSUER_URI: [
    'otherwise anyone on the network path could sign access tokens',
    'https://example.okta.com/oauth2/default',
  ],
  BOX_BASE_URL: ['Foyer sends the secret of the Box app to this address', 'https://api.box.com'],
} as const;

/** In production every address that trust depends on must use TLS. */
export function encryptedInProduction(values: AddressValues): readonly string[] {
  if (values.FOYER_ENV !== 'production') return [];
  return (['FOYER_BASE_URL', 'OKTA_ISSUER_URI', 'OKTA_API_ISSUER_URI', 'BOX_BASE_URL'] as const)
    .filter((name) => values[name] !== undefined && !/^https:/i.test(values[name]))
    .map(
      (name) =>
        `${name} must begin with https:// in production, because ${why[name][0]}. ` +
        `Example: ${name}=${why[name][1]} (or FOYER_ENV=development on your own machine)`,
    );
}

/** The least entropy of a secret, in bits: our own secret signs cookies, the others are issued by Okta and Box. */
const OWN_BITS = 64;
const GIVEN_BITS = 40;

/** In production no secret may be known or guessable. */
export function secretsInProduction(values: SecretValues): readonly string[] {
  if (values.FOYER_ENV !== 'production') return [];
  const given = [
    ...(values.SESSION_SECRET ?? []).map((value) => ['SESSION_SECRET', value, OWN_BITS] as const),
    ['OKTA_CLIENT_SECRET', values.OKTA_CLIENT_SECRET, GIVEN_BITS] as const,
    ['BOX_CLIENT_SECRET', values.BOX_CLIENT_SECRET, GIVEN_BITS] as const,
    // A store may have no password, or other protection, so only sample passwords are refused.
    ['DATABASE_URL', passwordOf(values.DATABASE_URL), 0] as const,
    ['REDIS_URL', passwordOf(values.REDIS_URL), 0] as const,
  ];
  const faults = given.flatMap(([name, value, bits]) => {
    if (value === undefined) return [];
    if (isSample(value)) return [`${name} ${sampleWords[name]}`];
    return bitsOf(value) < bits ? [`${name} ${weakWords[name]}`] : [];
  });
  return [...new Set(faults)];
}

const own = 'Use the output of: openssl rand -base64 48';
const theirs = (whose: string) => `Use the secret of your ${whose} app`;
const published = 'is a published sample, which production refuses.';
const simple = 'can be guessed, because it is too short or repetitive.';
const sampleWords = {
  SESSION_SECRET: `${published} ${own}`,
  OKTA_CLIENT_SECRET: `${published} ${theirs('Okta')}`,
  BOX_CLIENT_SECRET: `${published} ${theirs('Box')}`,
  DATABASE_URL: `has a password that ${published} Use the output of: openssl rand -hex 24`,
  REDIS_URL: `has a password that ${published} Use the output of: openssl rand -hex 24`,
};
const weakWords = {
  SESSION_SECRET: `${simple} ${own}`,
  OKTA_CLIENT_SECRET: `${simple} ${theirs('Okta')}`,
  BOX_CLIENT_SECRET: `${simple} ${theirs('Box')}`,
  DATABASE_URL: simple,
  REDIS_URL: simple,
};

const passwordOf = (url: string | undefined): string | undefined =>
  (url === undefined ? null : URL.parse(url))?.password || undefined;
