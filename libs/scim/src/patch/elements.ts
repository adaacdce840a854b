import { ScimError } from '../errors.ts';
import type { Filter } from '../filter/filter.ts';
import { matches } from '../filter/matches.ts';
import type { Path } from '../filter/path.ts';
import { nameOf } from '../schema/attribute-ref.ts';
import type { Attribute } from '../schema/attribute.ts';
import {
  assigned,
  checkElements,
  invalidValue,
  isPrimary,
  isValues,
  mergeSame,
  pathTo,
  readAttribute,
  readElements,
  type Values,
} from '../resource/value.ts';
import type { PatchOperation } from './operations.ts';

/**
 * The elements of a multi-valued attribute after an operation on those that the path selects, or on one of their
 * sub-attributes; undefined for none (RFC 7644, sections 3.5.2.1 to 3.5.2.3). Throws ScimError 400.
 */
export function editElements(before: unknown, op: PatchOperation['op'], path: Path, value: unknown): unknown {
  const { attribute, filter, sub } = path;
  const { leaf } = attribute;
  const name = nameOf(attribute);
  const elements: readonly unknown[] = Array.isArray(before) ? before : [];
  const chosen = new Set(filter === null ? elements : elements.filter((each) => matches(filter, each)));
  if (chosen.size === 0) {
    if (op === 'remove' && filter === null) return before;
    if (op !== 'add') throw noTarget(name);
    if (value === null) return before;
    const seed = withSub(leaf, sub, seedOf(filter, name), value, name);
    return settle(leaf, elements, [...elements, ...readElements(leaf, [seed], name)], name);
  }
  if (op === 'remove') {
    const rest = sub === null ? null : without(sub, pathTo(leaf, name, sub.name));
    const after = elements.flatMap((each) => (chosen.has(each) ? (rest?.(each) ?? []) : [each]));
    return assigned(settle(leaf, elements, after, name));
  }
  if (op === 'replace' && sub === null) {
    const given = readElements(leaf, Array.isArray(value) ? value : [value], name);
    const first = elements.findIndex((each) => chosen.has(each));
    const after = elements.flatMap((each, at) => (chosen.has(each) ? (at === first ? given : []) : [each]));
    return assigned(settle(leaf, elements, after, name));
  }
  const after = elements.map((each) => (chosen.has(each) ? withSub(leaf, sub, each, value, name) : each));
  return assigned(settle(leaf, elements, after.filter(isNotEmpty), name));
}

/**
 * Merges equal elements, and makes an element that became primary the only primary one (RFC 7644, section 3.5.2).
 * `before` has the elements that the operation did not change.
 */
export function settle(
  attribute: Attribute,
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): unknown[] {
  const elements = mergeSame(attribute, after);
  const untouched = new Set(before);
  const isChosen = elements.some((each) => isPrimary(each) && !untouched.has(each));
  const settled = elements.map((each) =>
    isChosen && isPrimary(each) && untouched.has(each) ? { ...each, primary: false } : each,
  );
  return checkElements(attribute, settled, path);
}

const noTarget = (path: string): ScimError =>
  new ScimError(400, 'noTarget', `${path}: no value matches the filter of the path.`);

const isNotEmpty = (element: unknown): boolean => !isValues(element) || assigned(element) !== undefined;

/** The element with the given value: for one sub-attribute, or for several in an object. */
function withSub(
  attribute: Attribute,
  sub: Attribute | null,
  element: unknown,
  value: unknown,
  path: string,
): Values {
  const before = isValues(element) ? element : {};
  if (sub === null) {
    const given = readElements(attribute, Array.isArray(value) ? value : [value], path);
    return given.reduce<Values>((all, each) => ({ ...all, ...(each as Values) }), before);
  }
  const name = pathTo(attribute, path, sub.name);
  const { [sub.name]: old, ...others } = before;
  const after = readAttribute(sub, value, name);
  if (after === undefined && sub.required) throw invalidValue(name, 'is required.');
  if (sub.mutability === 'immutable' && old !== undefined && old !== after) {
    throw new ScimError(400, 'mutability', `${name}: cannot be changed.`);
  }
  return after === undefined ? others : { ...others, [sub.name]: after };
}

function without(sub: Attribute, path: string): (element: unknown) => Values | undefined {
  if (sub.required || sub.mutability === 'immutable') {
    throw new ScimError(400, 'mutability', `${path}: cannot be removed.`);
  }
  return (element) => {
    const { [sub.name]: _, ...others } = isValues(element) ? element : {};
    return assigned(others);
  };
}

/**
 * The values of a new element for a filter: `type eq "home"` gives `{ type: 'home' }`. Throws `noTarget` for a filter
 * that does not determine them.
 */
function seedOf(filter: Filter | null, path: string): Values {
  if (filter === null) return {};
  if (filter.kind === 'and') {
    return filter.filters.reduce<Values>((seed, each) => ({ ...seed, ...seedOf(each, path) }), {});
  }
  if (filter.kind !== 'compare' || filter.op !== 'eq' || filter.value === null) throw noTarget(path);
  return { [filter.attribute.leaf.name]: filter.value };
}
