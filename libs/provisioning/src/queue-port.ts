import type { JobName, JobPayload } from '@foyer/shared';

export interface Job<N extends JobName = JobName> {
  readonly name: N;
  readonly payload: JobPayload<N>;
  /** Lower goes first; see `priorityOf`. */
  readonly priority: number;
}

/**
 * The producer's side. A job whose dedupe key is still waiting or being worked on is not added twice. While the backend is
 * away `add` rejects or hangs, so give it a time limit; the request table makes up for what is lost.
 */
export interface JobQueue {
  /** Rejects with a TimeoutError after `timeoutMs`; the job may still arrive later. */
  add(jobs: readonly Job[], timeoutMs: number): Promise<void>;
  /** Jobs waiting (delayed ones included) and being worked on. */
  depth(): Promise<{ readonly waiting: number; readonly active: number }>;
  /** Throws when the backend does not answer within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** What a handler says of its job: over, or look again after `delayMs`. Throwing means the catalog's attempts and back-off. */
export type JobEnd = { readonly kind: 'over' } | { readonly kind: 'again'; readonly delayMs: number };

/** One handler for each job of the catalog: a missing one is a type error, and again a failure at start. */
export type JobHandlers = { readonly [N in JobName]: (payload: JobPayload<N>) => Promise<JobEnd> };

export interface JobConsumer {
  /** Takes no new job, waits up to `timeoutMs` for running ones, then lets go: they are given to another consumer later. */
  close(timeoutMs: number): Promise<void>;
}
