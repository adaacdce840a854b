import { toPlainError, type BackgroundTask } from '@foyer/platform';
import {
  defaultRetryPolicy,
  DirectRuns,
  LaneSlots,
  type JobConsumer,
  type JobContext,
  type JobEnd,
  type JobHandlers,
} from '@foyer/provisioning';
import { createConsumer } from '@foyer/queue';
import { LAST_ATTEMPT_MS, laneOf } from '@foyer/shared';
import type { ProvisionerContext } from '../context.ts';
import { convergeGroupHandler, convergeHandler } from './converge.handler.ts';

/** Takes jobs from the queue until it is stopped, and runs the requests that the relay passes to it directly. */
export class Worker {
  readonly direct: DirectRuns;
  /** Drains the worker at shutdown. The Box app watch starts and pauses it; an attempt is not a round. */
  readonly task: BackgroundTask = {
    name: 'worker',
    start: () => Promise.resolve(),
    stop: () => this.stop(),
    state: () => ({ failingMs: 0, roundMs: 0, lastError: null }),
  };
  private readonly context: ProvisionerContext;
  private readonly slots: LaneSlots;
  private readonly handlers: JobHandlers;
  private readonly stopping = new AbortController();
  /** Opening or open; null while it is paused. */
  private consumer: Promise<JobConsumer> | null = null;

  constructor(context: ProvisionerContext) {
    const { config, logger, metrics } = context;
    const { store, groupStore, box, budget, putOff } = context.tenant;
    this.context = context;
    this.slots = new LaneSlots(concurrencyOf(context));
    const policy = {
      ...defaultRetryPolicy,
      attempts: config.RETRY_ATTEMPTS,
      baseMs: config.RETRY_BASE_MS,
      maxMs: config.RETRY_MAX_MS,
    };
    const { signal } = this.stopping;
    const shared = { box, budget, logger, metrics, policy, stopping: signal };
    this.handlers = {
      converge: convergeHandler({ ...shared, store }),
      'converge-group': convergeGroupHandler({ ...shared, store: groupStore }),
    };
    this.direct = new DirectRuns({
      slots: this.slots,
      stopping: signal,
      work: ({ name, payload, priority }) => this.handlers[name](payload, { priority }),
      putOff: (job, delayMs) => putOff.put(job, delayMs),
      onError: (error, { payload }) =>
        logger.warn({ event: 'direct-run-failed', ...payload, err: toPlainError(error) }),
    });
  }

  /** Takes jobs; does nothing once the worker is stopped. */
  async start(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const { config, tenant } = this.context;
    const { putOff, queueOptions } = tenant;
    const inItsPlace =
      (handle: (payload: Payload, context: JobContext) => Promise<JobEnd>) =>
      (payload: Payload, context: JobContext): Promise<JobEnd> =>
        this.slots.run(laneOf(context.priority), () => handle(payload, context));
    this.consumer = createConsumer(
      {
        ...queueOptions,
        concurrency: concurrencyOf(this.context),
        stalledIntervalMs: config.STALLED_INTERVAL_MS,
        putOff: (job, delayMs) => putOff.put(job, delayMs),
      },
      {
        converge: inItsPlace(this.handlers.converge),
        'converge-group': inItsPlace(this.handlers['converge-group']),
      },
    );
    await this.consumer;
  }

  /** Takes no new jobs until it is started again; running attempts finish. */
  async pause(): Promise<void> {
    const { consumer } = this;
    this.consumer = null;
    // A consumer that could not be opened has told the caller of start.
    const opened = await consumer?.catch(() => null);
    await opened?.close(LAST_ATTEMPT_MS);
  }

  /**
   * Takes no new jobs, and finishes or returns the running ones. An attempt that outlasts the limit ends when its lease
   * expires.
   */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.context.tenant.putOff.close();
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (late = setTimeout(resolve, LAST_ATTEMPT_MS)));
    await Promise.all([this.pause(), Promise.race([this.direct.idle(), limit])]);
    clearTimeout(late);
  }
}

interface Payload {
  readonly requestId: string;
}

const concurrencyOf = ({ config }: ProvisionerContext) => ({
  interactive: config.INTERACTIVE_CONCURRENCY,
  background: config.PROVISIONER_CONCURRENCY,
});
