import { z } from 'zod';

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
