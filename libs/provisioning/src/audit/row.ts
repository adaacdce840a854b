import { hash } from 'node:crypto';

/** Which table a row of the audit log is in: a call's intent, or how it ended. */
export type AuditKind = 'call' | 'outcome';

/** A row as the database tells it. JSON columns are the database's own text of them, for numbers beyond JavaScript's. */
export interface AuditCallRow {
  readonly kind: 'call';
  readonly id: string;
  readonly tenantId: string;
  readonly at: Date | number;
  readonly direction: string;
  readonly system: string;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly requestId: string | null;
  readonly identityId: string | null;
  readonly actor: string | null;
  readonly parameters: string;
}

export interface AuditOutcomeRow {
  readonly kind: 'outcome';
  /** The call's. */
  readonly id: string;
  readonly tenantId: string;
  readonly callAt: Date | number;
  readonly at: Date | number;
  readonly result: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly answer: string | null;
  readonly durationMs: number;
}

export type AuditRow = AuditCallRow | AuditOutcomeRow;

/**
 * The one form in which a row is hashed, and exported: a JSON object on one line, its fields in this order, times in UTC
 * with milliseconds. Equal rows give equal text, different rows different text, for as long as this function stays as it
 * is: a change of it is a new version of the chain.
 */
export function auditLine(row: AuditRow): string {
  if (row.kind === 'call') {
    const { parameters, at, ...fields } = row;
    const { kind, id, tenantId, direction, system, operation, method, path, requestId, identityId, actor } =
      fields;
    const plain = {
      kind,
      id,
      tenantId,
      at: timeText(at),
      direction,
      system,
      operation,
      method,
      path,
      requestId,
      identityId,
      actor,
    };
    return withJson(plain, 'parameters', parameters);
  }
  const { kind, id, tenantId, callAt, at, result, status, error, answer } = row;
  const durationMs = Number.isFinite(row.durationMs) ? row.durationMs : String(row.durationMs);
  const plain = {
    kind,
    id,
    tenantId,
    callAt: timeText(callAt),
    at: timeText(at),
    result,
    status,
    error,
    durationMs,
  };
  return withJson(plain, 'answer', answer);
}

/** An SQL NULL leaves the field out; a JSON null is written. */
function withJson(plain: Readonly<Record<string, unknown>>, name: string, json: string | null): string {
  const text = JSON.stringify(plain);
  return json === null ? text : `${text.slice(0, -1)},"${name}":${json}}`;
}

/** PostgreSQL's infinities come as numbers: told, not refused, for a tampered row must still be named. */
const timeText = (at: Date | number): string =>
  at instanceof Date && !Number.isNaN(at.getTime()) ? at.toISOString() : String(Number(at));

/** The month (UTC) that a row is kept with. What has no month of four digits is never old enough to go. */
export function auditMonth(at: Date | number): string {
  const text = timeText(at);
  return /^\d{4}-\d\d-/.test(text) ? text.slice(0, 7) : '9999-12';
}

/** SHA-256 of the text's UTF-8, as 64 lower-case hexadecimal digits. */
export const auditDigest = (text: string | Uint8Array): string => hash('sha256', text, 'hex');
