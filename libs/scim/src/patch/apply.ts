import { ScimError } from '../errors.ts';
import { readPath, type Path } from '../filter/path.ts';
import { nameOf, type AttributeRef } from '../schema/attribute-ref.ts';
import type { Attribute, ResourceType } from '../schema/attribute.ts';
import { checkSchemas, settled, type Document } from '../resource/read.ts';
import {
  assigned,
  entriesOf,
  invalidValue,
  isIgnored,
  isValues,
  pathTo,
  readAttribute,
  readElements,
  type Values,
} from '../resource/value.ts';
import { editElements, settle } from './elements.ts';
import type { PatchOperation } from './operations.ts';

/**
 * The document after all operations, in their order; the given one is not changed (RFC 7644, section 3.5.2). Throws
 * ScimError 400: `invalidPath`, `invalidFilter`, `noTarget`, `mutability`, `invalidValue`, `invalidSyntax`; then no
 * operation is applied.
 */
export function applyPatch(
  document: Document,
  operations: readonly PatchOperation[],
  type: ResourceType,
): Document {
  const patched = operations.reduce((before, operation) => applyOperation(before, operation, type), document);
  return settled(patched, type);
}

function applyOperation(
  document: Document,
  { op, path, value }: PatchOperation,
  type: ResourceType,
): Document {
  if (path !== null) return applyAt(document, op, readPath(path, type, 'invalidPath'), value, type);
  if (op === 'remove') throw new ScimError(400, 'noTarget', 'A "remove" needs a path.');
  if (!isValues(value)) throw invalidValue('value', 'must be an object if there is no path.');
  return Object.entries(value).reduce((before, [key, each]) => {
    const target = readPath(key, type, 'invalidSyntax');
    // Okta sends the id with every change of a group, and other clients send back attributes that they have read.
    const isSkipped = isIgnored(leafOf(target)) || leafOf(target).name === 'schemas';
    return isSkipped ? before : applyAt(before, op, target, each, type);
  }, document);
}

const leafOf = ({ attribute, sub }: Path): Attribute => sub ?? attribute.leaf;

function applyAt(
  document: Document,
  op: PatchOperation['op'],
  path: Path,
  value: unknown,
  type: ResourceType,
): Document {
  const leaf = leafOf(path);
  const name = nameOf(path.attribute);
  if (leaf.mutability === 'writeOnly') return document;
  if (leaf.mutability === 'readOnly') throw mutability(name, 'is read-only.');
  if (leaf.name === 'schemas') {
    if (op === 'remove') throw mutability(name, 'cannot be removed.');
    // The extensions in use are derived from the attributes, so `schemas` is only checked.
    checkSchemas([type.schema.id, ...(Array.isArray(value) ? (value as unknown[]) : [value])], type);
    return document;
  }
  const change = (before: unknown): unknown => {
    if (path.filter !== null || path.sub !== null) return editElements(before, op, path, value);
    return op === 'remove' ? removed(path.attribute, before, value) : put(leaf, op, before, value, name);
  };
  return update(document, path.attribute, change);
}

const mutability = (path: string, why: string) => new ScimError(400, 'mutability', `${path}: ${why}`);

/** The document with another value for the attribute; a parent that becomes empty is removed, too. */
function update(document: Document, { steps }: AttributeRef, change: (before: unknown) => unknown): Document {
  const [first, ...rest] = steps.map(({ key }) => key);
  const at = (parent: Values, key: string, below: readonly string[]): Values => {
    const before = Object.hasOwn(parent, key) ? parent[key] : undefined;
    const [next, ...others] = below;
    const after =
      next === undefined ? change(before) : assigned(at(isValues(before) ? before : {}, next, others));
    if (after !== undefined) return { ...parent, [key]: after };
    const { [key]: _, ...remaining } = parent;
    return remaining;
  };
  return first === undefined ? document : at(document, first, rest);
}

/** RFC 7644, section 3.5.2.2. Some clients give the values to remove besides the path: then only those are removed. */
function removed({ leaf }: AttributeRef, before: unknown, value: unknown): unknown {
  if (leaf.required) throw mutability(leaf.name, 'is required.');
  if (!leaf.multiValued || value === null || value === undefined) return undefined;
  const given = isValues(value) ? [value] : value;
  if (!Array.isArray(given)) throw invalidValue(leaf.name, 'must be a list.');
  const gone = new Set(readElements(leaf, given, leaf.name).map(identity));
  const elements: readonly unknown[] = Array.isArray(before) ? before : [];
  return assigned(elements.filter((each) => !gone.has(identity(each))));
}

const identity = (element: unknown): unknown =>
  isValues(element) && element.value !== undefined ? element.value : JSON.stringify(element);

/** RFC 7644, sections 3.5.2.1 and 3.5.2.3: the attribute's value after "add" or "replace"; undefined for none. */
function put(leaf: Attribute, op: 'add' | 'replace', before: unknown, value: unknown, path: string): unknown {
  if (leaf.type === 'complex' && !leaf.multiValued && value !== null) {
    return merged(leaf, op, before, value, path);
  }
  // Some clients give a single value to add without a list around it.
  const given = leaf.multiValued && isValues(value) ? [value] : value;
  const after = readAttribute(leaf, given, path);
  if (after === undefined && op === 'add') return before;
  if (after === undefined && leaf.required) throw invalidValue(path, 'is required.');
  if (!leaf.multiValued || after === undefined) return after;
  const kept = op === 'add' && Array.isArray(before) ? (before as unknown[]) : [];
  return settle(leaf, kept, [...kept, ...(after as unknown[])], path);
}

/** A complex attribute gets the given sub-attributes, and keeps the others. */
function merged(
  leaf: Attribute,
  op: 'add' | 'replace',
  before: unknown,
  value: unknown,
  path: string,
): unknown {
  const values = new Map(Object.entries(isValues(before) ? before : {}));
  for (const [sub, each] of entriesOf(leaf, value, path)) {
    if (isIgnored(sub)) continue;
    const after = put(sub, op, values.get(sub.name), each, pathTo(leaf, path, sub.name));
    if (after === undefined) values.delete(sub.name);
    else values.set(sub.name, after);
  }
  return assigned(Object.fromEntries(values));
}
