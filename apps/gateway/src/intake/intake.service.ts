import { Inject, Injectable } from '@nestjs/common';
import {
  Intake,
  Requests,
  RequestWatch,
  TenantBoxApp,
  type Admission,
  type IdempotencyClaim,
  type OpenedRequest,
  type Vouched,
} from '@foyer/persistence';
import type { RecordedChange } from '@foyer/provisioning';
import { FoyerError, isFinal, type NameParts, type Person, type RequestCause } from '@foyer/shared';
import { Shutdown } from '../http/shutdown.ts';
import { LOGGER, QUEUE, type ProcessContext, type TenantContext } from '../context.ts';
import { Sessions } from '../sessions/sessions.ts';
import { QueueLine } from './queue-line.ts';

/** An admission that was not refused. */
export type Admitted = Extract<Admission, { kind: 'in-step' | 'requested' }>;

/**
 * Writes people who sign in or are pushed over the REST API, and enqueues their jobs. The SCIM server writes through
 * its own stores and only enqueues here.
 */
@Injectable()
export class IntakeService {
  private readonly line: QueueLine;

  constructor(
    private readonly intake: Intake,
    private readonly requests: Requests,
    private readonly watch: RequestWatch,
    private readonly boxApp: TenantBoxApp,
    private readonly sessions: Sessions,
    private readonly shutdown: Shutdown,
    @Inject(QUEUE) queue: TenantContext['queue'],
    @Inject(LOGGER) private readonly logger: ProcessContext['logger'],
  ) {
    this.line = new QueueLine(queue, logger);
  }

  /**
   * Admits a person and records it as `change`. Throws `identity_deactivated` after ending that person's sessions,
   * `sign_in_held` and `idempotency_key_reused`.
   */
  async admit(
    person: Person & NameParts,
    cause: RequestCause,
    change: RecordedChange,
    claim?: IdempotencyClaim,
    vouched?: Vouched,
  ): Promise<Admitted> {
    const admission = await this.intake.admit(person, cause, claim, change, vouched);
    switch (admission.kind) {
      case 'deactivated':
        await this.sessions.endSessionsOf(admission.identityId);
        throw new FoyerError('identity_deactivated');
      case 'held':
        this.logger.warn({ event: 'sign-in-held', identityId: admission.identityId });
        throw new FoyerError('sign_in_held');
      case 'key-reused':
        throw new FoyerError('idempotency_key_reused');
      case 'requested':
        this.enqueue(admission);
        return admission;
      case 'in-step':
        return admission;
    }
  }

  /**
   * Opens a new request for the identity of a failed one, or returns the open one for the same state. Throws
   * `not_found` (also outside the scope), `not_retryable`, `identity_deactivated` and `identity_merged`.
   */
  async retry(
    requestId: string,
    change: RecordedChange,
    scope: { identityId?: string } = {},
  ): Promise<{ requestId: string; isNew: boolean }> {
    const admission = await this.intake.retry(requestId, scope, change);
    switch (admission.kind) {
      case 'not-found':
        throw new FoyerError('not_found');
      case 'not-failed':
        throw new FoyerError('not_retryable');
      case 'deactivated':
        throw new FoyerError('identity_deactivated');
      case 'merged':
        throw new FoyerError('identity_merged', `The identity that stays is ${admission.mergedInto}.`);
      case 'requested':
        this.enqueue(admission);
        return { requestId: admission.requestId, isNew: admission.isNew };
    }
  }

  /**
   * Resolves when the request is final, the time is up, or the gateway stops; at once while provisioning is suspended.
   */
  async untilFinal(requestId: string, limitMs: number): Promise<void> {
    if ((await this.boxApp.state()).differs) return;
    const end = performance.now() + limitMs;
    for (let left = limitMs; left > 0 && !this.shutdown.signal.aborted; left = end - performance.now()) {
      const news = this.watch.next(requestId, left, this.shutdown.signal);
      try {
        const version = await this.requests.version(requestId, {});
        if (version === null || isFinal(version.status)) return;
        await news.changed;
      } finally {
        news.cancel();
      }
    }
  }

  /** Enqueues requests that the queue may not have yet; the caller does not wait for it. */
  enqueue(...requests: readonly OpenedRequest[]): void {
    this.line.tell(requests.filter(({ isNew, wasPromoted }) => isNew || wasPromoted));
  }
}
