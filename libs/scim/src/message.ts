import { invalidSyntax, isValues, type Values } from './resource/value.ts';
import { isSameName } from './schema/text.ts';

/**
 * Reads a field of a message by its name, which is case insensitive as attribute names are; undefined when it is
 * missing.
 */
export type Parts = (name: string) => unknown;

/**
 * The fields of a JSON object. Throws `invalidSyntax` when the value is not an object, or has one field twice in
 * different case.
 */
export function partsOf(value: unknown, what: string): Parts {
  if (!isValues(value)) throw invalidSyntax(`${what} must be a JSON object.`);
  const parts = new Map<string, unknown>();
  for (const [key, part] of Object.entries(value)) {
    const name = key.toLowerCase();
    if (parts.has(name)) throw invalidSyntax(`${what} has "${name.slice(0, 80).toWellFormed()}" twice.`);
    parts.set(name, part);
  }
  return (name) => parts.get(name.toLowerCase());
}

/** The same for a request body that is not a resource; if it has `schemas`, that must contain the URN. */
export function readMessage(body: unknown, urn: string): Parts {
  const part = partsOf(body, 'The body');
  const schemas = part('schemas');
  const isSaid = Array.isArray(schemas) && schemas.some((each) => isSameName(each, urn));
  if (schemas !== undefined && !isSaid) throw invalidSyntax(`schemas: ${urn} is missing.`);
  return part;
}

/** Removes undefined values. */
export const withoutUndefined = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
