import { z } from 'zod';

/** The file that `audit export` writes and `audit verify --file` reads: JSON Lines, always in the order below. */

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Month = z.string().regex(/^[0-9]{4}-(0[1-9]|1[0-2])$/);
const Kind = z.enum(['call', 'outcome']);
/** A PostgreSQL bigint, as text. */
const Id = z
  .string()
  .regex(/^-?[0-9]{1,19}$/)
  .refine((id) => BigInt.asIntN(64, BigInt(id)) === BigInt(id));

/** The exported months, YYYY-MM, both inclusive. A null side is unbounded. */
export const AuditMonths = z.object({ from: Month.nullable(), to: Month.nullable() });
export type AuditMonths = z.infer<typeof AuditMonths>;

/** Ids in PostgreSQL's multirange notation: `{[1,5),[7,8)}`. */
const Ranges = z
  .string()
  .max(1024 * 1024)
  .regex(/^\{(?:\[-?\d{1,19},-?\d{1,19}\)(?:,(?=\[)|(?=\})))*\}$/);

/** The parameters recorded in the row of one pruning run. */
export const AuditPruning = z.object({
  /** The first month that is kept. */
  before: Month,
  /** The sequence numbers of the pruned blocks. */
  blocks: Ranges,
  /** How many rows of these blocks were deleted. */
  rows: z.int().min(0),
  /** The newest of the pruned blocks. */
  head: z.object({ seq: z.int().min(1), hash: Hash }),
  /** The ids of the rows in these blocks that were kept. */
  kept: z.object({ calls: Ranges, outcomes: Ranges }),
});
export type AuditPruning = Readonly<z.infer<typeof AuditPruning>>;

/** One block of the chain: it seals some thousand rows. */
export const AuditBlock = z.object({
  tenantId: z.string(),
  /** Counts from 1, without a gap. */
  seq: z.int().min(1),
  /** The month of the block's calls, in UTC. */
  month: Month,
  count: z.int().min(1),
  /** The ids of the rows, in PostgreSQL's multirange notation: `{[1,5),[7,8)}`. */
  calls: z.string(),
  outcomes: z.string(),
  entriesDigest: Hash,
  /** The hash of the previous block; all zeros in the first block. */
  previous: Hash,
  hash: Hash,
  sealedAt: z.string(),
  /**
   * The time from which rows of this block may be missing. Not part of the hash, because pruning happens after sealing.
   */
  prunedAt: z.string().nullable(),
});
export type AuditBlock = Readonly<z.infer<typeof AuditBlock>>;

/** The first line of the file. */
export const AuditFileStart = z.object({
  foyer: z.literal('audit-export'),
  version: z.literal(1),
  tenant: z.string(),
  months: AuditMonths,
  exportedAt: z.string(),
  /** The rows that record pruning runs, as sealed in their blocks. They list the rows missing from earlier blocks. */
  prunings: z.array(z.string()).optional(),
});
export type AuditFileStart = z.infer<typeof AuditFileStart>;

/** The line before a block's rows. `left-out`: the block's month was not exported; `pruned`: its rows were deleted. */
export const AuditFileBlock = z.object({ block: AuditBlock, rows: z.enum(['follow', 'left-out', 'pruned']) });
export type AuditFileBlock = z.infer<typeof AuditFileBlock>;

/** A row with the digest that was sealed for the text after `"row":`, or the digest alone if the row was pruned. */
export const AuditFileRow = z.object({
  digest: Hash,
  row: z.object({ kind: Kind, id: Id, at: z.string() }).optional(),
  gone: z.object({ kind: Kind, id: Id }).optional(),
});
export type AuditFileRow = z.infer<typeof AuditFileRow>;

/** The last line; a file without it is truncated. `unsealed`: the newest rows, which no block has sealed yet. */
export const AuditFileEnd = z.object({
  end: z.object({ blocks: z.int(), rows: z.int(), seq: z.int(), hash: Hash, unsealed: z.int() }),
});
export type AuditFileEnd = z.infer<typeof AuditFileEnd>;
