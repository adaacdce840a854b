import { FoyerError } from '@foyer/shared';
import { z } from 'zod';
import { askOutside, NoAnswer, OUTSIDE_TIMEOUT_MS, waitOf, type OutsideAnswer } from './ask.ts';
import { clockProblem, type ClockReading } from './clock.ts';

const endpoint = z.url({ protocol: /^https?$/ });

/** The provider metadata that machines with access tokens need (RFC 8414, section 2). */
export const ApiMetadata = z.object({ issuer: z.string(), jwks_uri: endpoint });
export type ApiMetadata = z.infer<typeof ApiMetadata>;

/** The metadata for sign-ins (OpenID Connect Discovery 1.0, section 3): userinfo is only recommended. */
export const SignInMetadata = ApiMetadata.extend({
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  userinfo_endpoint: endpoint.optional(),
  end_session_endpoint: endpoint.optional(),
  /** RFC 9207, section 3: each authorization response names its issuer. */
  authorization_response_iss_parameter_supported: z.boolean().optional().catch(undefined),
});
export type SignInMetadata = z.infer<typeof SignInMetadata>;

/** After this time metadata are fetched again; the old ones are used until that succeeds. */
const KEEP_MS = 3_600_000;

/** The result of the last request for the provider's metadata. */
export type IssuerState =
  | { readonly kind: 'unasked' | 'good' }
  /** It answered, and only a change of the configuration, or at the provider, helps. */
  | { readonly kind: 'wrong'; readonly status: number; readonly message: string }
  /** It did not answer, or asked us to retry later. */
  | { readonly kind: 'away'; readonly message: string };

export interface IssuerOptions {
  /** The variable that names the issuer, for messages. */
  readonly variable: string;
  /** As the provider spells it. */
  readonly issuer: string;
  /** The issuer was not configured, only derived from another: many providers do not have it, and do not need it. */
  readonly isDerived?: boolean;
  readonly timeoutMs?: number;
  /** How long to wait after a failure before the provider is asked again, unless the provider gives a time itself. */
  readonly pauseMs?: number;
  readonly now?: () => number;
}

/**
 * The metadata of an OpenID provider. They are fetched at first use and then hourly, once for all waiting callers, and
 * not before the provider allows it.
 */
export class Issuer<T extends ApiMetadata> {
  readonly uri: string;
  private readonly schema: z.ZodType<T>;
  private readonly options: Required<Omit<IssuerOptions, 'issuer'>>;
  private known: { readonly metadata: T; readonly until: number } | null = null;
  private asking: Promise<T> | null = null;
  private closed: { readonly until: number; readonly error: FoyerError } | null = null;
  private lastState: IssuerState = { kind: 'unasked' };
  private lastClock: ClockReading | null = null;

  constructor(
    schema: z.ZodType<T>,
    {
      issuer,
      variable,
      isDerived = false,
      timeoutMs = OUTSIDE_TIMEOUT_MS,
      pauseMs = 0,
      now = Date.now,
    }: IssuerOptions,
  ) {
    this.uri = issuer;
    this.schema = schema;
    this.options = { variable, isDerived, timeoutMs, pauseMs, now };
  }

  get state(): IssuerState {
    return this.lastState;
  }

  /** A sentence saying what the last request found wrong; null when nothing needs to change. */
  get problem(): string | null {
    const { lastState: state, uri } = this;
    if (state.kind === 'away') return `${uri} cannot be reached: ${state.message}.`;
    if (state.kind !== 'wrong') return null;
    return this.options.isDerived && state.status !== 200 ? null : `${state.message}.`;
  }

  /**
   * The clock comparison of the provider's newest answer; another call to the same provider may be recorded here, too.
   */
  get clock(): ClockReading | null {
    return this.lastClock;
  }

  noteClock(reading: ClockReading | null): void {
    this.lastClock = reading ?? this.lastClock;
  }

  /** A sentence saying by how much our clock differs from the provider's; null when it does not. */
  get clockProblem(): string | null {
    return clockProblem(this.lastClock, `that of ${this.uri}`);
  }

