import { ScimError } from '../errors.ts';
import type { Filter } from '../filter/filter.ts';
import { parseFilter } from '../filter/parse.ts';
import { readMessage } from '../message.ts';
import { namesOf, type Selection } from '../resource/project.ts';
import { invalidValue } from '../resource/value.ts';
import { nameOf, resolveAttribute, withImplicitValue, type AttributeRef } from '../schema/attribute-ref.ts';
import type { ResourceType } from '../schema/attribute.ts';
import { rootOf } from '../schema/resource-types.ts';
import { isSameName, quote } from '../schema/text.ts';

/**
 * The query of a list (RFC 7644, section 3.4.2). `sortBy` with a multi-valued attribute uses the primary value, or the
 * first; resources without a value are last in ascending order, and first in descending order (section 3.4.2.3).
 * `startIndex` counts from 1; `count` is null when the client gives none, and 0 returns the total only. `cursor` is
 * null for pages by index, and '' for the first page by cursor (RFC 9865).
 */
export interface ListQuery {
  readonly filter: Filter | null;
  readonly sortBy: AttributeRef | null;
  readonly sortOrder: 'ascending' | 'descending';
  readonly startIndex: number;
  readonly count: number | null;
  readonly cursor: string | null;
  readonly selection: Selection;
}

/** The largest number: no list is longer, and every database can represent it. */
const MAX_NUMBER = 2_147_483_647;
/** The most UTF-16 units of a cursor. */
const MAX_CURSOR_LENGTH = 4_096;

/**
 * Reads the query of a GET, with each parameter as a string. Throws ScimError: 400 `invalidFilter`, `invalidValue`,
 * `invalidCount` and `invalidCursor`, 403 `sensitive`.
 */
export function readListQuery(query: Readonly<Record<string, unknown>>, type: ResourceType): ListQuery {
  refuseUnknown(Object.keys(query));
  return readParts(parameterOf(query), type);
}

/** Parameter names may have any case: an ignored `Filter` would return all resources. */
const parameterOf =
  (query: Readonly<Record<string, unknown>>): Read =>
  (name) => {
    const given = Object.entries(query).filter(([key]) => isSameName(key, name));
    const [[, value] = []] = given;
    if (given.length > 1 || (value !== undefined && typeof value !== 'string'))
      throw invalidValue(name, 'may occur only once.');
    const isList = name === 'attributes' || name === 'excludedAttributes';
    return isList && typeof value === 'string' ? value.split(',') : value;
  };

const parameters = [
  ...['filter', 'sortBy', 'sortOrder', 'startIndex', 'count', 'cursor', 'attributes', 'excludedAttributes'],
];

/** An unknown parameter may be a misspelled filter, and ignoring it would return more than was asked for. */
function refuseUnknown(names: readonly string[]): void {
  const unknown = names.find((name) => !parameters.some((each) => isSameName(name, each)));
  if (unknown !== undefined) throw invalidValue(quote(unknown), 'this parameter does not exist.');
}

/**
 * Reads the body of a POST to `.search` (RFC 7644, section 3.4.3), with the same meaning and errors, and
 * `invalidSyntax` besides.
 */
export function readSearchRequest(body: unknown, type: ResourceType): ListQuery {
  const part = readMessage(body, 'urn:ietf:params:scim:api:messages:2.0:SearchRequest');
  refuseUnknown(Object.keys(body as object).filter((name) => !isSameName(name, 'schemas')));
  return readParts((name) => part(name) ?? undefined, type);
}

/** The `attributes` and `excludedAttributes` of a request for one resource, read as `readListQuery` does. */
export const readSelection = (query: Readonly<Record<string, unknown>>, type: ResourceType): Selection => {
  return selectionOf(parameterOf(query), type);
};

type Read = (name: string) => unknown;

