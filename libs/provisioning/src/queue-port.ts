import type { JobName, JobPayload, Lane } from '@foyer/shared';

export interface Job<N extends JobName = JobName> {
  readonly name: N;
  readonly payload: JobPayload<N>;
  /** Lower goes first; see `priorityOf`. It also says which lane the job waits in; see `laneOf`. */
  readonly priority: number;
  /** How often it may still be tried when its handler throws; absent: as often as the catalog says. */
  readonly triesLeft?: number;
}

/** Jobs of one lane: ready to be taken, put off until later, being worked on. */
export type LaneDepth = Readonly<Record<'waiting' | 'delayed' | 'active', number>>;

/**
 * The producer's side. A job whose dedupe key is still waiting or being worked on is not added twice. While the backend is
 * away `add` rejects or hangs, so give it a time limit; the request table makes up for what is lost.
 */
export interface JobQueue {
  /** Rejects with a TimeoutError after `timeoutMs`; the job may still arrive later. */
  add(jobs: readonly Job[], timeoutMs: number): Promise<void>;
  /** How many jobs each lane holds. */
  depth(): Promise<Readonly<Record<Lane, LaneDepth>>>;
  /** Throws when the backend does not answer within `timeoutMs`, or takes no writes. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a handler says of its job: over, or look again after `delayMs`; 0: hand it to another worker at once. Throwing means
 * the catalog's attempts and back-off.
 */
export type JobEnd = { readonly kind: 'over' } | { readonly kind: 'again'; readonly delayMs: number };

/** What a handler is told of its job besides the payload. */
export interface JobContext {
  /** As it was added. */
  readonly priority: number;
}

/** One handler for each job of the catalog: a missing one is a type error, and again a failure at start. */
export type JobHandlers = {
  readonly [N in JobName]: (payload: JobPayload<N>, context: JobContext) => Promise<JobEnd>;
};

export interface JobConsumer {
  /** Takes no new job, waits up to `timeoutMs` for running ones, then lets go: they are given to another consumer later. */
  close(timeoutMs: number): Promise<void>;
}
