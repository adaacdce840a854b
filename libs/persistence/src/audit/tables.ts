import {
  auditLine,
  PRUNE_OPERATION,
  readAct,
  type AuditCallRow,
  type AuditKind,
  type AuditOutcomeRow,
} from '@foyer/provisioning';
import type { ClientBase } from 'pg';

/** The two tables of the log: how a row's id is called, and which column of `audit_block` says that it has it. */
export const auditTables = {
  call: { table: 'api_call', id: 'id', blockIds: 'call_ids' },
  outcome: { table: 'api_call_outcome', id: 'call_id', blockIds: 'outcome_ids' },
} as const satisfies Record<AuditKind, { table: string; id: string; blockIds: string }>;

export const auditKinds: readonly AuditKind[] = ['call', 'outcome'];

const columns = {
  call: `'call' AS kind, id::text, tenant_id AS "tenantId", at, direction, system, operation, method, path,
    request_id AS "requestId", identity_id AS "identityId", actor, parameters::text`,
  outcome: `'outcome' AS kind, call_id::text AS id, tenant_id AS "tenantId", call_at AS "callAt", at, result, status, error,
    answer::text, duration_ms AS "durationMs"`,
};

/** A row in its one form, with the time that its month is told by. */
export interface AuditLine {
  readonly kind: AuditKind;
  readonly id: string;
  readonly line: string;
  /** The call's, for outcomes too: a call and its outcome are kept together. */
  readonly at: Date | number;
}

/** The rows of these ids that are there, whatever their tenant. */
export async function readAuditLines(
  client: ClientBase,
  kind: AuditKind,
  ids: readonly string[],
): Promise<AuditLine[]> {
  if (ids.length === 0) return [];
  const { table, id } = auditTables[kind];
  const { rows } = await client.query<AuditCallRow | AuditOutcomeRow>(
    `SELECT ${columns[kind]} FROM ${table} WHERE ${id} = ANY($1::bigint[])`,
    [ids],
  );
  return rows.map((row) => ({
    kind,
    id: row.id,
    line: auditLine(row),
    at: row.kind === 'call' ? row.at : row.callAt,
  }));
}

/** The rows that are acts of pruning, with their lines. */
export async function readPrunings(
  client: ClientBase,
  tenantId: string,
): Promise<{ readonly id: string; readonly line: string }[]> {
  const { rows } = await client.query<AuditCallRow>(
    `SELECT ${columns.call} FROM api_call WHERE tenant_id = $1 AND operation = $2 ORDER BY id`,
    [tenantId, PRUNE_OPERATION],
  );
  return rows
    .map((row) => ({ id: row.id, line: auditLine(row) }))
    .filter(({ line }) => readAct(line) !== null);
}
