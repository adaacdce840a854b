import { createHash } from 'node:crypto';
import { readDateTime, ScimError, type ListQuery } from '@foyer/scim';
import { isId } from '@foyer/shared';
import type pg from 'pg';
import { run, setStatement, statement, type SqlValue, type Statement } from '../database/statement.ts';
import { sqlStateOf } from '../database/transaction.ts';
import { filterSql, Parameters, sortSql, type Places } from './filter-sql.ts';

/** The most resources on a page; a larger `count` is reduced to it (RFC 7644, section 3.4.2.4). */
export const PAGE_MAX = 1_000;
export const PAGE_DEFAULT = 100;

/** A page of a list. `total` counts all matches; `nextCursor` is null at the end, and for pages by index. */
export interface ScimPage<T> {
  readonly total: number;
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** How a kind of resource is listed: `row` is the alias whose `created_at` and `id` give the order. */
export interface Listed {
  readonly from: string;
  readonly row: 'i' | 'g';
  readonly where: (tenant: string) => string;
  readonly places: Places;
  /** The attributes by whose value clients look one resource up, before nearly every write. */
  readonly lookUps: readonly string[];
}

interface ListSql {
  readonly total: Statement<string>;
  readonly page: Statement<string>;
  readonly values: Readonly<Record<string, SqlValue>>;
}

/** A position in a list: after this resource, or, if the list is sorted by an attribute, after so many resources. */
type Position = { readonly at: string; readonly id: string } | { readonly after: number };

export const pageSize = ({ count }: ListQuery): number => Math.min(count ?? PAGE_DEFAULT, PAGE_MAX);

/** PostgreSQL ended a statement that ran into its time limit. */
const QUERY_CANCELED = '57014';

/**
 * One page of a list, and the number of all matches; `columns` are those of `R`. Throws ScimError: 400 `invalidCursor`
 * for a cursor of another list, 400 `tooMany` when a search takes longer than a statement may (RFC 7644, section 3.4.2).
 */
export async function readPage<R extends Placed & object>(
  pool: pg.Pool,
  query: ListQuery,
  listed: Listed,
  columns: string,
  tenantId: string,
): Promise<ScimPage<R>> {
  return withinTime(query, listed, async () => {
    const { total, page, values } = listSql(query, listed, columns, tenantId);
    const count = async (): Promise<number> => {
      const [row] = await run<{ total: number }>({ pool }, total, values);
      return row!.total;
    };
    if (query.count === 0) return toPage([], await count(), query, listed);
    if (isAtTheBeginning(query) && query.filter !== null) {
      const rows = await run<R>({ pool }, page, values);
      // A page that is not full has all matches.
      return toPage(rows, rows.length <= pageSize(query) ? rows.length : await count(), query, listed);
    }
    const [counted, rows] = await Promise.all([count(), run<R>({ pool }, page, values)]);
    return toPage(rows, counted, query, listed);
  });
}

/** Runs a search; one that PostgreSQL ends for its duration is refused. */
async function withinTime<T>(query: ListQuery, { lookUps }: Listed, search: () => Promise<T>): Promise<T> {
  try {
    return await search();
  } catch (error) {
    if (sqlStateOf(error) !== QUERY_CANCELED || (query.filter === null && query.sortBy === null)) throw error;
    throw new ScimError(
      400,
      'tooMany',
      `This search takes too long for the number of resources. Search by ${['id', ...lookUps].join(', ')}.`,
    );
  }
}

const isAtTheBeginning = ({ cursor, startIndex }: ListQuery): boolean =>
  cursor === null ? startIndex === 1 : cursor === '';

/** Only look-ups have few texts; each text that is prepared occupies memory of every connection. */
const isLookUp = ({ filter, sortBy, cursor }: ListQuery, { lookUps }: Listed): boolean =>
  filter?.kind === 'compare' &&
  filter.op === 'eq' &&
  filter.attribute.steps.length === 1 &&
  lookUps.includes(filter.attribute.steps[0]!.key) &&
  sortBy === null &&
  cursor === null;

/** The fields that a position consists of. */
interface Placed {
  readonly id: string;
  readonly createdAt: Date;
}

function listSql(query: ListQuery, listed: Listed, columns: string, tenantId: string): ListSql {
  const { from, row, where, places } = listed;
  const { filter, sortBy, sortOrder, cursor } = query;
  const parameters = new Parameters();
  const conditions = [where('$tenant::uuid')];
  if (filter !== null) conditions.push(filterSql(filter, places, parameters));
  const matching = conditions.join(' AND ');
  const total = setStatement('scim-total', `SELECT count(*)::int AS total FROM ${from} WHERE ${matching}`);

  const direction = sortOrder === 'ascending' ? 'ASC' : 'DESC';
  const own = `${row}.created_at ${direction}, ${row}.id ${direction}`;
  // RFC 7644, section 3.4.2.3: resources without a value come last when ascending and first when descending, as
  // PostgreSQL does by default.
  const order = sortBy === null ? own : `${sortSql(sortBy, places)} ${direction}, ${own}`;
  const position = cursor === null ? null : readCursor(cursor, query, row);
  const offset =
    position === null
      ? query.startIndex - 1
      : position !== 'first' && 'after' in position
        ? position.after
        : 0;
  const beyond =
    position !== null && position !== 'first' && 'at' in position
      ? ` AND (${row}.created_at, ${row}.id) ${sortOrder === 'ascending' ? '>' : '<'} (${parameters.add(
          position.at,
        )}::timestamptz, ${parameters.add(position.id)}::uuid)`
      : '';
  const text = `SELECT ${columns} FROM ${from} WHERE ${matching}${beyond} ORDER BY ${order} LIMIT $limit OFFSET $offset`;
  return {
    total,
    page: isLookUp(query, listed) ? statement('scim-look-up', text) : setStatement('scim-page', text),
    values: { ...parameters.values, tenant: tenantId, limit: pageSize(query) + 1, offset },
  };
}

/** A query with a cursor gets the next cursor, if there are more resources. */
function toPage<T extends Placed>(
  rows: readonly T[],
  total: number,
  query: ListQuery,
  { row }: Listed,
): ScimPage<T> {
  const items = rows.slice(0, pageSize(query));
  const last = items.at(-1);
  const isMore = rows.length > items.length && last !== undefined;
  return {
    total,
    items,
    nextCursor: query.cursor !== null && isMore ? nextCursor(query, row, last, items.length) : null,
  };
}

function nextCursor(query: ListQuery, row: Listed['row'], last: Placed, seen: number): string {
  const before = readCursor(query.cursor ?? '', query, row);
  const position: Position =
    query.sortBy === null
      ? { at: last.createdAt.toISOString(), id: last.id }
      : { after: seen + (before !== 'first' && 'after' in before ? before.after : 0) };
  return Buffer.from(JSON.stringify({ ...position, of: listDigest(query, row) })).toString('base64url');
}

function readCursor(cursor: string, query: ListQuery, row: Listed['row']): Position | 'first' {
  if (cursor === '') return 'first';
  const read = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (typeof read !== 'object' || read === null || !('of' in read) || read.of !== listDigest(query, row))
    throw notOurs();
  if ('after' in read && Number.isSafeInteger(read.after) && Number(read.after) >= 0)
    return { after: Math.min(Number(read.after), 2_147_483_647) };
  if ('at' in read && 'id' in read && isTime(read.at) && typeof read.id === 'string' && isId(read.id))
    return { at: read.at, id: read.id };
  throw notOurs();
}

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && readDateTime(value) === value;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A cursor is valid only for the same type, filter and order (RFC 9865, section 2.1). */
const listDigest = ({ filter, sortBy, sortOrder }: ListQuery, row: Listed['row']): string =>
  createHash('sha256')
    .update(JSON.stringify([row, filter, sortBy, sortOrder]))
    .digest('base64url')
    .slice(0, 16);

const notOurs = () => new ScimError(400, 'invalidCursor', 'The cursor does not belong to this list.');
