import type { SqlValue } from '../database/statement.ts';
import { ScimError, sqlForm, type AttributeRef, type CompareOp, type Filter } from '@foyer/scim';

/** The values of a statement under construction; each gets a name of its own. */
export class Parameters {
  readonly values: Record<string, SqlValue> = {};
  private count = 0;

  add(value: SqlValue): string {
    this.count += 1;
    this.values[`p${this.count}`] = value;
    return `$p${this.count}`;
  }
}

/**
 * Where the values of an attribute are:
 * - `json`: an expression of type jsonb;
 * - `text`, `boolean`, `time`: an expression of that type. `equals` answers `eq` with an index that the expression
 *   cannot use, and is never null, because an index would not be used inside a coalesce;
 * - `rows`: a FROM clause with a row for each value of a multi-valued attribute, and where its sub-attributes are;
 *   `element` is the value itself, if it is not just its sub-attributes.
 * - `parts`: a complex attribute that always exists.
 */
export type Place =
  | { readonly kind: 'json'; readonly sql: string }
  | {
      readonly kind: 'text' | 'boolean' | 'time';
      readonly sql: string;
      readonly equals?: (value: string | number | boolean, parameters: Parameters) => string;
    }
  | { readonly kind: 'parts'; readonly child: Places }
  | {
      readonly kind: 'rows';
      readonly from: string;
      readonly child: Places;
      readonly element?: Extract<Place, { kind: 'json' }>;
      readonly order?: string;
    };

/**
 * Where each attribute of a resource, or of one of its values, is; null for attributes that cannot be searched, such as
 * addresses.
 */
export type Places = (key: string) => Place | null;

function placeOf(places: Places, key: string): Place {
  const place = places(key);
  if (place === null) throw new ScimError(400, 'invalidFilter', `Filters and sorting do not support ${key}.`);
  return place;
}

/** The compared form of a text, as `compared` of @foyer/scim; the indexes use exactly these expressions. */
function comparedSql(leaf: AttributeRef['leaf'], sql: string): string {
  const form = sqlForm(leaf);
  return form === null ? sql : `${form}(${sql})`;
}

/** Keys are names of our own schemas, so escaping a quote guards against a bug, not an attack. */
const literal = (key: string): string => `'${key.replaceAll("'", "''")}'`;

export const inJson =
  (sql: string): Places =>
  (key) => ({ kind: 'json', sql: `${sql} -> ${literal(key)}` });

/**
 * A filter as an SQL condition, with the meaning that `Filter` defines. Never null. Throws ScimError 400
 * `invalidFilter`.
 */
export function filterSql(filter: Filter, places: Places, parameters: Parameters): string {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = filter.filters.map((each) => filterSql(each, places, parameters));
      return `(${parts.join(filter.kind === 'and' ? ' AND ' : ' OR ')})`;
    }
    case 'not':
      return `(NOT ${filterSql(filter.filter, places, parameters)})`;
    case 'present':
      return anyOf(filter.attribute, places, { holds: presence, ofNothing: false });
    case 'some': {
      const { attribute, filter: inner } = filter;
      return anyElement(attribute.steps, places, (element) => filterSql(inner, element, parameters));
    }
    case 'compare': {
      const { op, attribute, value } = filter;
      const holds = (place: Place) => comparison(op, attribute, place, value, parameters);
      return anyOf(attribute, places, { holds, ofNothing: value === null ? op === 'eq' : op === 'ne' });
    }
  }
}

type Steps = AttributeRef['steps'];
interface Holding {
  readonly holds: (place: Place) => string;
  /** Whether the condition is true for a missing attribute. */
  readonly ofNothing: boolean;
}

/** A condition on any value of the attribute; a multi-valued attribute without values counts as missing. */
function anyOf({ steps }: Pick<AttributeRef, 'steps'>, places: Places, holding: Holding): string {
  const [step, ...rest] = steps;
  if (step === undefined) throw new Error('An attribute has at least one step.');
  const place = step.multiValued ? asRows(placeOf(places, step.key)) : placeOf(places, step.key);
  if (place.kind === 'rows') {
    const inner =
      rest.length > 0
        ? anyOf({ steps: rest }, place.child, holding)
        : holding.holds(place.element ?? { kind: 'parts', child: place.child });
    const some = `EXISTS (SELECT FROM ${place.from} AND ${inner})`;
    return holding.ofNothing ? `(${some} OR NOT EXISTS (SELECT FROM ${place.from}))` : some;
  }
  return rest.length === 0 ? holding.holds(place) : anyOf({ steps: rest }, childOf(place), holding);
}

/** A condition on any element; false without elements. */
function anyElement(steps: Steps, places: Places, holds: (element: Places) => string): string {
  const [step, ...rest] = steps;
  if (step === undefined) return holds(places);
  const place = step.multiValued ? asRows(placeOf(places, step.key)) : placeOf(places, step.key);
  if (place.kind === 'rows')
    return `EXISTS (SELECT FROM ${place.from} AND ${anyElement(rest, place.child, holds)})`;
  if (rest.length > 0) return anyElement(rest, childOf(place), holds);
  if (place.kind !== 'json') return holds(childOf(place));
  return `(jsonb_typeof(${place.sql}) IS NOT DISTINCT FROM 'object' AND ${holds(inJson(place.sql))})`;
}

const ELEMENT = 'element.v';

/**
 * The elements of an array. Nested levels reuse the alias, which is safe because nothing inside refers to the outer
 * level.
 */
