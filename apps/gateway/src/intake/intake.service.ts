import { Inject, Injectable } from '@nestjs/common';
import {
  Intake,
  Requests,
  RequestWatch,
  TenantBoxApp,
  type Admission,
  type IdempotencyClaim,
  type MadeRequest,
} from '@foyer/persistence';
import { BackgroundRoom } from '@foyer/provisioning';
import { FoyerError, isFinal, laneOf, type Person, type RequestCause } from '@foyer/shared';
import { Shutdown } from '../http/shutdown.ts';
import { LOGGER, QUEUE, type Parts } from '../parts.ts';
import { Sessions } from '../sessions/sessions.ts';

/** An admission that was not refused. */
export type Admitted = Extract<Admission, { kind: 'in-step' | 'requested' }>;

/** How long the queue may take to say yes, in milliseconds; nobody waits for it. */
const ENQUEUE_LIMIT_MS = 500;
/** Jobs of one word to the queue. */
const MOST_AT_ONCE = 100;

/** The one door into the system, whichever way a person comes: it writes, then tells the queue. */
@Injectable()
export class IntakeService {
  private readonly room: BackgroundRoom;
  private readonly waiting: MadeRequest[] = [];
  private isTelling = false;

  constructor(
    private readonly intake: Intake,
    private readonly requests: Requests,
    private readonly watch: RequestWatch,
    private readonly boxApp: TenantBoxApp,
    private readonly sessions: Sessions,
    private readonly shutdown: Shutdown,
    @Inject(QUEUE) private readonly queue: Parts['queue'],
    @Inject(LOGGER) private readonly logger: Parts['logger'],
  ) {
    this.room = new BackgroundRoom(queue);
  }

  /**
   * Takes a person in. Throws `identity_deactivated`, after ending that person's sessions, and `idempotency_key_reused`.
   */
  async admit(person: Person, cause: RequestCause, claim?: IdempotencyClaim): Promise<Admitted> {
    const admission = await this.intake.admit(person, cause, claim);
    switch (admission.kind) {
      case 'deactivated':
        await this.sessions.endSessionsOf(admission.identityId);
        throw new FoyerError('identity_deactivated');
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
   * A new request for the identity of a failed one; an open one for the same state is given instead. Throws `not_found`
   * (also for what is outside the scope), `not_retryable` and `identity_deactivated`.
   */
  async retry(
    requestId: string,
    scope: { identityId?: string } = {},
  ): Promise<{ requestId: string; isNew: boolean }> {
    const admission = await this.intake.retry(requestId, scope);
    switch (admission.kind) {
      case 'not-found':
        throw new FoyerError('not_found');
      case 'not-failed':
        throw new FoyerError('not_retryable');
      case 'deactivated':
        throw new FoyerError('identity_deactivated');
      case 'requested':
        this.enqueue(admission);
        return { requestId: admission.requestId, isNew: admission.isNew };
    }
  }

  /**
   * Resolves when the request is final, when the time is up, or when the gateway stops; at once while nobody is provisioned.
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

  /**
   * Tells the queue of requests that it may not know. A queue that is away is no fault of the one at the door: the relay looks
   * at every open request later.
   */
  enqueue(...requests: readonly MadeRequest[]): void {
    this.waiting.push(...requests.filter(({ isNew, isHurried }) => isNew || isHurried));
    if (this.waiting.length > 0 && !this.isTelling) void this.tell();
  }

  /** One word to the queue at a time: whatever comes meanwhile goes along with the next. */
  private async tell(): Promise<void> {
    this.isTelling = true;
    while (this.waiting.length > 0) {
      const requests = this.waiting.splice(0, MOST_AT_ONCE);
      await this.addJobs(requests).catch((error: unknown) => {
        const requestIds = requests.map(({ requestId }) => requestId);
        this.logger.warn({ event: 'enqueue-failed', requestIds, err: error });
      });
    }
    this.isTelling = false;
  }

  private async addJobs(requests: readonly MadeRequest[]): Promise<void> {
    const isFree =
      requests.every(({ priority }) => laneOf(priority) === 'interactive') || (await this.room.isFree());
    const jobs = requests
      .filter(({ priority }) => isFree || laneOf(priority) === 'interactive')
      .map(({ requestId, job, priority }) => ({ name: job, payload: { requestId }, priority }));
    if (jobs.length > 0) await this.queue.add(jobs, ENQUEUE_LIMIT_MS);
  }
}
