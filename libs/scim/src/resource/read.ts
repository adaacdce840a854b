import type { ResourceType } from '../schema/attribute.ts';
import { rootOf } from '../schema/resource-types.ts';
import { isSameName, quote } from '../schema/text.ts';
import { invalidSyntax, invalidValue, isValues, readSingle, withoutEmptyElements } from './value.ts';

/** A resource with the names of the schema, in their case, and nothing that no schema knows. */
export type Document = Readonly<Record<string, unknown>>;

/**
 * Reads the body of a POST or PUT (RFC 7644, sections 3.3 and 3.5.1). What clients cannot set is left out unread. Throws
 * ScimError 400: `invalidSyntax` for an attribute or a schema that is not known, `invalidValue` for a wrong or missing value.
 */
export function readResource(body: unknown, type: ResourceType): Document {
  if (!isValues(body)) throw invalidSyntax('The body must be a JSON object.');
  const document = (readSingle(rootOf(type), body, '') ?? {}) as Document;
  checkSchemas(document.schemas, type);
  return settled(document, type);
}

/** As it is kept: without elements that have no value, and with `schemas` as the resource has them. */
export const settled = (document: Document, type: ResourceType): Document =>
  withSchemas(withoutEmptyElements(document, rootOf(type)), type);

/** With `schemas` as the resource has them: its own, and each extension that is in use. */
export function withSchemas(document: Document, type: ResourceType): Document {
  const used = type.extensions.map(({ schema }) => schema.id).filter((id) => document[id] !== undefined);
  return { ...document, schemas: [type.schema.id, ...used] };
}

/** Throws unless every URN is one of the type's, and its own is among them. */
export function checkSchemas(schemas: unknown, type: ResourceType): void {
  if (!Array.isArray(schemas)) throw invalidValue('schemas', 'must be a list.');
  const known = [type.schema, ...type.extensions.map(({ schema }) => schema)];
  for (const each of schemas as readonly unknown[]) {
    if (typeof each !== 'string') throw invalidValue('schemas', 'must be a list of URNs.');
    if (!known.some(({ id }) => isSameName(each, id))) {
      throw invalidSyntax(`schemas: ${quote(each)} is no schema of a ${type.name}.`);
    }
  }
  if (!schemas.some((each) => isSameName(each, type.schema.id))) {
    throw invalidSyntax(`schemas: ${type.schema.id} is missing.`);
  }
}