  /** Throws `okta_unavailable`, with the time until the provider may be asked again if the provider gave one. */
  async metadata(): Promise<T> {
    const { known } = this;
    if (known === null) return this.ask();
    if (this.options.now() >= known.until) this.ask().catch(() => undefined);
    return known.metadata;
  }

  /**
   * Fetches the metadata now, even if they are known, unless the provider has forbidden it. Throws as `metadata` does.
   */
  async ask(): Promise<T> {
    const { now } = this.options;
    if (this.closed !== null && this.closed.until > now()) {
      const { error, until } = this.closed;
      throw unavailable(error.cause, until - now());
    }
    this.asking ??= this.fetch().finally(() => (this.asking = null));
    return this.asking;
  }

  private async fetch(): Promise<T> {
    const { now, timeoutMs, pauseMs } = this.options;
    let retryAfterMs: number | undefined;
    try {
      const answer = await askOutside(addressOf(this.uri), {
        timeoutMs,
        headers: { accept: 'application/json' },
      });
      this.noteClock(answer.clock);
      retryAfterMs = isBusy(answer) ? waitOf(answer) : undefined;
      const metadata = this.read(answer);
      this.lastState = { kind: 'good' };
      this.known = { metadata, until: now() + KEEP_MS };
      this.closed = null;
      return metadata;
    } catch (cause) {
      if (cause instanceof WrongIssuer) {
        this.lastState = { kind: 'wrong', status: cause.status, message: cause.message };
      } else if (cause instanceof NoAnswer) this.lastState = { kind: 'away', message: cause.message };
      const error = unavailable(cause, retryAfterMs ?? (pauseMs || undefined));
      const pause = retryAfterMs ?? pauseMs;
      if (pause > 0) this.closed = { until: now() + pause, error };
      throw error;
    }
  }

  private read(answer: OutsideAnswer): T {
    const { status, body } = answer;
    const { variable } = this.options;
    if (isBusy(answer))
      throw new NoAnswer(`${this.uri} answered the request for its metadata with ${status}`);
    if (status !== 200) {
      throw new WrongIssuer(
        status,
        `${variable} is ${this.uri}, but no provider answers there: the request for its metadata got ${status}`,
      );
    }
    const named = z.looseObject({ issuer: z.string() }).safeParse(body).data?.issuer;
    // Compared exactly: another issuer, even by a slash, would give another person's key (OpenID Connect Discovery 1.0,
    // section 4.3).
    if (named !== undefined && named !== this.uri) {
      throw new WrongIssuer(
        status,
        `${variable} is ${this.uri}, but the metadata of the provider name ${shown(named)}: the two must be equal, character by character`,
      );
    }
    const parsed = this.schema.safeParse(body);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const what = issue === undefined || issue.path.length === 0 ? 'a part' : issue.path.join('.');
      throw new WrongIssuer(status, `${what} of the metadata of ${this.uri} cannot be used`);
    }
    const downgraded = Object.values(parsed.data).some(
      (value) => typeof value === 'string' && value.startsWith('http:'),
    );
    if (this.uri.startsWith('https:') && downgraded)
      throw new WrongIssuer(status, `an endpoint of ${this.uri} does not use https`);
    return parsed.data;
  }
}

/** The part of an issuer that does not depend on its metadata schema. */
export type KnownIssuer = Pick<
  Issuer<ApiMetadata>,
  'uri' | 'state' | 'problem' | 'clockProblem' | 'ask' | 'metadata'
>;

/** OpenID Connect Discovery 1.0, section 4.1: a trailing slash is removed first. */
const addressOf = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;

/** Whether a retry may succeed. */
export const isBusy = ({ status }: Pick<OutsideAnswer, 'status'>): boolean => status === 429 || status >= 500;

const shown = (text: string): string => JSON.stringify(text.slice(0, 200)).slice(1, -1);

class WrongIssuer extends Error {
  override readonly name = 'WrongIssuer';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const unavailable = (cause: unknown, retryAfterMs: number | undefined): FoyerError =>
  new FoyerError('okta_unavailable', undefined, { cause, ...(retryAfterMs && { retryAfterMs }) });
