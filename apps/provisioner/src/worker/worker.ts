import { defaultRetryPolicy, type JobConsumer, type JobHandlers } from '@foyer/provisioning';
import { createConsumer } from '@foyer/queue';
import type { Parts } from '../parts.ts';
import { convergeGroupHandler, convergeHandler } from './converge.handler.ts';

/** Longest a stop waits for a turn that is under way: one call to Box and its record. */
const LAST_TURN_MS = 15_000;

/** Takes jobs from the queue until it is stopped. */
export class Worker {
  private readonly parts: Parts;
  private readonly stopping = new AbortController();
  private consumer: JobConsumer | null = null;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  async start(): Promise<void> {
    const { config, store, groupStore, box, budget, logger, metrics, queueOptions } = this.parts;
    const policy = {
      ...defaultRetryPolicy,
      attempts: config.RETRY_ATTEMPTS,
      baseMs: config.RETRY_BASE_MS,
      maxMs: config.RETRY_MAX_MS,
    };
    const turning = { box, budget, logger, metrics, policy, stopping: this.stopping.signal };
    const handlers: JobHandlers = {
      converge: convergeHandler({ ...turning, store }),
      'converge-group': convergeGroupHandler({ ...turning, store: groupStore }),
    };
    const concurrency = {
      interactive: config.INTERACTIVE_CONCURRENCY,
      background: config.PROVISIONER_CONCURRENCY,
    };
    const stalledIntervalMs = config.STALLED_INTERVAL_MS;
    this.consumer = await createConsumer({ ...queueOptions, concurrency, stalledIntervalMs }, handlers);
  }

  /** Takes nothing new until it is started again; what is running ends by itself. */
  async pause(): Promise<void> {
    const { consumer } = this;
    this.consumer = null;
    await consumer?.close(LAST_TURN_MS);
  }

  /** Takes nothing new, ends or hands back what is running. What is left after the limit is freed by its lease's end. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.consumer?.close(LAST_TURN_MS);
  }
}
