import type { JobName, JobPayload, Lane } from '@foyer/shared';

export interface Job<N extends JobName = JobName> {
  readonly name: N;
  readonly payload: JobPayload<N>;
  /** A lower number runs first; see `priorityOf`. It also decides the job's lane; see `laneOf`. */
  readonly priority: number;
  /** How many more tries the job has when its handler throws; absent: the catalog's number. */
  readonly triesLeft?: number;
}

/** The jobs of one lane: ready, delayed, and being processed. */
export type LaneDepth = Readonly<Record<'waiting' | 'delayed' | 'active', number>>;

/**
 * The producer's side. A job is not added again while one with its dedupe key is waiting or being processed. While the
 * backend is unavailable `add` rejects or hangs, so it takes a time limit; requests lost this way are found in the
 * request table.
 */
export interface JobQueue {
  /** Rejects with a TimeoutError after `timeoutMs`; the job may still arrive later. */
  add(jobs: readonly Job[], timeoutMs: number): Promise<void>;
  /** How many jobs each lane holds. */
  depth(): Promise<Readonly<Record<Lane, LaneDepth>>>;
  /** Throws when the backend does not answer within `timeoutMs`, or does not accept writes. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a handler returns: `over`, or `again` after `delayMs`; with 0 another worker takes the job at once. A handler
 * that throws gets the catalog's attempts and back-off.
 */
export type JobEnd = { readonly kind: 'over' } | { readonly kind: 'again'; readonly delayMs: number };

/** What a handler receives besides the payload. */
export interface JobContext {
  /** The priority with which the job was added. */
  readonly priority: number;
}

/** One handler for each job of the catalog: a missing one is a type error, and again a failure at start. */
export type JobHandlers = {
  readonly [N in JobName]: (payload: JobPayload<N>, context: JobContext) => Promise<JobEnd>;
};

export interface JobConsumer {
  /**
   * Takes no new job, waits up to `timeoutMs` for running ones, then abandons them: another consumer gets them later.
   */
  close(timeoutMs: number): Promise<void>;
}
