import type { Job } from '@foyer/provisioning';
import { jobCatalog } from '@foyer/shared';

/** What follows after a handler threw: the number of this try, and the next try, or null after the last. */
export interface NextTry {
  readonly attempt: number;
  readonly attempts: number;
  readonly again: { readonly job: Job; readonly delayMs: number } | null;
}

/**
 * The catalog's attempts and back-off: each pause is twice the previous one, shortened by up to half so that many jobs
 * spread out. `tries`: how many the job has, including the one that failed. `random` is in [0, 1).
 */
export function nextTry(job: Job, tries: number, random = Math.random()): NextTry {
  const { attempts, backoffMs } = jobCatalog[job.name];
  const left = Math.min(Math.max(tries, 1), attempts) - 1;
  const attempt = attempts - left;
  const delayMs = Math.max(1, Math.round(backoffMs * 2 ** (attempt - 1) * (1 - random / 2)));
  return { attempt, attempts, again: left === 0 ? null : { job: { ...job, triesLeft: left }, delayMs } };
}
