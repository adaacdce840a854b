import { partsOf, readMessage } from '../message.ts';
import { invalidSyntax, isValues } from '../resource/value.ts';

/** RFC 7644, section 3.5.2. `path` is not parsed yet; `value` is undefined when there is none. */
export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace';
  readonly path: string | null;
  readonly value: unknown;
}

/** The most operations of one PATCH; without a path each attribute of the value counts. */
export const MAX_OPERATIONS = 200;

const ops: readonly unknown[] = ['add', 'remove', 'replace'];
const isOp = (op: unknown): op is PatchOperation['op'] => ops.includes(op);

/**
 * Reads the body of a PATCH. Field names and `op` may have any case ("Replace"); `schemas` may be missing. Throws
 * ScimError 400 `invalidSyntax`.
 */
export function readPatch(body: unknown, max = MAX_OPERATIONS): readonly PatchOperation[] {
  const operations = readMessage(body, 'urn:ietf:params:scim:api:messages:2.0:PatchOp')('Operations');
  if (!Array.isArray(operations) || operations.length === 0) {
    throw invalidSyntax('Operations must be a list of one or more.');
  }
  if (operations.length > max) throw tooMany(max);
  const read = operations.map(readOperation);
  if (read.reduce((sum, each) => sum + changesOf(each), 0) > max) throw tooMany(max);
  return read;
}

const tooMany = (max: number) =>
  invalidSyntax(`There are more than ${max} operations, or attributes in them.`);

const changesOf = ({ path, value }: PatchOperation): number =>
  path === null && isValues(value) ? Object.keys(value).length : 1;

function readOperation(operation: unknown, at: number): PatchOperation {
  const what = `Operations[${at}]`;
  const part = partsOf(operation, what);
  const given = part('op');
  const op = typeof given === 'string' ? given.toLowerCase() : given;
  if (!isOp(op)) throw invalidSyntax(`${what}.op must be "add", "remove" or "replace".`);
  const path = part('path') ?? null;
  if (path !== null && typeof path !== 'string') throw invalidSyntax(`${what}.path must be a string.`);
  const value = part('value');
  if (op !== 'remove' && value === undefined) throw invalidSyntax(`${what}.value is missing.`);
  return { op, path, value };
}
