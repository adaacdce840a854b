import { hash } from 'node:crypto';

/** The table of an audit row: a call's intent, or its outcome. */
export type AuditKind = 'call' | 'outcome';

/**
 * A row as read from the database. JSON columns stay the database's own text, because JavaScript cannot hold every
 * number.
 */
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
  /** The call's id. */
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
 * The only form in which a row is hashed and exported: a JSON object on one line, with its fields in this order and
 * times in UTC with milliseconds. Equal rows give equal text, different rows different text. Changing this function
 * requires a new version of the chain.
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

/**
 * PostgreSQL's infinities arrive as numbers. They are written, not refused, because a tampered row must still be
 * reported.
 */
const timeText = (at: Date | number): string =>
  at instanceof Date && !Number.isNaN(at.getTime()) ? at.toISOString() : String(Number(at));

/** The month (UTC) that a row belongs to. A time without a four-digit year is treated as too new to prune. */
export function auditMonth(at: Date | number): string {
  const text = timeText(at);
  return /^\d{4}-\d\d-/.test(text) ? text.slice(0, 7) : '9999-12';
}

/** SHA-256 of the text's UTF-8, as 64 lower-case hexadecimal digits. */
export const auditDigest = (text: string | Uint8Array): string => hash('sha256', text, 'hex');