function asRows(place: Place): Place {
  if (place.kind !== 'json') return place;
  const array = `CASE jsonb_typeof(${place.sql}) WHEN 'array' THEN ${place.sql} ELSE '[]' END`;
  return {
    kind: 'rows',
    from: `jsonb_array_elements(${array}) AS element (v) WHERE true`,
    child: inJson(ELEMENT),
    element: { kind: 'json', sql: ELEMENT },
    order: `ORDER BY ${ELEMENT} -> 'primary' DESC NULLS LAST`,
  };
}

function childOf(place: Place): Places {
  if (place.kind === 'json') return inJson(place.sql);
  if (place.kind === 'parts' || place.kind === 'rows') return place.child;
  throw new Error('A simple attribute has no sub-attributes.');
}

/** JSON null and a missing value are equal. */
const textOf = (place: Place): string => {
  if (place.kind === 'json') return `(${place.sql} #>> '{}')`;
  if (place.kind === 'text' || place.kind === 'boolean' || place.kind === 'time') return place.sql;
  throw new Error('Only a simple attribute can be compared.');
};

function presence(place: Place): string {
  switch (place.kind) {
    case 'json':
      return `coalesce(${place.sql} NOT IN ('null', '""', '[]', '{}'), false)`;
    case 'text':
      return `coalesce(${place.sql} <> '', false)`;
    case 'boolean':
    case 'time':
      return `(${place.sql} IS NOT NULL)`;
    case 'parts':
    case 'rows':
      return 'true';
  }
}

const orders = { gt: '>', ge: '>=', lt: '<', le: '<=' } as const;

function comparison(
  op: CompareOp,
  { leaf }: AttributeRef,
  place: Place,
  value: string | number | boolean | null,
  parameters: Parameters,
): string {
  if (op === 'ne') return `(NOT ${comparison('eq', { leaf, steps: [] }, place, value, parameters)})`;
  if (value === null) return `(${textOf(place)} IS NULL)`;
  if (op === 'eq' && 'equals' in place && place.equals) return `(${place.equals(value, parameters)})`;
  const condition = conditionOn(op, leaf, place, value, parameters);
  // Under `or` and `not` a null would not count as false; coalesce would prevent the index from being used for the
  // whole filter.
  return `(${condition} AND ${textOf(place)} IS NOT NULL)`;
}

function conditionOn(
  op: Exclude<CompareOp, 'ne'>,
  leaf: AttributeRef['leaf'],
  place: Place,
  value: string | number | boolean,
  parameters: Parameters,
): string {
  const actual = textOf(place);
  switch (leaf.type) {
    case 'boolean': {
      const sql = place.kind === 'boolean' ? place.sql : `(${actual})::boolean`;
      return `${sql} = ${parameters.add(value)}::boolean`;
    }
    case 'integer':
    case 'decimal':
      return `(${actual})::numeric ${op === 'eq' ? '=' : orderOf(op)} ${parameters.add(value)}::numeric`;
    case 'dateTime': {
      const sql = place.kind === 'time' ? place.sql : `(${actual})::timestamptz`;
      return `${sql} ${op === 'eq' ? '=' : orderOf(op)} ${parameters.add(value)}::timestamptz`;
    }
    default: {
      const [a, b] = [actual, `${parameters.add(value)}::text`].map((sql) => comparedSql(leaf, sql)) as [
        string,
        string,
      ];
      return textCondition(op, a, b);
    }
  }
}

function orderOf(op: CompareOp): string {
  if (op === 'gt' || op === 'ge' || op === 'lt' || op === 'le') return orders[op];
  throw new Error(`${op} works on text only.`);
}

function textCondition(op: Exclude<CompareOp, 'ne'>, a: string, b: string): string {
  switch (op) {
    case 'eq':
      return `${a} = ${b}`;
    case 'co':
      return `strpos(${a}, ${b}) > 0`;
    case 'sw':
      return `starts_with(${a}, ${b})`;
    case 'ew':
      return `right(${a}, length(${b})) = ${b}`;
    default:
      return `${a} COLLATE "C" ${orders[op]} ${b} COLLATE "C"`;
  }
}

/**
 * The expression that a list is sorted by (RFC 7644, section 3.4.2.3): for a multi-valued attribute the primary value,
 * or the first. Text is ordered by code points, case-folded unless the attribute is case-exact.
 */
export function sortSql({ steps, leaf }: AttributeRef, places: Places): string {
  const sql = valueToSort(steps, places, leaf.type);
  if (!['string', 'reference', 'binary'].includes(leaf.type)) return sql;
  return `${comparedSql(leaf, sql)} COLLATE "C"`;
}

const casts: Partial<Record<AttributeRef['leaf']['type'], string>> = {
  boolean: 'boolean',
  integer: 'numeric',
  decimal: 'numeric',
  dateTime: 'timestamptz',
};

function valueToSort(steps: Steps, places: Places, type: AttributeRef['leaf']['type']): string {
  const [step, ...rest] = steps;
  if (step === undefined) throw new Error('An attribute has at least one step.');
  const place = step.multiValued ? asRows(placeOf(places, step.key)) : placeOf(places, step.key);
  if (place.kind === 'rows') {
    const value = rest.length > 0 ? valueToSort(rest, place.child, type) : `(${ELEMENT} #>> '{}')`;
    return `(SELECT ${value} FROM ${place.from} ${place.order ?? ''} LIMIT 1)`;
  }
  if (rest.length > 0) return valueToSort(rest, childOf(place), type);
  if (place.kind !== 'json') return textOf(place);
  return casts[type] ? `(${textOf(place)})::${casts[type]}` : textOf(place);
}
