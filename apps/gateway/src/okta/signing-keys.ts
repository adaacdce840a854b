import { setTimeout as delay } from 'node:timers/promises';
import { askOutside, isBusy, waitOf, type KnownIssuer } from '@foyer/platform';
import { FoyerError } from '@foyer/shared';
import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from 'jose';
import { z } from 'zod';
import { Rate } from '../limits/tally.ts';

const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

const MINUTE_MS = 60_000;
/** Keys older than this are fetched again in the background at the next use. */
const FRESH_MS = 10 * MINUTE_MS;
/** While the provider cannot be reached, its keys stay in use for this long. */
const USABLE_MS = 24 * 60 * MINUTE_MS;

interface Keys {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  readonly at: number;
}

export interface SigningKeysOptions {
  /**
   * The most fetches per minute for unknown key ids: the provider may have just published them, or a client may have
   * invented them.
   */
  readonly looksPerMinute: number;
  /**
   * The longest that a caller waits for its turn to fetch, in milliseconds; with a longer wait it gets
   * `okta_unavailable` at once.
   */
  readonly patienceMs: number;
  /** The pause between fetches while the provider fails, in milliseconds. */
  readonly pauseMs: number;
  readonly detail?: string;
  readonly onError?: (error: unknown) => void;
  readonly now?: () => number;
}

/**
 * The public keys with which an issuer signs (RFC 7517), found through its metadata. They are fetched at first use;
 * callers that wait at the same time share one fetch.
 */
export class SigningKeys {
  private readonly issuer: KnownIssuer;
  private readonly options: Required<Omit<SigningKeysOptions, 'detail'>> & Pick<SigningKeysOptions, 'detail'>;
  private keys: Keys | null = null;
  private loading: Promise<Keys> | null = null;
  private mayHaveMoved = false;
  private readonly looks: Rate;
  private closedUntil = -Infinity;

  constructor(issuer: KnownIssuer, options: SigningKeysOptions) {
    this.issuer = issuer;
    this.options = { onError: () => undefined, now: Date.now, ...options };
    this.looks = new Rate(options.looksPerMinute, 1, this.options.now);
  }

  /**
   * Returns the key that a token's header names. Throws a jose error when there is none, and `okta_unavailable` when
   * that cannot be decided now: the provider cannot be reached, or was asked for unknown ids too often lately and may
   * have published this one since.
   */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    const keys = await this.current();
    try {
      return await keys.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    return (await this.newerThan(keys)).find(header, token);
  };

  private async newerThan(seen: Keys): Promise<Keys> {
    const { patienceMs } = this.options;
    if (this.loading !== null) return this.loading;
    const wait = this.looks.take('keys');
    if (wait > patienceMs) throw this.unavailable(undefined, wait);
    if (wait > 0) await delay(wait);
    // Another caller may have fetched the keys during this wait.
    if (this.keys !== null && this.keys !== seen) return this.keys;
    return this.load();
  }

  private async current(): Promise<Keys> {
    const age = this.keys === null ? Infinity : this.options.now() - this.keys.at;
    if (this.keys === null || age >= USABLE_MS) return this.load();
    if (age >= FRESH_MS) this.load().catch(() => undefined);
    return this.keys;
  }

  private async load(): Promise<Keys> {
    const left = this.closedUntil - this.options.now();
    if (left > 0) throw this.unavailable(undefined, left);
    this.loading ??= this.fetch().finally(() => (this.loading = null));
    return this.loading;
  }

  private async fetch(): Promise<Keys> {
    const { now, onError, pauseMs } = this.options;
    try {
      const { jwks_uri } = await (this.mayHaveMoved ? this.issuer.ask() : this.issuer.metadata());
      const answer = await askOutside(jwks_uri, { headers: { accept: 'application/json' } });
      if (isBusy(answer))
        throw this.unavailable(new Error(`${jwks_uri} answered ${answer.status}`), waitOf(answer));
      if (answer.status !== 200) throw new Error(`${jwks_uri} answered ${answer.status}`);
      this.keys = { find: createLocalJWKSet(KeySet.parse(answer.body)), at: now() };
      this.mayHaveMoved = false;
      return this.keys;
    } catch (cause) {
      this.mayHaveMoved = true;
      const wait = (cause instanceof FoyerError ? cause.retryAfterMs : undefined) ?? pauseMs;
      this.closedUntil = now() + wait;
      onError(cause);
      throw this.unavailable(cause, wait || undefined);
    }
  }

  private unavailable(cause: unknown, retryAfterMs: number | undefined): FoyerError {
    return new FoyerError('okta_unavailable', this.options.detail, {
      cause,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
}
