import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { apiIssuerOf, type KnownIssuer } from '@foyer/platform';
import { FoyerError } from '@foyer/shared';
import { CONFIG, LOGGER, type Parts } from '../parts.ts';
import { API_ISSUER, SIGN_IN_ISSUER } from './tokens.ts';

/** The times until an issuer is asked again, in milliseconds. */
const HOURLY_MS = 3_600_000;
const WRONG_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Checks the configured issuers from the start, so that a wrong one is known before a person meets it. The start does
 * not wait for the check: an issuer that cannot be reached is asked again until it answers.
 */
@Injectable()
export class IssuerWatch implements OnApplicationShutdown {
  private readonly issuers: readonly KnownIssuer[];
  private readonly timers = new Map<KnownIssuer, NodeJS.Timeout>();
  private readonly told = new Map<KnownIssuer, string>();
  private stopped = false;

  constructor(
    @Inject(SIGN_IN_ISSUER) signIn: KnownIssuer,
    @Inject(API_ISSUER) private readonly api: KnownIssuer,
    @Inject(CONFIG) private readonly config: Parts['config'],
    @Inject(LOGGER) private readonly logger: Parts['logger'],
  ) {
    this.issuers = [signIn, api];
  }

  /** Resolves when each issuer was asked once. */
  async start(): Promise<void> {
    await Promise.all(this.issuers.map((issuer) => this.look(issuer, FIRST_RETRY_MS)));
  }

  /** What is wrong with an issuer, or with our clock compared to an issuer's; null when no problem is known. */
  get problem(): string | null {
    const problems = this.issuers.flatMap((issuer) => [this.problemOf(issuer), issuer.clockProblem]);
    return problems.filter((problem) => problem !== null).join(' ') || null;
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private async look(issuer: KnownIssuer, retryMs: number): Promise<void> {
    let asked = HOURLY_MS;
    try {
      await issuer.ask();
    } catch (error) {
      asked = issuer.state.kind === 'wrong' ? WRONG_MS : retryMs;
      if (error instanceof FoyerError) asked = Math.max(asked, error.retryAfterMs ?? 0);
    }
    this.tell(issuer);
    if (this.stopped) return;
    const next = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    const timer = setTimeout(
      () => void this.look(issuer, asked === HOURLY_MS ? FIRST_RETRY_MS : next),
      asked,
    );
    this.timers.set(issuer, timer.unref());
  }

  /** Logs what has changed since the last check. */
  private tell(issuer: KnownIssuer): void {
    const { state, uri, clockProblem } = issuer;
    if (clockProblem !== null) this.logger.warn({ event: 'clock-wrong', issuer: uri, reason: clockProblem });
    const reason = this.problemOf(issuer) ?? '';
    if ((this.told.get(issuer) ?? '') === reason) return;
    this.told.set(issuer, reason);
    if (reason === '') this.logger.info({ event: 'issuer-found', issuer: uri });
    else if (state.kind === 'away')
      this.logger.warn({ event: 'issuer-away', issuer: uri, reason: state.message });
    else this.logger.error({ event: 'issuer-wrong', issuer: uri, reason });
  }

  private problemOf(issuer: KnownIssuer): string | null {
    const { state, uri } = issuer;
    if (state.kind === 'away') return `${uri} cannot be reached.`;
    if (state.kind !== 'wrong') return null;
    // The API issuer was not configured, only derived: many orgs do not have it and do not need it.
    const isGuess = issuer === this.api && uri === apiIssuerOf(this.config.OKTA_ISSUER_URI);
    return isGuess && state.status !== 200 ? null : `${state.message}.`;
  }
}
