import { FoyerError } from '@foyer/shared';
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from 'jose';
import { z } from 'zod';

const Metadata = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

const minute = 60_000;
/** Keys older than this are fetched anew behind the next use. */
const freshFor = 10 * minute;
/** While Okta is away, keys go on being used this long. */
const usableFor = 24 * 60 * minute;
/** How often a key id that is not known may send us to Okta. */
const missCooldown = minute;
/** How often Okta is asked while it fails. */
const failureCooldown = 1_000;
const fetchTimeout = 5_000;

interface Keys {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly at: number;
}

/**
 * The public keys of an Okta authorization server, found through its metadata (RFC 8414; OpenID Connect Discovery 1.0).
 * Fetched at first use, once however many wait.
 */
export class OktaKeys {
  private readonly issuer: string;
  private readonly onError: (error: unknown) => void;
  private readonly now: () => number;
  private keys: Keys | null = null;
  private keysAddress: string | null = null;
  private loading: Promise<Keys> | null = null;
  private missedAt = -Infinity;
  private failedAt = -Infinity;

  constructor(issuer: string, onError: (error: unknown) => void, now: () => number = Date.now) {
    this.issuer = issuer;
    this.onError = onError;
    this.now = now;
  }

  /** The key of a token's header. Throws a jose error when there is none, `okta_unavailable` when that cannot be told. */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    const keys = await this.current();
    try {
      return await keys.find(header, token);
    } catch (error) {
      const mayBeNew =
        error instanceof errors.JWKSNoMatchingKey && this.now() - this.missedAt >= missCooldown;
      if (!mayBeNew) throw error;
      const newer = await this.load();
      this.missedAt = this.now();
      return newer.find(header, token);
    }
  };

  private async current(): Promise<Keys> {
    const age = this.keys === null ? Infinity : this.now() - this.keys.at;
    if (this.keys === null || age >= usableFor) return this.load();
    if (age >= freshFor) void this.load().catch(() => {});
    return this.keys;
  }

  private async load(): Promise<Keys> {
    if (this.now() - this.failedAt < failureCooldown) throw oktaUnavailable();
    this.loading ??= this.fetchKeys().finally(() => (this.loading = null));
    return this.loading;
  }

  private async fetchKeys(): Promise<Keys> {
    try {
      this.keysAddress ??= await this.findKeysAddress();
      const find = createLocalJWKSet(await fetchJson(this.keysAddress, KeySet));
      this.keys = { find, at: this.now() };
      return this.keys;
    } catch (cause) {
      this.failedAt = this.now();
      // The keys may have moved.
      this.keysAddress = null;
      this.onError(cause);
      throw oktaUnavailable(cause);
    }
  }

  private async findKeysAddress(): Promise<string> {
    const { issuer, jwks_uri } = await fetchJson(
      `${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      Metadata,
    );
    if (issuer !== this.issuer) {
      throw new Error(`OKTA_API_ISSUER_URI is ${this.issuer}, but the server there calls itself ${issuer}.`);
    }
    if (this.issuer.startsWith('https:') && !jwks_uri.startsWith('https:')) {
      throw new Error(`The keys of ${this.issuer} are not behind https.`);
    }
    return jwks_uri;
  }
}

const oktaUnavailable = (cause?: unknown) =>
  new FoyerError('okta_unavailable', 'The access token cannot be checked now.', {
    cause,
    retryAfterMs: failureCooldown,
  });

async function fetchJson<T extends z.ZodType>(url: string, schema: T): Promise<z.infer<T>> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(fetchTimeout),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}.`);
  }
  return schema.parse(await response.json());
}
