import { FoyerError } from '@foyer/shared';
import { z } from 'zod';
import { askOutside, NoAnswer, OUTSIDE_TIMEOUT_MS, waitOf, type OutsideAnswer } from './ask.ts';
import { clockProblem, type ClockReading } from './clock.ts';

const endpoint = z.url({ protocol: /^https?$/ });

/** What a provider says of itself, as far as machines with access tokens need it (RFC 8414, section 2). */
export const ApiMetadata = z.object({ issuer: z.string(), jwks_uri: endpoint });
export type ApiMetadata = z.infer<typeof ApiMetadata>;

/** The same for people who sign in (OpenID Connect Discovery 1.0, section 3): userinfo is only recommended. */
export const SignInMetadata = ApiMetadata.extend({
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  userinfo_endpoint: endpoint.optional(),
  end_session_endpoint: endpoint.optional(),
  /** RFC 9207, section 3: each answer names its issuer. */
  authorization_response_iss_parameter_supported: z.boolean().optional().catch(undefined),
});
export type SignInMetadata = z.infer<typeof SignInMetadata>;

/** Metadata go on being used while newer ones are fetched, or cannot be had. */
const KEEP_MS = 3_600_000;

/** How the provider was found when it was last asked. */
export type IssuerState =
  | { readonly kind: 'unasked' | 'good' }
  /** It answered, and only a change of the configuration, or at the provider, helps. */
  | { readonly kind: 'wrong'; readonly status: number; readonly message: string }
  /** It did not answer, or asked us to come again. */
  | { readonly kind: 'away'; readonly message: string };

export interface IssuerOptions {
  /** The variable that names the issuer, for messages. */
  readonly variable: string;
  /** As the provider spells it. */
  readonly issuer: string;
  readonly timeoutMs?: number;
  /** How long a failure keeps the provider from being asked again, unless it says how long itself. */
  readonly pauseMs?: number;
  readonly now?: () => number;
}

/**
 * An OpenID provider's own word on where its endpoints are. Asked at first use and then hourly, once however many wait, and
 * not before it allows.
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
    { issuer, variable, timeoutMs = OUTSIDE_TIMEOUT_MS, pauseMs = 0, now = Date.now }: IssuerOptions,
  ) {
    this.uri = issuer;
    this.schema = schema;
    this.options = { variable, timeoutMs, pauseMs, now };
  }

  get state(): IssuerState {
    return this.lastState;
  }

  /** What the provider's newest answer told of our clock; a call elsewhere at the same provider may be noted here. */
  get clock(): ClockReading | null {
    return this.lastClock;
  }

  noteClock(reading: ClockReading | null): void {
    this.lastClock = reading ?? this.lastClock;
  }

  /** That our clock differs from the provider's, and by how much; null when it does not. */
  get clockProblem(): string | null {
    return clockProblem(this.lastClock, `that of ${this.uri}`);
  }

  /** Throws `okta_unavailable`, with the time until the provider may be asked again when it said so. */
  async metadata(): Promise<T> {
    const { known } = this;
    if (known === null) return this.ask();
    if (this.options.now() >= known.until) this.ask().catch(() => undefined);
    return known.metadata;
  }

  /** Asks now, whatever is known, unless the provider has forbidden it. Throws as `metadata`. */
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
    if (isBusy(answer)) throw new NoAnswer(`${this.uri} answered its metadata with ${status}`);
    if (status !== 200) {
      throw new WrongIssuer(
        status,
        `${variable} is ${this.uri}, but there is no provider there: its metadata are answered with ${status}`,
      );
    }
    const named = z.looseObject({ issuer: z.string() }).safeParse(body).data?.issuer;
    // Exactly: another issuer, even by a slash, would be another person's key (OpenID Connect Discovery 1.0, section 4.3).
    if (named !== undefined && named !== this.uri) {
      throw new WrongIssuer(
        status,
        `${variable} is ${this.uri}, but the provider there calls itself ${shown(named)}: the two must be equal, letter by letter`,
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
      throw new WrongIssuer(status, `an endpoint of ${this.uri} is not behind https`);
    return parsed.data;
  }
}

/** How an issuer is found now, and what it tells of our clock: for those who look into what is wrong. */
export async function inspectIssuer(
  options: IssuerOptions,
): Promise<{ state: IssuerState; clock: ClockReading | null; clockProblem: string | null }> {
  const issuer = new Issuer(SignInMetadata, options);
  await issuer.ask().catch(() => undefined);
  const { state, clock, clockProblem: problem } = issuer;
  return { state, clock, clockProblem: problem };
}

/** What others need of an issuer, whatever its metadata hold besides. */
export type KnownIssuer = Pick<Issuer<ApiMetadata>, 'uri' | 'state' | 'clockProblem' | 'ask' | 'metadata'>;

/** OpenID Connect Discovery 1.0, section 4.1: a slash at the end is taken off before. */
const addressOf = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;

/** Another try may be answered otherwise. */
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
