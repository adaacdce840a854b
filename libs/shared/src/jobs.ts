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
} as const;

export type JobName = keyof typeof jobCatalog;
export type JobPayload<N extends JobName> = z.infer<(typeof jobCatalog)[N]['payload']>;

/** Lower goes first: somebody who waits at a screen before a machine that polls. */
export const priorityOf: Readonly<Record<RequestCause, number>> = { 'sign-in': 1, operator: 2, api: 10 };
