import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { inspectIssuer, type KnownIssuer } from '@foyer/platform';
import { LOGGER, type Parts } from '../parts.ts';
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
    @Inject(API_ISSUER) api: KnownIssuer,
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
    const problems = this.issuers.flatMap((issuer) => [issuer.problem, issuer.clockProblem]);
    return problems.filter((problem) => problem !== null).join(' ') || null;
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  private async look(issuer: KnownIssuer, retryMs: number): Promise<void> {
    const { state, retryAfterMs } = await inspectIssuer(issuer);
    const isGood = state.kind === 'good';
    const pauseMs = isGood ? HOURLY_MS : state.kind === 'wrong' ? WRONG_MS : retryMs;
    this.tell(issuer);
    if (this.stopped) return;
    const next = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    const timer = setTimeout(
      () => void this.look(issuer, isGood ? FIRST_RETRY_MS : next),
      Math.max(pauseMs, retryAfterMs),
    );
    this.timers.set(issuer, timer.unref());
  }

  /** Logs what has changed since the last check. */
  private tell(issuer: KnownIssuer): void {
    const { state, uri, problem, clockProblem } = issuer;
    if (clockProblem !== null) this.logger.warn({ event: 'clock-wrong', issuer: uri, reason: clockProblem });
    const reason = problem ?? '';
    if ((this.told.get(issuer) ?? '') === reason) return;
    this.told.set(issuer, reason);
    if (reason === '') this.logger.info({ event: 'issuer-found', issuer: uri });
    else if (state.kind === 'away')
      this.logger.warn({ event: 'issuer-away', issuer: uri, reason: state.message });
    else this.logger.error({ event: 'issuer-wrong', issuer: uri, reason });
  }
}
