import { ScimError, type ScimType } from '../errors.ts';
import { resolveAttribute, type AttributeRef } from '../schema/attribute-ref.ts';
import { subAttribute, type Attribute, type ResourceType } from '../schema/attribute.ts';
import { rootOf } from '../schema/resource-types.ts';
import { quote } from '../schema/text.ts';
import type { Filter } from './filter.ts';
import { parseElementFilter } from './parse.ts';
import { MAX_FILTER_LENGTH, Reader } from './reader.ts';
import { UnknownAttribute } from './unknown-attribute.ts';

/**
 * The target of a PATCH operation: `userName`, `name.givenName`, `emails[type eq "work"]`, `emails[type eq
 * "work"].value`, `emails.value`. `filter` selects elements of a multi-valued attribute (null: all), with references
 * relative to the element; `sub` is the sub-attribute of those elements.
 */
export interface Path {
  readonly attribute: AttributeRef;
  readonly filter: Filter | null;
  readonly sub: Attribute | null;
}

/**
 * Parses a path of RFC 7644, section 3.5.2. Throws ScimError 400 `invalidPath`, or `invalidFilter` for the part in
 * brackets.
 */
export const parsePath = (text: string, type: ResourceType): Path => readPath(text, type, 'invalidPath');

/**
 * The same for a name that is not a path by itself, such as a key of an object: `scimType` is the type of the error.
 */
export function readPath(text: string, type: ResourceType, scimType: ScimType): Path {
  // The values in brackets are left out, because one may be a password.
  const because = (why: string) => `${quote(text.replace(/\[.*/s, '[…'))}: ${why}`;
  const refuse = (why: string) => new ScimError(400, scimType, because(why));
  const unknown = () => new UnknownAttribute(400, scimType, because('There is no such attribute.'));
  if (text.length > MAX_FILTER_LENGTH) throw refuse(`It is longer than ${MAX_FILTER_LENGTH} characters.`);
  const reader = new Reader(text.trim());
  const word = reader.word();
  const attribute = resolveAttribute(word, rootOf(type));
  if (attribute === null) {
    // A key is a name whatever characters it has; a path has a syntax.
    const isName = NAME.test(word) && (reader.isAtEnd || reader.next === '[');
    throw isName || scimType === 'invalidSyntax' ? unknown() : refuse('There is no such attribute.');
  }
  if (reader.isAtEnd) return pathOf(attribute, word, type);
  if (!reader.take('[')) throw refuse('A path is a name, optionally with a filter in brackets.');
  if (!attribute.leaf.multiValued)
    throw refuse('Only a multi-valued attribute can have a filter in its path.');
  const filter = parseElementFilter(reader, attribute);
  if (reader.isAtEnd) return { attribute, filter, sub: null };
  const name = reader.take('.') ? reader.word() : '';
  if (name === '' || !reader.isAtEnd) throw refuse('Only a sub-attribute may follow the brackets.');
  const sub = subAttribute(attribute.leaf, name);
  if (sub === null) throw NAME.test(name) ? unknown() : refuse('There is no such sub-attribute.');
  return { attribute, filter, sub };
}

/** Anything that could be the name of an attribute in some schema, with or without its URN. */
const NAME = /^[\w$:.~%@/+-]+$/;

function pathOf(attribute: AttributeRef, word: string, type: ResourceType): Path {
  const above = attribute.steps.at(-2)?.multiValued
    ? resolveAttribute(word.slice(0, word.lastIndexOf('.')), rootOf(type))
    : null;
  if (above === null) return { attribute, filter: null, sub: null };
  return { attribute: above, filter: null, sub: attribute.leaf };
}
