import type { OpenedRequest } from '@foyer/persistence';
import type { Logger } from '@foyer/platform';
import { BackgroundRoom, type JobQueue } from '@foyer/provisioning';
import { laneOf, priorityOf } from '@foyer/shared';

/** The longest wait for the queue to confirm, in milliseconds; no caller waits for it. */
const LIMIT_MS = 500;
/** The most jobs in one call to the queue, and the most that wait for a call; the relay enqueues the rest. */
const MOST_AT_ONCE = 20;
const MOST_WAITING = 500;

/**
 * Enqueues the gateway's jobs. A job that a person waits for is enqueued at once; jobs from Okta or machines wait in a
 * line, which makes one call at a time for all that has arrived meanwhile. A caller never fails because the queue is
 * down: the relay checks every open request later and enqueues what is missing.
 */
export class QueueLine {
  private readonly queue: JobQueue;
  private readonly logger: Logger;
  private readonly room: BackgroundRoom;
  private readonly waiting: OpenedRequest[] = [];
  private isMoving = false;

  constructor(queue: JobQueue, logger: Logger) {
    this.queue = queue;
    this.logger = logger;
    this.room = new BackgroundRoom(queue);
  }

  tell(requests: readonly OpenedRequest[]): void {
    const isPushed = ({ priority }: OpenedRequest): boolean => priority >= priorityOf.scim;
    const urgent = requests.filter((request) => !isPushed(request));
    if (urgent.length > 0) void this.add(urgent);
    this.waiting.push(...requests.filter(isPushed).slice(0, MOST_WAITING - this.waiting.length));
    if (!this.isMoving) void this.move();
  }

  private async move(): Promise<void> {
    this.isMoving = true;
    while (this.waiting.length > 0) await this.add(this.waiting.splice(0, MOST_AT_ONCE));
    this.isMoving = false;
  }

  /** Never throws. */
  private async add(requests: readonly OpenedRequest[]): Promise<void> {
    try {
      const isBackground = ({ priority }: OpenedRequest): boolean => laneOf(priority) === 'background';
      const isFree = !requests.some(isBackground) || (await this.room.isFree());
      const jobs = requests
        .filter((request) => isFree || !isBackground(request))
        .map(({ requestId, job, priority }) => ({ name: job, payload: { requestId }, priority }));
      if (jobs.length > 0) await this.queue.add(jobs, LIMIT_MS);
    } catch (error) {
      const requestIds = requests.map(({ requestId }) => requestId);
      this.logger.warn({ event: 'enqueue-failed', requestIds, err: error });
    }
  }
}
