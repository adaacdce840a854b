import type { AttributeRef } from '../schema/attribute-ref.ts';
import type { Attribute } from '../schema/attribute.ts';
import { compared } from '../schema/forms.ts';
import { readDateTime } from '../schema/text.ts';
import type { CompareOp, Filter } from './filter.ts';

/** Whether a filter is true for a resource, or for an element of one; `Filter` defines the meaning. */
export function matches(filter: Filter, resource: unknown): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((each) => matches(each, resource));
    case 'or':
      return filter.filters.some((each) => matches(each, resource));
    case 'not':
      return !matches(filter.filter, resource);
    case 'present':
      return valuesOf(filter.attribute, resource).some((value) => !isEmpty(value));
    case 'some':
      return valuesOf(filter.attribute, resource).some(
        (element) => element !== null && matches(filter.filter, element),
      );
    case 'compare': {
      const { attribute, op, value } = filter;
      return valuesOf(attribute, resource).some((actual) => holds(op, attribute.leaf, actual, value));
    }
  }
}

/** The values of an attribute, with a null for each missing one; at least one null. */
export function valuesOf({ steps }: AttributeRef, resource: unknown): readonly unknown[] {
  let values: unknown[] = [resource];
  for (const { key } of steps) {
    values = values.flatMap((value) => {
      const child = isObject(value) && Object.hasOwn(value, key) ? value[key] : null;
      return Array.isArray(child) && child.length === 0 ? [null] : (child ?? null);
    });
  }
  return values;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (isObject(value) && Object.keys(value).length === 0);
}

function holds(op: CompareOp, leaf: Attribute, actual: unknown, wanted: unknown): boolean {
  if (op === 'ne') return !holds('eq', leaf, actual, wanted);
  if (actual === null || wanted === null) return op === 'eq' && actual === wanted;
  const [a, b] = [comparable(leaf, actual), comparable(leaf, wanted)];
  if (a === null || b === null || typeof a !== typeof b) return false;
  if (typeof a === 'string' && typeof b === 'string') return holdsForText(op, a, b);
  return ordered(op, Number(a) - Number(b));
}

function holdsForText(op: CompareOp, a: string, b: string): boolean {
  if (op === 'co') return a.includes(b);
  if (op === 'sw') return a.startsWith(b);
  if (op === 'ew') return a.endsWith(b);
  // UTF-8 sorts by code points, as COLLATE "C" does.
  return ordered(op, Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function ordered(op: CompareOp, difference: number): boolean {
  switch (op) {
    case 'eq':
      return difference === 0;
    case 'gt':
      return difference > 0;
    case 'ge':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'le':
      return difference <= 0;
    default:
      return false;
  }
}

function comparable(leaf: Attribute, value: unknown): string | number | boolean | null {
  if (typeof value === 'string') {
    if (leaf.type === 'dateTime') return readDateTime(value);
    return compared(leaf, value);
  }
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
