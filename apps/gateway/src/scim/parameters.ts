import { knownName, MASK, maskedFilter, maskedPath, resourceTypes } from '@foyer/scim';
import { isId } from '@foyer/shared';

/**
 * Selects what the audit log keeps of a SCIM call: the resource, the attributes, and the parameters of a list. Names
 * from the protocol and the schemas are kept, and so are values that identify the resource. Anything else may be a
 * secret in the wrong place, even the name of an unknown parameter, so the log has only the number of those.
 */

type Json = Readonly<Record<string, unknown>>;

const MOST_OPERATIONS = 20;
const LONGEST = 256;
const operations = new Set(['add', 'remove', 'replace']);
const methods = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

type Told = (value: unknown) => unknown;

const text: Told = (value) =>
  typeof value === 'string' && value.length <= LONGEST ? value.toWellFormed().replaceAll('\0', '') : MASK;
const number: Told = (value) => (/^-?\d{1,10}$/.test(String(value)) ? Number(value) : MASK);
const oneOf =
  (words: ReadonlySet<string>, fold: (text: string) => string): Told =>
  (value) =>
    typeof value === 'string' && words.has(fold(value)) ? fold(value) : MASK;
const boolean: Told = (value) =>
  typeof value === 'boolean' ? value : oneOf(new Set(['true', 'false']), (word) => word.toLowerCase())(value);
const filter: Told = (value) => (typeof value === 'string' ? maskedFilter(value, resourceTypes) : MASK);
const path: Told = (value) => (typeof value === 'string' ? maskedPath(value, resourceTypes) : MASK);
const paths: Told = (value) =>
  (typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [])
    .slice(0, MOST_OPERATIONS)
    .map((each) => path(typeof each === 'string' ? each.trim() : each));
const label: Told = (value) =>
  typeof value === 'string' && /^[A-Za-z0-9._:-]{1,64}$/.test(value) ? value : MASK;

/** The parameters of a list (RFC 7644, section 3.4.2, and RFC 9865), by name in lower case. */
const query: Readonly<Record<string, readonly [name: string, Told]>> = {
  filter: ['filter', filter],
  sortby: ['sortBy', path],
  sortorder: ['sortOrder', oneOf(new Set(['ascending', 'descending']), (word) => word.toLowerCase())],
  startindex: ['startIndex', number],
  count: ['count', number],
  attributes: ['attributes', paths],
  excludedattributes: ['excludedAttributes', paths],
  cursor: ['cursor', () => MASK],
};

/** The attributes that identify a resource. */
const identifying: typeof query = {
  username: ['userName', text],
  externalid: ['externalId', text],
  displayname: ['displayName', text],
  active: ['active', boolean],
};

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const find = (body: Json, name: string): unknown =>
  Object.entries(body).find(([key]) => key.toLowerCase() === name)?.[1];

function toldOf(given: Json, known: typeof query): { readonly told: Json; readonly others: string[] } {
  const told: Record<string, unknown> = {};
  const others: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    const [name, tell] = (Object.hasOwn(known, key.toLowerCase()) && known[key.toLowerCase()]) || [];
    if (name === undefined || tell === undefined) others.push(key);
    else told[name] = tell(value);
  }
  return { told, others };
}

/** The parameters of a list in the query. */
export function queryNote(given: Json): Json {
  const { told, others } = toldOf(given, query);
  return { ...told, ...(others.length > 0 && { unknown: others.length }) };
}

export function bodyNote(body: unknown): Json {
  if (!isObject(body)) return {};
  const list = find(body, 'operations');
  if (Array.isArray(list)) {
    return { operations: list.slice(0, MOST_OPERATIONS).map(operationNote), of: list.length };
  }
  return isSearch(body) ? searchNote(body) : valuesNote(body);
}

const isSearch = ({ schemas }: Json): boolean =>
  Array.isArray(schemas) && schemas.includes('urn:ietf:params:scim:api:messages:2.0:SearchRequest');

function searchNote(body: Json): Json {
  const { schemas: _known, ...given } = body;
  return queryNote(given);
}

function valuesNote(values: Json): Json {
  const { told } = toldOf(values, identifying);
  const names = Object.keys(values).map((key) => knownAttribute(key));
  const unknown = names.filter((name) => name === null).length;
  const members = find(values, 'members');
  return {
    ...told,
    attributes: names.filter((name) => name !== null),
    ...(unknown > 0 && { unknown }),
    ...(Array.isArray(members) && { members: members.length }),
  };
}

/** A key is an attribute, or the path of one in a PATCH without a path. */
function knownAttribute(key: string): string | null {
  const name = knownName(key, resourceTypes) ?? path(key);
  return typeof name === 'string' && name !== MASK ? name : null;
}

/** An operation of a PATCH, or of a bulk request. */
function operationNote(operation: unknown): Json {
  if (!isObject(operation)) return {};
  const [op, where, method, bulkId, value] = ['op', 'path', 'method', 'bulkid', 'value'].map((name) =>
    find(operation, name),
  );
  return {
    ...(op !== undefined && { op: oneOf(operations, (word) => word.toLowerCase())(op) }),
    ...(method !== undefined && { method: oneOf(methods, (word) => word.toUpperCase())(method) }),
    ...(where !== undefined && { path: method === undefined ? path(where) : bulkPath(where) }),
    ...(bulkId !== undefined && { bulkId: label(bulkId) }),
    ...(Array.isArray(value) && { values: value.length }),
    ...(isObject(value) && valuesNote(value)),
    ...(typeof value === 'boolean' && { value }),
  };
}

/** `/Users/ID`, when the id has the form of ours. */
const bulkPath: Told = (value) => {
  const [, type, id] = (typeof value === 'string' && /^\/(Users|Groups)(?:\/(.*))?$/s.exec(value)) || [];
  if (type === undefined) return MASK;
  if (id === undefined) return `/${type}`;
  return `/${type}/${isId(id) ? id : MASK}`;
};
