import { ScimError } from '../errors.ts';
import { readPath, type Path } from '../filter/path.ts';
import { UnknownAttribute } from '../filter/unknown-attribute.ts';
import type { PatchOperation } from '../patch/operations.ts';
import { subAttribute, type Attribute, type ResourceType } from '../schema/attribute.ts';
import { currentUrn } from '../schema/old-urns.ts';
import { resourceTypes, rootOf } from '../schema/resource-types.ts';
import { isSameName } from '../schema/text.ts';
import { isIgnored, isValues, pathTo, type Values } from './value.ts';

/**
 * A body without the parts that no schema here defines, and the names of these parts, each once. Okta never repeats a
 * refused request, so one attribute mapped by mistake would otherwise prevent all deactivations.
 */
export interface Known<T> {
  readonly value: T;
  readonly ignored: readonly string[];
}

/**
 * The body of a POST or PUT, for `readResource` or `readGroup`. URNs of SCIM 1.0 become those of 2.0, and a text for an
 * attribute with parts (Entra's `"manager": "ID"`) becomes its value part. Other errors stay in the body.
 */
export function knownBody(body: unknown, type: ResourceType): Known<unknown> {
  const ignored = new Set<string>();
  const value = isValues(body) ? knownParts(rootOf(type), body, '', { type, ignored }) : body;
  return { value, ignored: [...ignored] };
}

/** The same for the operations of a PATCH; an operation that concerns only unknown attributes is left out. */
export function knownOperations(
  operations: readonly PatchOperation[],
  type: ResourceType,
): Known<readonly PatchOperation[]> {
  const ignored = new Set<string>();
  const value = operations.flatMap((each) => knownOperation(each, { type, ignored }) ?? []);
  return { value, ignored: [...ignored] };
}

interface Reading {
  readonly type: ResourceType;
  readonly ignored: Set<string>;
}

function knownOperation(operation: PatchOperation, reading: Reading): PatchOperation | null {
  const { op, path, value } = operation;
  if (path !== null) {
    const target = targetOf(currentUrn(path), 'invalidPath', reading);
    return (
      target && { op, path: target.text, value: knownValue(leafOf(target), value, target.text, reading) }
    );
  }
  if (!isValues(value)) return operation;
  const entries = Object.entries(value).flatMap(([key, each]) => {
    const target = targetOf(currentUrn(key), 'invalidSyntax', reading);
    return target === null ? [] : [[target.text, knownValue(leafOf(target), each, target.text, reading)]];
  });
  return { op, path, value: Object.fromEntries(entries) as Values };
}

interface Target {
  readonly text: string;
  /** Null when the path has another error, which is reported when the path is applied. */
  readonly path: Path | null;
}

/** Null for an unknown attribute. */
function targetOf(
  text: string,
  scimType: 'invalidPath' | 'invalidSyntax',
  { type, ignored }: Reading,
): Target | null {
  try {
    return { text, path: readPath(text, type, scimType) };
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    if (!(error instanceof UnknownAttribute)) return { text, path: null };
    // The values in brackets are left out.
    ignored.add(text.replace(/\[.*\]/s, '[…]'));
    return null;
  }
}

const leafOf = ({ path }: Target): Attribute | null => path && (path.sub ?? path.attribute.leaf);

function knownValue(attribute: Attribute | null, value: unknown, path: string, reading: Reading): unknown {
  if (attribute === null || isIgnored(attribute)) return value;
  if (attribute.name === 'schemas') return knownSchemas(value, reading);
  if (attribute.type !== 'complex') return value;
  if (isValues(value)) return knownParts(attribute, value, path, reading);
  if (Array.isArray(value)) {
    return value.map((each: unknown) => (isValues(each) ? knownParts(attribute, each, path, reading) : each));
  }
  const isPart = typeof value === 'string' && !attribute.multiValued;
  if (!isPart || subAttribute(attribute, 'value') === null) return value;
  return value.trim() === '' ? null : { value };
}

function knownParts(attribute: Attribute, values: Values, path: string, reading: Reading): Values {
  const entries = Object.entries(values).flatMap(([given, each]) => {
    const key = currentUrn(given);
    const sub = subAttribute(attribute, key);
    const name = pathTo(attribute, path, sub?.name ?? key);
    if (sub === null) {
      reading.ignored.add(name);
      return [];
    }
    // Given under both the old and the new URN: the new one counts.
    if (key !== given && Object.keys(values).some((other) => isSameName(other, key))) return [];
    return [[key, knownValue(sub, each, name, reading)]];
  });
  return Object.fromEntries(entries) as Values;
}

const knownUrns = resourceTypes.flatMap(({ schema, extensions }) => [
  schema.id,
  ...extensions.map((each) => each.schema.id),
]);

/** Drops unknown URNs, and then adds the own URN if it is missing, because the address determines the type. */
function knownSchemas(value: unknown, { type, ignored }: Reading): unknown {
  if (!Array.isArray(value)) return value;
  const urns = value.map((each: unknown) => (typeof each === 'string' ? currentUrn(each, type) : each));
  const isKnown = (urn: unknown) =>
    typeof urn !== 'string' || knownUrns.some((each) => isSameName(urn, each));
  const unknown = urns.filter((urn) => !isKnown(urn));
  if (unknown.length === 0) return urns;
  for (const urn of unknown) ignored.add(String(urn));
  const known = urns.filter(isKnown);
  const isNamed = known.some((urn) => isSameName(urn, type.schema.id));
  return isNamed ? known : [type.schema.id, ...known];
}
