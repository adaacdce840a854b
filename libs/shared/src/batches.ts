import { z } from 'zod';
import { errorCodes, type FieldError } from './errors.ts';
import type { Person } from './person.ts';
import { RequestOutcome } from './request.ts';
import { page } from './rest.ts';

/** How a file of people is written: JSON Lines, or CSV with a header. */
export const BatchFormat = z.enum(['jsonl', 'csv']);
export type BatchFormat = z.infer<typeof BatchFormat>;

/**
 * What a file of people says, in its order. `refused`: this line only. `stopped`: the file ends here or is read no further,
 * what came before stands. `unusable`: nothing came before, `field` says what of the file is at fault.
 */
export type BatchEntry =
  | { readonly kind: 'person'; readonly line: number; readonly person: Person }
  | {
      readonly kind: 'refused';
      readonly line: number;
      /** Whom the line is about, as far as it says so. */
      readonly subject: string | null;
      readonly errors: readonly FieldError[];
    }
  | { readonly kind: 'stopped'; readonly line: number; readonly why: string }
  | { readonly kind: 'unusable'; readonly field: string; readonly why: string };

const instant = z.iso.datetime({ offset: true });
const count = z.int().min(0);

/**
 * `receiving`: the file is being read. `interrupted`: whoever read it went away; what was read stands and is worked on, send
 * the file again. `working`: read, and somebody is still being brought into step. `done`: all requests are final.
 */
export const BatchState = z.enum(['receiving', 'interrupted', 'working', 'done']);
export type BatchState = z.infer<typeof BatchState>;

/** People by what became of them. lines = refused + all the others. */
export const BatchCounts = z.object({
  lines: count.describe('Lines about somebody that were read.'),
  refused: count.describe('Lines that were not taken in.'),
  waiting: count.describe('People whose request is not final.'),
  failed: count.describe('People whose request failed.'),
  created: count,
  adopted: count,
  updated: count,
  unchanged: count,
  deactivated: count,
  reactivated: count,
  deleted: count,
});
export type BatchCounts = z.infer<typeof BatchCounts>;

/** Where reading ended before the end of the file: `line` is the first that was not read. */
const Stop = z.object({ line: z.int(), why: z.string() });
export type BatchStop = z.infer<typeof Stop>;

export const ProvisioningBatch = z
  .object({
    id: z.uuid(),
    state: BatchState,
    format: BatchFormat,
    counts: BatchCounts,
    ratePerSecond: z.number().nullable().describe('People per second, of the last minute; of all once done.'),
    expectedAt: instant
      .nullable()
      .describe('When all will be final at this rate; null when nobody can tell.'),
    stopped: Stop.nullable(),
    createdAt: instant,
    receivedAt: instant.nullable(),
    finishedAt: instant.nullable(),
  })
  .meta({ id: 'ProvisioningBatch' });
export type ProvisioningBatch = z.infer<typeof ProvisioningBatch>;

/** A line that was refused (`requestId` is null), or whose request failed. */
export const BatchFailure = z
  .object({
    line: z.int(),
    subject: z.string().nullable(),
    code: z.enum(errorCodes),
    detail: z.string().nullable(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })),
    requestId: z.uuid().nullable(),
  })
  .meta({ id: 'BatchFailure' });
export type BatchFailure = z.infer<typeof BatchFailure>;

/** The batch with a page of its failures, in the order of the file. */
export const ProvisioningBatchStatus = ProvisioningBatch.extend({ failures: page(BatchFailure) }).meta({
  id: 'ProvisioningBatchStatus',
});
export type ProvisioningBatchStatus = z.infer<typeof ProvisioningBatchStatus>;

/** What would become of a line: an outcome of its request, `refused` at the door, or `failed` with a code. */
export const ForecastLine = z
  .object({
    line: z.int(),
    subject: z.string().nullable(),
    would: z.enum([...RequestOutcome.options, 'refused', 'failed']),
    code: z.enum(errorCodes).nullable(),
    detail: z.string().nullable(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })),
  })
  .meta({ id: 'ForecastLine' });
export type ForecastLine = z.infer<typeof ForecastLine>;

const ForecastCounts = BatchCounts.omit({ waiting: true });
export type ForecastCounts = z.infer<typeof ForecastCounts>;

/** What taking a file in would do, line by line in its order. Nothing of it was done. */
export const BatchForecast = z
  .object({ counts: ForecastCounts, lines: z.array(ForecastLine), stopped: Stop.nullable() })
  .meta({ id: 'BatchForecast' });
export type BatchForecast = z.infer<typeof BatchForecast>;

export const NewBatchQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .optional()
    .describe('`true`: only say what taking the file in would do; nothing is made or changed.'),
});
export type NewBatchQuery = z.infer<typeof NewBatchQuery>;
