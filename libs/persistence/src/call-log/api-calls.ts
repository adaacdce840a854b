import type { ApiCall, ApiCallListQuery, Page } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import { decodeCursor, toPage } from '../database/paging.ts';
import { run, setStatement, type SqlValue, type Statement } from '../database/statement.ts';

interface Row {
  id: string;
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

  async list({ cursor, limit, from, to, ...filter }: ApiCallListQuery): Promise<Page<ApiCall>> {
    const position = decodeCursor(cursor, 'number');
    const values = {
      ...{ tenant: this.tenantId, limit: limit + 1 },
      ...{ request: filter.requestId ?? null, identity: filter.identityId ?? null },
      ...{
        direction: filter.direction ?? null,
        status: filter.status ?? null,
        result: filter.result ?? null,
      },
      ...{ from: from === undefined ? null : new Date(from), to: to === undefined ? null : new Date(to) },
      ...{ after_at: position?.at ?? null, after_id: position?.id ?? null },
    };
    const rows = await run<Row>(this.database, listBy(values), values);
    return toPage(rows, limit, (row) => ({ at: row.at, id: row.id }), toApiCall);
  }
}

type Filter = 'request' | 'identity' | 'direction' | 'status' | 'result' | 'from' | 'to' | 'after_at';
type ListValue = Filter | 'tenant' | 'limit' | 'after_id';

/** Has a condition only for each filter that is given, because each set of filters has its own best index. */
function listBy(given: Readonly<Record<Filter, SqlValue>>): Statement<ListValue> {
  // When filtering by outcome, the page follows the outcomes' own copy of the call's time, because that column is
  // indexed.
  const byOutcome = given.status !== null || given.result !== null;
  const [tenant, at, id] = byOutcome
    ? (['o.tenant_id', 'o.call_at', 'o.call_id'] as const)
    : (['c.tenant_id', 'c.at', 'c.id'] as const);
  const conditions: readonly (readonly [Filter, string])[] = [
    ['request', 'c.request_id = $request::uuid'],
    ['identity', 'c.identity_id = $identity::uuid'],
    ['direction', 'c.direction = $direction'],
    ['status', 'o.status = $status::smallint'],
    ['result', 'o.result = $result'],
    ['from', `${at} >= $from::timestamptz`],
    ['to', `${at} < $to::timestamptz`],
    ['after_at', `(${at}, ${id}) < ($after_at::timestamptz, $after_id::bigint)`],
  ];
  const asked = conditions.filter(([filter]) => given[filter] !== null).map(([, sql]) => ` AND ${sql}`);
  return setStatement(
    'api-calls',
    `SELECT c.id, c.at, c.direction, c.system, c.operation, c.method, c.path, c.request_id, c.identity_id, c.actor,
       c.parameters, o.result, o.status, o.error, o.answer, o.duration_ms
     FROM api_call c ${byOutcome ? 'JOIN' : 'LEFT JOIN'} api_call_outcome o ON o.call_id = c.id
     WHERE ${tenant} = $tenant::uuid${asked.join('')}
     ORDER BY ${at} DESC, ${id} DESC LIMIT $limit`,
  );
}

const toApiCall = (row: Row): ApiCall => ({
  id: row.id,
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
