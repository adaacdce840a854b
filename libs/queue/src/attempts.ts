import type { Job } from '@foyer/provisioning';
import { jobCatalog } from '@foyer/shared';

/** What follows a handler that threw: which attempt it was, and the next one, or null after the last. */
export interface NextTry {
  readonly attempt: number;
  readonly attempts: number;
  readonly again: { readonly job: Job; readonly delayMs: number } | null;
}

/**
 * The catalog's attempts and back-off: each pause is twice the one before, shortened by up to half so that a crowd spreads
 * out. `tries`: how many the job has, the one that failed included. `random` is in [0, 1).
 */
export function nextTry(job: Job, tries: number, random = Math.random()): NextTry {
  const { attempts, backoffMs } = jobCatalog[job.name];
  const left = Math.min(Math.max(tries, 1), attempts) - 1;
  const attempt = attempts - left;
  const delayMs = Math.max(1, Math.round(backoffMs * 2 ** (attempt - 1) * (1 - random / 2)));
  return { attempt, attempts, again: left === 0 ? null : { job: { ...job, triesLeft: left }, delayMs } };
}
