import { setStatement, statement } from '../database/statement.ts';
import { forEachTable } from './tables.ts';

/** The statements that remove rows of old months from the audit log. */

/** The same rule as the trigger on `audit_block`. */
const isFresh = `(sealed_at AT TIME ZONE 'UTC' >= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '1 month')`;

export const countMonths = setStatement<'tenant' | 'month'>(
  'prune-months',
  `SELECT month, count(*) FILTER (WHERE NOT fresh)::int AS blocks,
     coalesce(sum(count) FILTER (WHERE NOT fresh), 0)::float8 AS rows, count(*) FILTER (WHERE fresh)::int AS "tooFresh"
   FROM (SELECT month, count, ${isFresh} AS fresh FROM audit_block
         WHERE tenant_id = $tenant::uuid AND month < $month::text AND entries IS NOT NULL) b
   GROUP BY month ORDER BY month`,
);

export const nextBlocks = setStatement<'tenant' | 'month' | 'before' | 'limit'>(
  'prune-next',
  `SELECT seq, encode(hash, 'hex') AS hash, count FROM audit_block
   WHERE tenant_id = $tenant::uuid AND month < $month::text AND entries IS NOT NULL AND NOT ${isFresh}
     AND ($before::bigint IS NULL OR seq < $before::bigint)
   ORDER BY seq DESC LIMIT $limit`,
);

export const readEntries = statement<'tenant' | 'seq'>(
  'prune-entries',
  `SELECT entries FROM audit_block WHERE tenant_id = $tenant::uuid AND seq = $seq::bigint AND entries IS NOT NULL`,
);

/** Which of these rows exist. */
export const findRows = forEachTable(({ table, id }, kind) =>
  setStatement<'tenant' | 'ids'>(
    `prune-find-${kind}`,
    `SELECT ${id}::text AS id FROM ${table} WHERE ${id} = ANY($ids::bigint[]) AND tenant_id = $tenant::uuid
     ORDER BY ${table}.${id}`,
  ),
);

/** A row: the call is in a block. */
export const findSealed = statement<'tenant' | 'call'>(
  'prune-sealed',
  'SELECT seq FROM audit_block WHERE tenant_id = $tenant::uuid AND call_ids @> $call::bigint',
);

/** The pause between two tries of sealing, by the database's clock. */
export const pause = statement<never>('prune-pause', 'SELECT pg_sleep(0.2)');

export const holdBlocks = setStatement<'tenant' | 'seqs'>(
  'prune-hold',
  `SELECT seq FROM audit_block WHERE tenant_id = $tenant::uuid AND seq = ANY($seqs::bigint[])
   ORDER BY seq FOR UPDATE`,
);

/** `calls` and `outcomes`: the rows that are kept. */
export const markPruned = setStatement<'tenant' | 'seqs' | 'by' | 'calls' | 'outcomes'>(
  'prune-mark',
  `UPDATE audit_block b SET pruned_at = coalesce(pruned_at, clock_timestamp()), pruned_by = $by::bigint,
     entries = CASE WHEN b.call_ids && $calls::int8multirange OR b.outcome_ids && $outcomes::int8multirange
       THEN entries END
   WHERE tenant_id = $tenant::uuid AND seq = ANY($seqs::bigint[])`,
);

export const removeRows = forEachTable(({ table, id }, kind) =>
  setStatement<'ids'>(`prune-remove-${kind}`, `DELETE FROM ${table} WHERE ${id} = ANY($ids::bigint[])`),
);
