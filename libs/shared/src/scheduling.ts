import type { RequestCause } from './request.ts';

/**
 * Every number that decides which request runs first, when the relay looks at it, and how long a process may take to stop.
 * No other file has one.
 */

/** Each lane is a queue with its own workers, so that bulk work never occupies a worker that a sign-in needs. */
export const lanes = ['interactive', 'background'] as const;
export type Lane = (typeof lanes)[number];

/** The first priority of the background lane: nobody waits at a screen for requests from here on. */
export const BACKGROUND_FROM = 10;

export const laneOf = (priority: number): Lane => (priority < BACKGROUND_FROM ? 'interactive' : 'background');

/**
 * A lower number runs first: sign-ins, then operators, then SCIM pushes (which include deactivations), then API clients
 * that poll, then files of people.
 */
export const priorityOf: Readonly<Record<RequestCause, number>> = {
  'sign-in': 1,
  operator: 2,
  scim: 5,
  api: BACKGROUND_FROM,
  batch: 20,
};

/** Work that an operator begins for many people at once, so that ten thousand of them do not run before a sign-in. */
export const MANY_PRIORITY = priorityOf.api;

/** A group can take ten thousand calls to Box, so it runs after every request for a single person except batches. */
export const GROUP_PRIORITY = 15;

/** For a job whose priority is not known: after all others. */
export const LAST_PRIORITY = Number.MAX_SAFE_INTEGER;

/**
 * How long the process that opened a request has to enqueue it before it becomes due for the relay, in milliseconds. Not the
 * setting RELAY_GRACE_MS, which is the time of the queue to deliver a request that was enqueued.
 */
export const ENQUEUE_GRACE_MS = 5_000;

/** How long the queue may take to accept the jobs of one call, in milliseconds; after that the relay tries again. */
export const QUEUE_ADD_LIMIT_MS = 5_000;

/** How long a process may take to stop, in milliseconds: docker compose and Kubernetes kill it after 30 s. */
export const STOP_LIMIT_MS = 25_000;

/** How long all background tasks of a process together have for that. The rest is for what they use: queue, Box, database. */
export const DRAIN_LIMIT_MS = 17_000;

/** How long running attempts may go on in that time: one call to Box and its record. The rest is for returning their jobs. */
export const LAST_ATTEMPT_MS = 15_000;
