import { z } from 'zod';
import type { RequestCause } from './request.ts';

/**
 * The job catalog: every job the queue knows, in one place. `attempts` and `backoffMs` are for faults of our own (the
 * database is away); what Box answers is settled by the request's own retry policy. `dedupe` names the job, so that one
 * request waits in the queue once.
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
 * Lower goes first: somebody who waits at a screen, then what Okta pushes, who leaves among them, then a machine that polls,
 * then a file of people.
 */
export const priorityOf: Readonly<Record<RequestCause, number>> = {
  'sign-in': 1,
  operator: 2,
  scim: 5,
  api: 10,
  batch: 20,
};

/** A group may be ten thousand calls to Box: behind whoever is one. */
export const GROUP_PRIORITY = 15;

/** Each lane is a queue with workers of its own, so that bulk never holds the place that a sign-in needs. */
export const lanes = ['interactive', 'background'] as const;
export type Lane = (typeof lanes)[number];

/** The first priority of the background lane: from here on nobody waits at a screen. */
export const BACKGROUND_FROM = 10;

export const laneOf = (priority: number): Lane => (priority < BACKGROUND_FROM ? 'interactive' : 'background');
