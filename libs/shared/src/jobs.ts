import { z } from 'zod';
import type { RequestCause } from './request.ts';

/**
 * The job catalog: every kind of job in the queue. `attempts` and `backoffMs` cover our own faults, such as an
 * unreachable database; answers from Box are handled by the request's own retry policy. `dedupe` names the job, so that
 * a request is queued only once.
 */
export const jobCatalog = {
  converge: {
    payload: z.strictObject({ requestId: z.uuid() }),
    attempts: 5,
    backoffMs: 500,
    dedupe: (payload: { requestId: string }) => payload.requestId,
  },
  'converge-group': {
    payload: z.strictObject({ requestId: z.uuid() }),
    attempts: 5,
    backoffMs: 500,
    dedupe: (payload: { requestId: string }) => payload.requestId,
  },
} as const;

export type JobName = keyof typeof jobCatalog;
export type JobPayload<N extends JobName> = z.infer<(typeof jobCatalog)[N]['payload']>;

/**
 * A lower number runs first: sign-ins, then operators, then SCIM pushes (which include deactivations), then API clients
 * that poll, then files of people.
 */
export const priorityOf: Readonly<Record<RequestCause, number>> = {
  'sign-in': 1,
  operator: 2,
  scim: 5,
  api: 10,
  batch: 20,
};

/** A group can take ten thousand calls to Box, so it runs after every request for a single person except batches. */
export const GROUP_PRIORITY = 15;

/** Each lane is a queue with its own workers, so that bulk work never occupies a worker that a sign-in needs. */
export const lanes = ['interactive', 'background'] as const;
export type Lane = (typeof lanes)[number];

/** The first priority of the background lane: nobody waits at a screen for requests from here on. */
export const BACKGROUND_FROM = 10;

export const laneOf = (priority: number): Lane => (priority < BACKGROUND_FROM ? 'interactive' : 'background');
