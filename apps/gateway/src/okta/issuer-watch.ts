import { once } from 'node:events';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { inspectIssuer, RepeatedTask, type BackgroundTask, type KnownIssuer } from '@foyer/platform';
import { LOGGER, type ProcessContext } from '../context.ts';
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
  private readonly told = new Map<KnownIssuer, string>();
  /** One task for each issuer. */
  readonly tasks: readonly BackgroundTask[];

  constructor(
    @Inject(SIGN_IN_ISSUER) signIn: KnownIssuer,
    @Inject(API_ISSUER) api: KnownIssuer,
    @Inject(LOGGER) private readonly logger: ProcessContext['logger'],
  ) {
    this.issuers = [signIn, api];
    this.tasks = [this.taskOf('sign-in-issuer', signIn), this.taskOf('api-issuer', api)];
  }

  /** Resolves when each issuer was asked once. */
  async start(): Promise<void> {
    await Promise.all(this.tasks.map((task) => task.start()));
  }

  /** What is wrong with an issuer, or with our clock compared to an issuer's; null when no problem is known. */
  get problem(): string | null {
    const problems = this.issuers.flatMap((issuer) => [issuer.problem, issuer.clockProblem]);
    return problems.filter((problem) => problem !== null).join(' ') || null;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.tasks.map((task) => task.stop()));
  }

  private taskOf(name: string, issuer: KnownIssuer): BackgroundTask {
    let retryMs = FIRST_RETRY_MS;
    return new RepeatedTask({
      ...{ name, intervalMs: WRONG_MS, waitsForFirstRound: true },
      round: async (stopping) => {
        const inspected = await unlessStopped(stopping, inspectIssuer(issuer));
        if (inspected === null) return;
        const { state, retryAfterMs } = inspected;
        this.tell(issuer);
        const isGood = state.kind === 'good';
        const pauseMs = isGood ? HOURLY_MS : state.kind === 'wrong' ? WRONG_MS : retryMs;
        retryMs = isGood ? FIRST_RETRY_MS : Math.min(retryMs * 2, LONGEST_RETRY_MS);
        return Math.max(pauseMs, retryAfterMs);
      },
      onError: (err) => this.logger.warn({ event: 'part-error', part: name, err }),
    });
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

/** Null when the signal aborts first: a stop does not wait for an issuer that does not answer. */
async function unlessStopped<T>(stopping: AbortSignal, asked: Promise<T>): Promise<T | null> {
  const done = new AbortController();
  const stopped = once(stopping, 'abort', { signal: done.signal }).then(
    () => null,
    () => null,
  );
  return Promise.race([asked, stopped]).finally(() => done.abort());
}
