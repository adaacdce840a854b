import { invalidSyntax, isValues, type Values } from './resource/value.ts';
import { isSameName } from './schema/text.ts';

/** A part of a message by its name, which is case insensitive as attributes' are; undefined when it is not there. */
export type Parts = (name: string) => unknown;

/** The parts of a JSON object. Throws `invalidSyntax` when it is none, or has one part twice in different case. */
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

/** The same for the body of a request that is no resource; `schemas` must have its URN if it is there at all. */
export function readMessage(body: unknown, urn: string): Parts {
  const part = partsOf(body, 'The body');
  const schemas = part('schemas');
  const isSaid = Array.isArray(schemas) && schemas.some((each) => isSameName(each, urn));
  if (schemas !== undefined && !isSaid) throw invalidSyntax(`schemas: ${urn} is missing.`);
  return part;
}

/** Leaves out what is undefined. */
export const withoutUndefined = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
