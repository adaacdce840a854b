import {
  auditLine,
  PRUNE_OPERATION,
  readAct,
  type AuditCallRow,
  type AuditKind,
  type AuditOutcomeRow,
} from '@foyer/provisioning';
import type { ClientBase } from 'pg';
import { run, setStatement } from '../database/statement.ts';

/** The two tables of the log: the name of the id column, and the column of `audit_block` with the ids in the block. */
export const auditTables = {
  call: { table: 'api_call', id: 'id', blockIds: 'call_ids' },
  outcome: { table: 'api_call_outcome', id: 'call_id', blockIds: 'outcome_ids' },
} as const satisfies Record<AuditKind, { table: string; id: string; blockIds: string }>;

/** One thing, such as a statement, for each of the tables. */
export const forEachTable = <T>(
  make: (of: (typeof auditTables)[AuditKind], kind: AuditKind) => T,
): Readonly<Record<AuditKind, T>> => ({
  call: make(auditTables.call, 'call'),
  outcome: make(auditTables.outcome, 'outcome'),
});

export const auditKinds: readonly AuditKind[] = ['call', 'outcome'];

const columns = {
  call: `'call' AS kind, id::text, tenant_id AS "tenantId", at, direction, system, operation, method, path,
    request_id AS "requestId", identity_id AS "identityId", actor, parameters::text`,
  outcome: `'outcome' AS kind, call_id::text AS id, tenant_id AS "tenantId", call_at AS "callAt", at, result, status, error,
    answer::text, duration_ms AS "durationMs"`,
};

const readRows = forEachTable(({ table, id }, kind) =>
  setStatement<'ids'>(
    `audit-rows-of-${kind}`,
    `SELECT ${columns[kind]} FROM ${table} WHERE ${id} = ANY($ids::bigint[])`,
  ),
);

const readActs = setStatement<'tenant' | 'operation'>(
  'audit-prunings',
  `SELECT ${columns.call} FROM api_call
   WHERE tenant_id = $tenant::uuid AND operation = $operation::text ORDER BY id`,
);

/** A row in its hashed form, with the time that decides its month. */
export interface AuditLine {
  readonly kind: AuditKind;
  readonly id: string;
  readonly line: string;
  /** The call's time, for outcomes too, because a call and its outcome are kept together. */
  readonly at: Date | number;
}

/** The existing rows with these ids, of any tenant. */
export async function readAuditLines(
  client: ClientBase,
  kind: AuditKind,
  ids: readonly string[],
): Promise<AuditLine[]> {
  if (ids.length === 0) return [];
  const rows = await run<AuditCallRow | AuditOutcomeRow>({ client }, readRows[kind], { ids });
  return rows.map((row) => ({
    kind,
    id: row.id,
    line: auditLine(row),
    at: row.kind === 'call' ? row.at : row.callAt,
  }));
}

/** The rows that record pruning runs, with their lines. */
export async function readPrunings(
  client: ClientBase,
  tenantId: string,
): Promise<{ readonly id: string; readonly line: string }[]> {
  const rows = await run<AuditCallRow>({ client }, readActs, {
    ...{ tenant: tenantId, operation: PRUNE_OPERATION },
  });
  return rows
    .map((row) => ({ id: row.id, line: auditLine(row) }))
    .filter(({ line }) => readAct(line) !== null);
}
