import type { ResourceType } from '../schema/attribute.ts';
import { rootOf } from '../schema/resource-types.ts';
import { isSameName, quote } from '../schema/text.ts';
import { invalidSyntax, invalidValue, isValues, readSingle, withoutEmptyElements } from './value.ts';

/** A resource with the attribute names in the schema's case, and without unknown attributes. */
export type Document = Readonly<Record<string, unknown>>;

/**
 * Reads the body of a POST or PUT (RFC 7644, sections 3.3 and 3.5.1). Attributes that clients cannot set are skipped.
 * Throws ScimError 400: `invalidSyntax` for an unknown attribute or schema, `invalidValue` for a wrong or missing
 * value.
 */
export function readResource(body: unknown, type: ResourceType): Document {
  if (!isValues(body)) throw invalidSyntax('The body must be a JSON object.');
  const document = (readSingle(rootOf(type), body, '') ?? {}) as Document;
  checkSchemas(document.schemas, type);
  return settled(document, type);
}

/** The document in its stored form: without elements that have no value, and with the `schemas` of the resource. */
export const settled = (document: Document, type: ResourceType): Document =>
  withSchemas(withoutEmptyElements(document, rootOf(type)), type);

/** Sets `schemas` to the resource's own schema and each extension in use. */
export function withSchemas(document: Document, type: ResourceType): Document {
  const used = type.extensions.map(({ schema }) => schema.id).filter((id) => document[id] !== undefined);
  return { ...document, schemas: [type.schema.id, ...used] };
}

/** Throws unless every URN belongs to the type, and the type's own URN is among them. */
export function checkSchemas(schemas: unknown, type: ResourceType): void {
  if (!Array.isArray(schemas)) throw invalidValue('schemas', 'must be a list.');
  const known = [type.schema, ...type.extensions.map(({ schema }) => schema)];
  for (const each of schemas as readonly unknown[]) {
    if (typeof each !== 'string') throw invalidValue('schemas', 'must be a list of URNs.');
    if (!known.some(({ id }) => isSameName(each, id))) {
      throw invalidSyntax(`schemas: ${quote(each)} is not a schema of a ${type.name}.`);
    }
  }
  if (!schemas.some((each) => isSameName(each, type.schema.id))) {
    throw invalidSyntax(`schemas: ${type.schema.id} is missing.`);
  }
}
