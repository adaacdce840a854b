import type { MadeRequest } from '@foyer/persistence';
import type { Logger } from '@foyer/platform';
import { BackgroundRoom, type JobQueue } from '@foyer/provisioning';
import { laneOf, priorityOf } from '@foyer/shared';

/** How long the queue may take to say yes, in milliseconds; nobody waits for it. */
const LIMIT_MS = 500;
/** Jobs of one word to the queue, and how many may wait for theirs: the rest is the relay's. */
const MOST_AT_ONCE = 20;
const MOST_WAITING = 500;

/**
 * The gateway's words to the queue. Whoever waits at a screen is told of at once; what Okta or a machine pushes goes in a
 * line, one word at a time, with what came meanwhile. A queue that is away is no fault of the one at the door: the relay
 * looks at every open request later, and brings in what found no place here.
 */
export class QueueLine {
  private readonly queue: JobQueue;
  private readonly logger: Logger;
  private readonly room: BackgroundRoom;
  private readonly waiting: MadeRequest[] = [];
  private isMoving = false;

  constructor(queue: JobQueue, logger: Logger) {
    this.queue = queue;
    this.logger = logger;
    this.room = new BackgroundRoom(queue);
  }

  tell(requests: readonly MadeRequest[]): void {
    const isPushed = ({ priority }: MadeRequest): boolean => priority >= priorityOf.scim;
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
  private async add(requests: readonly MadeRequest[]): Promise<void> {
    try {
      const isBackground = ({ priority }: MadeRequest): boolean => laneOf(priority) === 'background';
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
