import { nameOf } from '../schema/attribute-ref.ts';
import type { Attribute, ResourceType } from '../schema/attribute.ts';
import type { Filter } from './filter.ts';
import { parseFilter } from './parse.ts';
import { parsePath } from './path.ts';

/** Replaces a hidden value. */
export const MASK = '…';

/** Attributes whose values identify a resource. Any other value may be a secret that was entered in the wrong place. */
const told = new Set([
  ...['username', 'externalid', 'id', 'displayname'],
  ...['members', 'members.value', 'groups', 'groups.value'],
]);
const LONGEST_VALUE = 256;

/**
 * A filter for audit records and logs: attributes and operators as in the schemas, and values only of the attributes in
 * `told`. MASK for text that is not a filter of any of the types, because all of it may be a secret.
 */
export const maskedFilter = (text: string, types: readonly ResourceType[]): string =>
  firstOf(types, (type) => maskFilter(parseFilter(text, type), ''));

/** The path of a PATCH operation, masked in the same way. */
export const maskedPath = (text: string, types: readonly ResourceType[]): string =>
  firstOf(types, (type) => {
    const { attribute, filter, sub } = parsePath(text, type);
    const name = nameOf(attribute);
    const chosen = filter === null ? '' : `[${maskFilter(filter, name)}]`;
    return `${name}${chosen}${sub === null ? '' : `.${sub.name}`}`;
  });

function firstOf(types: readonly ResourceType[], read: (type: ResourceType) => string): string {
  for (const type of types) {
    try {
      return read(type);
    } catch {
      // The filter does not parse with this type.
    }
  }
  return MASK;
}

/** `parent`: the attribute whose elements are filtered; '' for a resource. */
function maskFilter(filter: Filter, parent: string): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters
        .map((each) =>
          each.kind === 'and' || each.kind === 'or'
            ? `(${maskFilter(each, parent)})`
            : maskFilter(each, parent),
        )
        .join(` ${filter.kind} `);
    case 'not':
      return `not (${maskFilter(filter.filter, parent)})`;
    case 'present':
      return `${nameOf(filter.attribute)} pr`;
    case 'some': {
      const name = nameOf(filter.attribute);
      return `${name}[${maskFilter(filter.filter, name)}]`;
    }
    case 'compare': {
      const name = nameOf(filter.attribute);
      const whole = parent === '' ? name : `${parent}.${name}`;
      return `${name} ${filter.op} ${maskedValue(whole, filter.attribute.leaf, filter.value)}`;
    }
  }
}

function maskedValue(name: string, leaf: Attribute, value: string | number | boolean | null): string {
  if (typeof value !== 'string') return leaf.type === 'boolean' || value === null ? String(value) : MASK;
  const isTold = told.has(name.toLowerCase()) || leaf.canonicalValues?.includes(value) === true;
  return isTold && value.length <= LONGEST_VALUE ? JSON.stringify(value) : MASK;
}

const names = (attributes: readonly Attribute[] = []): string[] => attributes.map(({ name }) => name);

/** The name as the schemas of the types spell it, given in any case; null when none of them has it. */
export function knownName(name: string, types: readonly ResourceType[]): string | null {
  const wanted = name.toLowerCase();
  for (const { schema, extensions } of types) {
    const all = [
      ...['schemas', 'id', 'externalId', 'meta'],
      ...names(schema.attributes),
      ...extensions.map((extension) => extension.schema.id),
    ];
    const found = all.find((each) => each.toLowerCase() === wanted);
    if (found !== undefined) return found;
  }
  return null;
}
