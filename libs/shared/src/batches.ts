import { z } from 'zod';
import { errorCodes, type FieldError } from './errors.ts';
import type { Person } from './person.ts';
import { RequestOutcome } from './request.ts';
import { page } from './rest.ts';

/** The format of a file of people: JSON Lines, or CSV with a header line. */
export const BatchFormat = z.enum(['jsonl', 'csv']);
export type BatchFormat = z.infer<typeof BatchFormat>;

/**
 * One entry read from a file of people, in the order of the file. `refused`: only this line is invalid. `stopped`: the
 * file ends here or cannot be read further, and the lines before it remain valid. `unusable`: no line could be read,
 * and `field` names the faulty part of the file.
 */
export type BatchEntry =
  | { readonly kind: 'person'; readonly line: number; readonly person: Person }
  | {
      readonly kind: 'refused';
      readonly line: number;
      /** The subject of the person on this line, if the line contains one. */
      readonly subject: string | null;
      readonly errors: readonly FieldError[];
    }
  | { readonly kind: 'stopped'; readonly line: number; readonly why: string }
  | { readonly kind: 'unusable'; readonly field: string; readonly why: string };

const instant = z.iso.datetime({ offset: true });
const count = z.int().min(0);

/**
 * `receiving`: the file is being read. `interrupted`: the process that read the file stopped; the lines already read
 * are processed, and the file must be sent again. `working`: the whole file is read, and some requests are not final
 * yet. `done`: all requests are final.
 */
export const BatchState = z.enum(['receiving', 'interrupted', 'working', 'done']);
export type BatchState = z.infer<typeof BatchState>;

/** The number of people per outcome. `lines` is `refused` plus all the other counts. */
export const BatchCounts = z.object({
  lines: count.describe('Lines with a person that were read.'),
  refused: count.describe('Lines that were rejected.'),
  waiting: count.describe('People whose request is not final.'),
  failed: count.describe('People whose request failed.'),
  created: count,
  adopted: count,
  updated: count,
  unchanged: count,
  deactivated: count,
  reactivated: count,
  deleted: count,
  kept: count,
});
export type BatchCounts = z.infer<typeof BatchCounts>;

/** Where reading stopped before the end of the file: `line` is the first line that was not read. */
const Stop = z.object({ line: z.int(), why: z.string() });
export type BatchStop = z.infer<typeof Stop>;

export const ProvisioningBatch = z
  .object({
    id: z.uuid(),
    state: BatchState,
    format: BatchFormat,
    counts: BatchCounts,
    ratePerSecond: z
      .number()
      .nullable()
      .describe('People per second in the last minute; when the batch is done, over its whole time.'),
    expectedAt: instant
      .nullable()
      .describe('When all requests will be final at this rate; null when this cannot be estimated.'),
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

/** The batch with one page of its failures, in the order of the file. */
export const ProvisioningBatchStatus = ProvisioningBatch.extend({ failures: page(BatchFailure) }).meta({
  id: 'ProvisioningBatchStatus',
});
export type ProvisioningBatchStatus = z.infer<typeof ProvisioningBatchStatus>;

/**
 * The predicted result of one line: an outcome of its request, `refused` when the line is invalid, or `failed` with a
 * code.
 */
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

/** The predicted result of each line of a file, in the order of the file. Nothing was changed. */
export const BatchForecast = z
  .object({ counts: ForecastCounts, lines: z.array(ForecastLine), stopped: Stop.nullable() })
  .meta({ id: 'BatchForecast' });
export type BatchForecast = z.infer<typeof BatchForecast>;

export const NewBatchQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .optional()
    .describe('`true`: only report what an import of the file would do; nothing is created or changed.'),
});
export type NewBatchQuery = z.infer<typeof NewBatchQuery>;
