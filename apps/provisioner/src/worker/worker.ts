import { toPlainError } from '@foyer/platform';
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
import { laneOf } from '@foyer/shared';
import type { ProvisionerContext } from '../context.ts';
import { convergeGroupHandler, convergeHandler } from './converge.handler.ts';

/** How long a stop waits for the current attempt, in milliseconds: one call to Box and its record. */
const LAST_TURN_MS = 15_000;

/** Takes jobs from the queue until it is stopped, and runs the requests that the relay passes to it directly. */
export class Worker {
  readonly direct: DirectRuns;
  private readonly context: ProvisionerContext;
  private readonly slots: LaneSlots;
  private readonly handlers: JobHandlers;
  private readonly stopping = new AbortController();
  private consumer: JobConsumer | null = null;

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

  async start(): Promise<void> {
    const { config, tenant } = this.context;
    const { putOff, queueOptions } = tenant;
    const inItsPlace =
      (handle: (payload: Payload, context: JobContext) => Promise<JobEnd>) =>
      (payload: Payload, context: JobContext): Promise<JobEnd> =>
        this.slots.run(laneOf(context.priority), () => handle(payload, context));
    this.consumer = await createConsumer(
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
  }

  /** Takes no new jobs until it is started again; running attempts finish. */
  async pause(): Promise<void> {
    const { consumer } = this;
    this.consumer = null;
    await consumer?.close(LAST_TURN_MS);
  }

  /**
   * Takes no new jobs, and finishes or returns the running ones. An attempt that outlasts the limit ends when its lease
   * expires.
   */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.context.tenant.putOff.close();
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (late = setTimeout(resolve, LAST_TURN_MS)));
    await Promise.all([this.consumer?.close(LAST_TURN_MS), Promise.race([this.direct.idle(), limit])]);
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
