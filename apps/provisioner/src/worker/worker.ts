import { defaultRetryPolicy, type JobConsumer, type JobHandlers } from '@foyer/provisioning';
import { createConsumer } from '@foyer/queue';
import type { Parts } from '../parts.ts';
import { convergeHandler } from './converge.handler.ts';

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
    const { config, store, box, logger, metrics, queueOptions } = this.parts;
    const policy = {
      ...defaultRetryPolicy,
      attempts: config.RETRY_ATTEMPTS,
      baseMs: config.RETRY_BASE_MS,
      maxMs: config.RETRY_MAX_MS,
    };
    const handlers: JobHandlers = {
      converge: convergeHandler({ store, box, logger, metrics, policy, stopping: this.stopping.signal }),
    };
    const { PROVISIONER_CONCURRENCY: concurrency, STALLED_INTERVAL_MS: stalledIntervalMs } = config;
    this.consumer = await createConsumer({ ...queueOptions, concurrency, stalledIntervalMs }, handlers);
  }

  /** Takes nothing new, ends or hands back what is running. What is left after the limit is freed by its lease's end. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.consumer?.close(LAST_TURN_MS);
  }
}
