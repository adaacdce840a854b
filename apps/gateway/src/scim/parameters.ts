/** What of a SCIM body goes into the audit log: who it is about, and which attributes; no values of others, no password. */

type Json = Readonly<Record<string, unknown>>;

const told = new Set([
  'username',
  'externalid',
  'displayname',
  'active',
  'filter',
  'startindex',
  'count',
  'sortby',
]);
const MOST_NAMES = 50;
const MOST_OPERATIONS = 20;
const LONGEST = 256;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const short = (value: unknown): unknown =>
  typeof value === 'string'
    ? value.slice(0, LONGEST).toWellFormed().replaceAll('\0', '')
    : typeof value === 'number' || typeof value === 'boolean' || value === null
      ? value
      : '…';

const find = (body: Json, name: string): unknown =>
  Object.entries(body).find(([key]) => key.toLowerCase() === name)?.[1];

/** Of the query: what a list is asked for. */
export function queryNote(query: Json): Json {
  const entries = Object.entries(query).slice(0, MOST_NAMES);
  return Object.fromEntries(entries.map(([key, value]) => [short(key), toldOf(key, value)])) as Json;
}

/** A filter, or a path with one, that names the password may quote one: it is told by that alone. */
const toldOf = (key: string, value: unknown): unknown =>
  (key.toLowerCase() === 'filter' || key === 'path') &&
  typeof value === 'string' &&
  /password.*"/is.test(value)
    ? 'password …'
    : short(value);

export function bodyNote(body: unknown): Json {
  if (!isObject(body)) return {};
  const operations = find(body, 'operations');
  if (Array.isArray(operations)) {
    return { operations: operations.slice(0, MOST_OPERATIONS).map(operationNote), of: operations.length };
  }
  return valuesNote(body);
}

function valuesNote(values: Json): Json {
  const entries = Object.entries(values);
  const known = entries
    .filter(([key]) => told.has(key.toLowerCase()))
    .map(([key, value]) => [key, toldOf(key, value)]);
  const attributes = entries.map(([key]) => short(key)).slice(0, MOST_NAMES);
  const members = find(values, 'members');
  return {
    ...(Object.fromEntries(known) as Json),
    attributes,
    ...(Array.isArray(members) && { members: members.length }),
  };
}

/** An operation of a PATCH, or of a bulk request. */
function operationNote(operation: unknown): Json {
  if (!isObject(operation)) return {};
  const [op, path, method, bulkId, value] = ['op', 'path', 'method', 'bulkid', 'value'].map((name) =>
    find(operation, name),
  );
  return {
    ...(op !== undefined && { op: short(op) }),
    ...(method !== undefined && { method: short(method) }),
    ...(path !== undefined && { path: toldOf('path', path) }),
    ...(bulkId !== undefined && { bulkId: short(bulkId) }),
    ...(Array.isArray(value) && { values: value.length }),
    ...(isObject(value) && valuesNote(value)),
    ...(typeof value === 'boolean' && { value }),
  };
}
