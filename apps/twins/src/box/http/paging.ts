import { badParameter, badParameters, clientError } from './errors.ts';

const defaultLimit = 100;
const maxLimit = 1000;

/** `limit` of a listing: 100 when absent, at most 1000 (a larger one is reduced, not refused). */
function readLimit(query: URLSearchParams): number {
  const given = query.get('limit');
  if (given === null) return defaultLimit;
  if (!/^\d{1,15}$/.test(given) || Number(given) === 0) {
    throw clientError(400, 'invalid_limit', 'Limit is not a valid number');
  }
  return Math.min(Number(given), maxLimit);
}

/** `offset` of a listing; refused above `max` (OpenAPI get_users: "exceeding 10000 ... 400"). */
function readOffset(query: URLSearchParams, max = Number.MAX_SAFE_INTEGER): number {
  const given = query.get('offset');
  if (given === null) return 0;
  if (!/^\d{1,15}$/.test(given)) throw clientError(400, 'invalid_offset', 'Offset is not a valid number');
  if (Number(given) > max) throw badParameters([badParameter('offset', given, `It must not exceed ${max}`)]);
  return Number(given);
}

export function readFlag(query: URLSearchParams, name: string): boolean {
  const given = query.get(name);
  if (given === null || given === '' || given === 'false') return false;
  if (given === 'true') return true;
  throw badParameters([badParameter(name, given, 'It must be true or false')]);
}

export const wantsMarker = (query: URLSearchParams): boolean => readFlag(query, 'usemarker');

/** A page by offset: { total_count, entries, limit, offset }. */
export function offsetPage<T>(
  all: readonly T[],
  query: URLSearchParams,
  show: (item: T) => object,
  maxOffset?: number,
): Record<string, unknown> {
  const limit = readLimit(query);
  const offset = readOffset(query, maxOffset);
  const entries = all.slice(offset, offset + limit).map(show);
  return { total_count: all.length, entries, limit, offset };
}

/**
 * A page by marker: { entries, limit, next_marker }, next_marker null on the last page. The marker contains the key
 * of the last item, so items that are added or removed in between cause neither repetitions nor gaps; `all` is sorted
 * by key.
 */
export function markerPage<T>(
  all: readonly T[],
  query: URLSearchParams,
  keyOf: (item: T) => string,
  show: (item: T) => object,
): Record<string, unknown> {
  const limit = readLimit(query);
  const after = readMarker(query.get('marker'));
  const start = after === null ? 0 : all.findIndex((item) => keyOf(item) > after);
  const page = start < 0 ? [] : all.slice(start, start + limit);
  const last = page.at(-1);
  const more = start >= 0 && start + limit < all.length;
  return {
    entries: page.map(show),
    limit,
    next_marker: more && last !== undefined ? writeMarker(keyOf(last)) : null,
  };
}

const writeMarker = (key: string): string => Buffer.from(`twin:${key}`).toString('base64url');

function readMarker(given: string | null): string | null {
  if (given === null || given === '') return null;
  const text = Buffer.from(given, 'base64url').toString('utf8');
  if (text.startsWith('twin:')) return text.slice(5);
  throw badParameters([badParameter('marker', given, 'It is not a marker of this listing')]);
}
