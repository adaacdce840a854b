import { resolveAttribute } from '../schema/attribute-ref.ts';
import type { Attribute, ResourceType } from '../schema/attribute.ts';
import { rootOf } from '../schema/resource-types.ts';
import type { Document } from './read.ts';
import { assigned, isValues, type Values } from './value.ts';

/** Attributes by name; null means the whole attribute, a map only these sub-attributes of it. */
export type Names = ReadonlyMap<string, Names | null>;

/**
 * The attributes that a client asked for (RFC 7644, section 3.9): only `attributes` unless that is null, and without
 * `excluded`.
 */
export interface Selection {
  readonly attributes: Names | null;
  readonly excluded: Names;
}

/** The selection of a client that asks for nothing in particular. */
export const defaultSelection: Selection = { attributes: null, excluded: new Map() };

/** Attributes in the notation of RFC 7644, section 3.10. Unknown ones are left out. */
export function namesOf(texts: readonly string[], type: ResourceType): Names {
  const names = new Map<string, MutableNames | null>();
  for (const text of texts) {
    const keys = resolveAttribute(text.trim(), rootOf(type))?.steps.map(({ key }) => key) ?? [];
    if (keys.length > 0) insert(names, keys);
  }
  return names;
}

/** Whether an attribute of the resource, such as "members", is returned at all; if not, it need not be loaded. */
export function isSelected(selection: Selection, name: string, type: ResourceType): boolean {
  const keys = resolveAttribute(name, rootOf(type))?.steps.map(({ key }) => key) ?? [];
  let parent = rootOf(type);
  let names: Names | null = selection.attributes;
  let excluded: Names | null = selection.excluded;
  for (const key of keys) {
    const sub = parent.subAttributes?.find((each) => each.name === key);
    if (sub === undefined || !isGiven(sub, names, excluded)) return false;
    names = names?.get(key) ?? null;
    excluded = excluded?.get(key) ?? null;
    parent = sub;
  }
  return keys.length > 0;
}

/** The selected part of a resource, without attributes that are never returned, and with those that always are. */
export const project = (resource: Document, type: ResourceType, selection: Selection): Document =>
  projectValues(rootOf(type), resource, selection.attributes, selection.excluded);

type MutableNames = Map<string, MutableNames | null>;

function insert(names: MutableNames, [key, ...below]: readonly string[]): void {
  if (key === undefined) return;
  const known = names.get(key);
  // A whole attribute includes all of its sub-attributes.
  if (below.length === 0 || known === null) {
    names.set(key, null);
    return;
  }
  const next = known ?? new Map<string, MutableNames | null>();
  names.set(key, next);
  insert(next, below);
}

/** RFC 7643, section 7, `returned`. `names` is null when the default attributes are selected. */
function isGiven({ name, returned }: Attribute, names: Names | null, excluded: Names | null): boolean {
  if (returned === 'always' || returned === 'never') return returned === 'always';
  if (excluded?.get(name) === null) return false;
  return names === null ? returned === 'default' : names.has(name);
}

function projectValues(
  parent: Attribute,
  values: Values,
  names: Names | null,
  excluded: Names | null,
): Values {
  const entries = (parent.subAttributes ?? [])
    .filter((sub) => Object.hasOwn(values, sub.name) && isGiven(sub, names, excluded))
    .map((sub) => {
      const below = [names?.get(sub.name) ?? null, excluded?.get(sub.name) ?? null] as const;
      return [sub.name, projectValue(sub, values[sub.name], ...below)] as const;
    });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== null));
}

function projectValue(
  attribute: Attribute,
  value: unknown,
  names: Names | null,
  excluded: Names | null,
): unknown {
  if (attribute.type !== 'complex') return value;
  if (Array.isArray(value)) {
    return value
      .map((each) => projectValue(attribute, each, names, excluded))
      .filter((each) => each !== undefined);
  }
  return isValues(value) ? assigned(projectValues(attribute, value, names, excluded)) : undefined;
}