function readParts(read: Read, type: ResourceType): ListQuery {
  const text = (name: string): string | null => {
    const value = read(name);
    if (value !== undefined && typeof value !== 'string') throw invalidValue(name, 'must be a string.');
    return value ?? null;
  };
  const filter = text('filter');
  const sortBy = text('sortBy');
  const cursor = readCursor(text('cursor'), read('startIndex'));
  return {
    filter: filter === null ? null : parseFilter(filter, type),
    sortBy: sortBy === null ? null : readSortBy(sortBy, type),
    sortOrder: readSortOrder(text('sortOrder')),
    startIndex: Math.max(1, readInteger('startIndex', read('startIndex'), 'invalidValue') ?? 1),
    count: readCount(read('count'), cursor),
    cursor,
    selection: selectionOf(read, type),
  };
}

/** RFC 9865, section 2: a cursor consists of unreserved characters, and cannot be combined with a start index. */
function readCursor(cursor: string | null, startIndex: unknown): string | null {
  if (cursor === null) return null;
  if (startIndex !== undefined) throw invalidCursor('cursor and startIndex cannot be used together.');
  if (cursor.length > MAX_CURSOR_LENGTH || !/^[\w.~-]*$/.test(cursor)) {
    throw invalidCursor('The cursor was not issued by this server.');
  }
  return cursor;
}

const invalidCursor = (why: string) => new ScimError(400, 'invalidCursor', why);

function readCount(value: unknown, cursor: string | null): number | null {
  const count = readInteger('count', value, cursor === null ? 'invalidValue' : 'invalidCount');
  return count === null ? null : Math.max(0, count);
}

function readInteger(name: string, value: unknown, scimType: 'invalidValue' | 'invalidCount'): number | null {
  if (value === undefined) return null;
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value.trim()) ? Number(value) : value;
  // Text may contain a number beyond the range of numbers; JSON numbers cannot.
  if (typeof number !== 'number' || (Number.isFinite(number) && !Number.isInteger(number))) {
    throw new ScimError(400, scimType, `${name} must be an integer.`);
  }
  return Math.min(MAX_NUMBER, Math.max(-MAX_NUMBER, number));
}

function readSortBy(text: string, type: ResourceType): AttributeRef {
  const named = resolveAttribute(text.trim(), rootOf(type));
  if (named === null) throw invalidValue('sortBy', `there is no attribute ${quote(text)}.`);
  if (named.leaf.returned === 'never') {
    throw new ScimError(403, 'sensitive', `Sorting does not support ${nameOf(named)}.`);
  }
  const ref = withImplicitValue(named);
  if (ref.leaf.type === 'complex')
    throw invalidValue('sortBy', `${nameOf(ref)} has several sub-attributes: name one of them.`);
  return ref;
}

function readSortOrder(text: string | null): ListQuery['sortOrder'] {
  const order = text?.trim().toLowerCase() ?? 'ascending';
  if (order !== 'ascending' && order !== 'descending') {
    throw invalidValue('sortOrder', 'must be "ascending" or "descending".');
  }
  return order;
}

/** The most names in one list: more than there are attributes. */
const MAX_NAMES = 1_000;

function selectionOf(read: Read, type: ResourceType): Selection {
  const [attributes, excluded] = ['attributes', 'excludedAttributes'].map((name) =>
    readNames(name, read(name)),
  );
  if (attributes && excluded) {
    throw invalidValue('attributes', 'cannot be used together with excludedAttributes.');
  }
  return {
    attributes: attributes ? namesOf(attributes, type) : null,
    excluded: namesOf(excluded ?? [], type),
  };
}

/** Null for none; an empty list counts as none. */
function readNames(name: string, value: unknown): readonly string[] | null {
  if (value === undefined) return null;
  const list: readonly unknown[] = Array.isArray(value) ? value : [null];
  const names = list.filter((each) => typeof each === 'string');
  if (names.length < list.length) throw invalidValue(name, 'must be a list of names.');
  if (names.length > MAX_NAMES) throw invalidValue(name, `has more than ${MAX_NAMES} names.`);
  const given = names.filter((each) => each.trim() !== '');
  return given.length === 0 ? null : given;
}
