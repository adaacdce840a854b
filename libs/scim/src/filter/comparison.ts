import type { Attribute } from '../schema/attribute.ts';
import { isKey } from '../schema/forms.ts';
import { isStorable, readBoolean, readDateTime } from '../schema/text.ts';
import type { CompareOp } from './filter.ts';

type Value = string | number | boolean | null;

const operators: Readonly<Record<CompareOp, 'equality' | 'part' | 'order'>> = {
  eq: 'equality',
  ne: 'equality',
  co: 'part',
  sw: 'part',
  ew: 'part',
  gt: 'order',
  ge: 'order',
  lt: 'order',
  le: 'order',
};

export const isCompareOp = (word: string): word is CompareOp => Object.hasOwn(operators, word);

const known: Readonly<Record<Attribute['type'], readonly (typeof operators)[CompareOp][]>> = {
  string: ['equality', 'part', 'order'],
  reference: ['equality', 'part', 'order'],
  binary: ['equality', 'part'],
  boolean: ['equality'],
  integer: ['equality', 'order'],
  decimal: ['equality', 'order'],
  dateTime: ['equality', 'order'],
  complex: [],
};

/** The value in the attribute's type, or why the two cannot be compared (RFC 7644, section 3.4.2.2). */
export function comparedValue(
  op: CompareOp,
  leaf: Attribute,
  value: Value,
): { value: Value } | { why: string } {
  if (!known[leaf.type].includes(operators[op]))
    return { why: `The operator "${op}" does not work on a ${leaf.type}.` };
  if (value === null) {
    return operators[op] === 'equality' ? { value } : { why: `The operator "${op}" does not work on null.` };
  }
  const given = typeof value === 'string' && isKey(leaf) && operators[op] !== 'part' ? value.trim() : value;
  const typed = ofType(leaf.type, given);
  return typed === null ? { why: `The value is not a ${leaf.type}.` } : { value: typed };
}

function ofType(type: Attribute['type'], value: NonNullable<Value>): Value {
  switch (type) {
    case 'boolean':
      return readBoolean(value);
    case 'integer':
    case 'decimal':
      return typeof value === 'number' && Number.isFinite(value) ? value : null;
    case 'dateTime':
      return typeof value === 'string' ? readDateTime(value) : null;
    default:
      return typeof value === 'string' && isStorable(value) ? value : null;
  }
}
