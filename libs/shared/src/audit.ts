import { z } from 'zod';

/** The file that `audit export` writes and `audit verify --file` reads: JSON Lines, in this order and no other. */

const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Month = z.string().regex(/^[0-9]{4}-(0[1-9]|1[0-2])$/);
const Kind = z.enum(['call', 'outcome']);
/** A bigint of PostgreSQL's. */
const Id = z
  .string()
  .regex(/^-?[0-9]{1,19}$/)
  .refine((id) => BigInt.asIntN(64, BigInt(id)) === BigInt(id));

/** Which months, YYYY-MM, both inclusive; null: no bound. */
export const AuditMonths = z.object({ from: Month.nullable(), to: Month.nullable() });
export type AuditMonths = z.infer<typeof AuditMonths>;

/** Numbers as PostgreSQL writes a multirange: `{[1,5),[7,8)}`. */
const Ranges = z
  .string()
  .max(1024 * 1024)
  .regex(/^\{(?:\[-?\d{1,19},-?\d{1,19}\)(?:,(?=\[)|(?=\})))*\}$/);

/** What an act of pruning says: the parameters of its row. */
export const AuditPruning = z.object({
  /** The first month that stays. */
  before: Month,
  /** Numbers of the blocks. */
  blocks: Ranges,
  /** How many of their rows do not stay. */
  rows: z.int().min(0),
  /** The newest of the blocks. */
  head: z.object({ seq: z.int().min(1), hash: Hash }),
  /** Ids of the rows that stay. */
  kept: z.object({ calls: Ranges, outcomes: Ranges }),
});
export type AuditPruning = Readonly<z.infer<typeof AuditPruning>>;

/** A link of the chain: what is known of some thousand rows. */
export const AuditBlock = z.object({
  tenantId: z.string(),
  /** From 1, without a gap. */
  seq: z.int().min(1),
  /** UTC; of the calls it is about. */
  month: Month,
  count: z.int().min(1),
  /** The rows' ids, as PostgreSQL writes a multirange: `{[1,5),[7,8)}`. */
  calls: z.string(),
  outcomes: z.string(),
  entriesDigest: Hash,
  /** The hash of the block before; zeros in the first. */
  previous: Hash,
  hash: Hash,
  sealedAt: z.string(),
  /** Since when rows of it may be missing. Not part of the hash: it comes later. */
  prunedAt: z.string().nullable(),
});
export type AuditBlock = Readonly<z.infer<typeof AuditBlock>>;

/** The first line. */
export const AuditFileStart = z.object({
  foyer: z.literal('audit-export'),
  version: z.literal(1),
  tenant: z.string(),
  months: AuditMonths,
  exportedAt: z.string(),
  /** The rows that are acts of pruning, as they stand in their blocks: they tell which rows of blocks before are missing. */
  prunings: z.array(z.string()).optional(),
});
export type AuditFileStart = z.infer<typeof AuditFileStart>;

/** Before a block's rows. `left-out`: of a month that was not asked for; `pruned`: the rows are no more. */
export const AuditFileBlock = z.object({ block: AuditBlock, rows: z.enum(['follow', 'left-out', 'pruned']) });
export type AuditFileBlock = z.infer<typeof AuditFileBlock>;

/** A row, with the digest that was sealed of the text after `"row":`, or what is left of one that was pruned. */
export const AuditFileRow = z.object({
  digest: Hash,
  row: z.object({ kind: Kind, id: Id, at: z.string() }).optional(),
  gone: z.object({ kind: Kind, id: Id }).optional(),
});
export type AuditFileRow = z.infer<typeof AuditFileRow>;

/** The last line: without it the file is cut off. `unsealed`: newest rows that no block had yet. */
export const AuditFileEnd = z.object({
  end: z.object({ blocks: z.int(), rows: z.int(), seq: z.int(), hash: Hash, unsealed: z.int() }),
});
export type AuditFileEnd = z.infer<typeof AuditFileEnd>;
