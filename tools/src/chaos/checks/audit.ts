import { AuditSealer, readAudit, type Database } from '@foyer/persistence';
import { AuditChainCheck } from '@foyer/provisioning';
import type { Admin } from '../admin.ts';

/** Seals the rest, then checks that the chain is valid and each row of the log is in exactly one block. */
export async function auditHolds(database: Database, admin: Admin, tenantId: string): Promise<string[]> {
  // Other databases of the server hold this limit back, so one from after the sealing would ask for more than could be sealed.
  const [limit] = await admin.query<{ tx: string }>(
    'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS tx',
  );
  const sealer = new AuditSealer(database, tenantId);
  while ((await sealer.round())?.more);
  const summary = await readAudit(database, tenantId, async ({ unsealed, parts }) => {
    const check = new AuditChainCheck({ strays: unsealed.strays });
    for await (const part of parts()) check.add(part);
    return check.finish();
  });
  const rows = await admin.query<{ kind: string; blocks: number }>(
    `SELECT kind, blocks::int FROM (
       SELECT 'call' AS kind, c.tx, (SELECT count(*) FROM audit_block b WHERE b.tenant_id = $1 AND b.call_ids @> c.id) AS blocks
       FROM api_call c WHERE c.tenant_id = $1
       UNION ALL
       SELECT 'outcome', o.tx, (SELECT count(*) FROM audit_block b WHERE b.tenant_id = $1 AND b.outcome_ids @> o.call_id)
       FROM api_call_outcome o WHERE o.tenant_id = $1) sealed
     WHERE blocks > 1 OR (blocks = 0 AND tx < $2::xid8)`,
    [tenantId, limit!.tx],
  );
  return [
    ...summary.first.map(({ text }) => `the audit log: ${text}`),
    ...rows.map(({ kind, blocks }) => `a ${kind} of the audit log is in ${blocks} blocks`),
  ];
}
