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
 * A job of the catalog as BullMQ takes it. The id carries the job's name, so that two kinds of job about one request do not
 * hide each other, and so that it is never an integer. Removed at its end, whichever: only then may the id come again.
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
      // BullMQ never tries again by itself: a handler that throws is put off as one that asks for it.
      attempts: triesLeft ?? attempts,
      removeOnComplete: true,
      removeOnFail: true,
      stackTraceLimit: 0,
    },
  };
}

/** Throws, naming the job, unless each job of the catalog has its handler. */
export function checkHandlers(handlers: JobHandlers): void {
  for (const name of Object.keys(jobCatalog)) {
    if (typeof Reflect.get(handlers, name) !== 'function')
      throw new Error(`The job "${name}" has no handler`);
  }
}

const isJobName = (name: string): name is JobName => Object.hasOwn(jobCatalog, name);

/** Whoever can write to the queue chooses names and keys; what is told of them must fit a line of the log. */
const LONGEST_REASON = 300;

/** A stored job, and what is to be done for it. */
export interface ReadJob {
  readonly job: Job;
  readonly run: () => Promise<JobEnd>;
}

/** What is to be done for a stored job, or, as a text of at most 300 characters, why nothing can be. */
export function readBullJob(
  handlers: JobHandlers,
  name: string,
  data: unknown,
  context: JobContext,
): ReadJob | string {
  if (!isJobName(name)) return `no job is called ${JSON.stringify(name)}`.slice(0, LONGEST_REASON);
  const parsed = jobCatalog[name].payload.safeParse(data);
  if (parsed.success) {
    const { priority } = context;
    return { job: { name, payload: parsed.data, priority }, run: () => handlers[name](parsed.data, context) };
  }
  const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  return reasons.join('; ').slice(0, LONGEST_REASON);
}
