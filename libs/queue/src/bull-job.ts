import type { Job, JobContext, JobEnd, JobHandlers } from '@foyer/provisioning';
import { jobCatalog, type JobName } from '@foyer/shared';
import type { BulkJobOptions } from 'bullmq';

const HIGHEST_PRIORITY_NUMBER = 2_097_151;

interface BullJob {
  readonly name: string;
  readonly data: unknown;
  readonly opts: BulkJobOptions;
}

/**
 * A job of the catalog in BullMQ's form. The id contains the job's name, so that two kinds of job for one request do
 * not hide each other, and so that it is never an integer. The job is removed at its end, because only then may the id
 * be used again.
 */
export function toBullJob({ name, payload, priority, triesLeft }: Job): BullJob {
  if (!Number.isInteger(priority) || priority < 0 || priority > HIGHEST_PRIORITY_NUMBER) {
    throw new RangeError(`Priority ${priority}: a whole number from 0 (first) to ${HIGHEST_PRIORITY_NUMBER}`);
  }
  const { attempts, dedupe } = jobCatalog[name];
  return {
    name,
    data: payload,
    opts: {
      jobId: `${name}-${dedupe(payload)}`,
      priority,
      // BullMQ never retries by itself: a job whose handler throws is put off like one that asks to run again.
      attempts: triesLeft ?? attempts,
      removeOnComplete: true,
      removeOnFail: true,
      stackTraceLimit: 0,
    },
  };
}

/** Throws, naming the job, unless every job of the catalog has a handler. */
export function checkHandlers(handlers: JobHandlers): void {
  for (const name of Object.keys(jobCatalog)) {
    if (typeof Reflect.get(handlers, name) !== 'function')
      throw new Error(`The job "${name}" has no handler`);
  }
}

const isJobName = (name: string): name is JobName => Object.hasOwn(jobCatalog, name);

/**
 * Anyone with write access to the queue chooses names and keys, so a reason is limited to what fits into a line of the
 * log.
 */
const LONGEST_REASON = 300;

/** A stored job, and the function that runs it. */
export interface ReadJob {
  readonly job: Job;
  readonly run: () => Promise<JobEnd>;
}

/** The job and its handler, or, as a text of at most 300 characters, why the job cannot be run. */
export function readBullJob(
  handlers: JobHandlers,
  name: string,
  data: unknown,
  context: JobContext,
): ReadJob | string {
  if (!isJobName(name))
    return `there is no job with the name ${JSON.stringify(name)}`.slice(0, LONGEST_REASON);
  const parsed = jobCatalog[name].payload.safeParse(data);
  if (parsed.success) {
    const { priority } = context;
    return { job: { name, payload: parsed.data, priority }, run: () => handlers[name](parsed.data, context) };
  }
  const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  return reasons.join('; ').slice(0, LONGEST_REASON);
}
