import { idRanges, PRUNE_OPERATION, type AuditKind } from '@foyer/provisioning';
import type { ClientBase } from 'pg';
import { run, setStatement } from '../database/statement.ts';
import { isOpen } from '../requests/open-requests.ts';

/**
 * Why a row is kept. `unsettled-create`: a create for a person without a Box user, which the next attempt reads;
 * `outcome`: a call whose outcome is kept; `pruning`: it records why other rows are missing.
 */
export type KeptReason = 'open-request' | 'unsettled-create' | 'outcome' | 'pruning';

export interface NeededRow {
  readonly kind: AuditKind;
  readonly id: string;
  readonly reason: KeptReason;
}

const findNeeded = setStatement<'calls' | 'outcomes' | 'pruning'>(
  'audit-needed',
  `WITH asked AS (
     SELECT c.id, CASE WHEN c.operation = $pruning::text THEN 'pruning'
       WHEN EXISTS (
         SELECT FROM provisioning_request r
         WHERE r.tenant_id = c.tenant_id AND r.identity_id = c.identity_id AND ${isOpen('r')}) THEN 'open-request'
       WHEN c.operation = 'create_user' AND c.identity_id IS NOT NULL
         AND NOT EXISTS (SELECT FROM box_account a WHERE a.identity_id = c.identity_id) THEN 'unsettled-create' END AS reason
     FROM api_call c WHERE c.id = ANY($calls::bigint[] || $outcomes::bigint[])
   ), outside AS (
     SELECT o.call_id AS id FROM api_call_outcome o
     WHERE o.call_id = ANY($calls::bigint[]) AND NOT EXISTS (SELECT FROM unnest($outcomes::bigint[]) x WHERE x = o.call_id)
   ), calls AS (
     SELECT c.id, coalesce(a.reason, CASE WHEN u.id IS NOT NULL THEN 'outcome' END) AS reason
     FROM unnest($calls::bigint[]) AS c (id) LEFT JOIN asked a ON a.id = c.id LEFT JOIN outside u ON u.id = c.id
   )
   SELECT 'call' AS kind, id::text, reason FROM calls WHERE reason IS NOT NULL
   UNION ALL
   SELECT 'outcome', a.id::text, a.reason FROM asked a JOIN unnest($outcomes::bigint[]) AS o (id) ON o.id = a.id
   WHERE a.reason IS NOT NULL`,
);

/** The rows among these that are still needed: by the next worker of a person, or by their own call or outcome. */
export const neededRows = (
  client: ClientBase,
  { call, outcome }: Readonly<Record<AuditKind, readonly string[]>>,
): Promise<NeededRow[]> =>
  run({ client }, findNeeded, { calls: call, outcomes: outcome, pruning: PRUNE_OPERATION });

/** The numbers in PostgreSQL's multirange notation. */
export function ranges(numbers: readonly string[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  return idRanges(
    sorted.map((id) => ({ kind: 'call', id })),
    'call',
  );
}
