import type { ApiCall, ApiCallListQuery, Page } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import { Prisma } from '../generated/client.ts';
import { decodeCursor, toPage } from '../database/paging.ts';

interface Row {
  id: bigint;
  at: Date;
  direction: 'in' | 'out';
  system: 'box' | 'okta' | 'foyer';
  operation: string;
  method: string;
  path: string;
  request_id: string | null;
  identity_id: string | null;
  actor: string | null;
  parameters: Record<string, unknown>;
  result: ApiCall['result'] | null;
  status: number | null;
  error: string | null;
  answer: Record<string, unknown> | null;
  duration_ms: number | null;
}

/** Reads the API audit log. */
export class ApiCalls {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  async list({ cursor, limit, ...filter }: ApiCallListQuery): Promise<Page<ApiCall>> {
    // When filtering by outcome, the page follows the outcomes' own copy of the call's time, because that column is
    // indexed.
    const byOutcome = filter.status !== undefined || filter.result !== undefined;
    const at = byOutcome ? Prisma.sql`o.call_at` : Prisma.sql`c.at`;
    const id = byOutcome ? Prisma.sql`o.call_id` : Prisma.sql`c.id`;
    const tenant = byOutcome ? Prisma.sql`o.tenant_id` : Prisma.sql`c.tenant_id`;
    const position = decodeCursor(cursor, 'number');
    const conditions = [
      Prisma.sql`${tenant} = ${this.tenantId}::uuid`,
      filter.requestId && Prisma.sql`c.request_id = ${filter.requestId}::uuid`,
      filter.identityId && Prisma.sql`c.identity_id = ${filter.identityId}::uuid`,
      filter.direction && Prisma.sql`c.direction = ${filter.direction}`,
      filter.status && Prisma.sql`o.status = ${filter.status}::smallint`,
      filter.result && Prisma.sql`o.result = ${filter.result}`,
      filter.from && Prisma.sql`${at} >= ${new Date(filter.from)}`,
      filter.to && Prisma.sql`${at} < ${new Date(filter.to)}`,
      position && Prisma.sql`(${at}, ${id}) < (${position.at}, ${BigInt(position.id)})`,
    ].filter((condition) => typeof condition === 'object' && condition !== null);
    const rows = await this.database.prisma.$queryRaw<Row[]>`
      SELECT c.id, c.at, c.direction, c.system, c.operation, c.method, c.path, c.request_id, c.identity_id, c.actor, c.parameters,
             o.result, o.status, o.error, o.answer, o.duration_ms
      FROM api_call c ${byOutcome ? Prisma.sql`JOIN` : Prisma.sql`LEFT JOIN`} api_call_outcome o ON o.call_id = c.id
      WHERE ${Prisma.join(conditions, ' AND ')}
      ORDER BY ${at} DESC, ${id} DESC LIMIT ${limit + 1}`;
    return toPage(rows, limit, (row) => ({ at: row.at, id: row.id.toString() }), toApiCall);
  }
}

const toApiCall = (row: Row): ApiCall => ({
  id: row.id.toString(),
  at: row.at.toISOString(),
  direction: row.direction,
  system: row.system,
  operation: row.operation,
  method: row.method,
  path: row.path,
  requestId: row.request_id,
  identityId: row.identity_id,
  actor: row.actor,
  parameters: row.parameters,
  result: row.result ?? 'open',
  status: row.status,
  error: row.error,
  answer: row.answer,
  durationMs: row.duration_ms,
});
