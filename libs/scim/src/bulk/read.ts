import { ScimError } from '../errors.ts';
import { partsOf, readMessage, type Parts } from '../message.ts';
import { invalidSyntax, invalidValue, isValues } from '../resource/value.ts';
import type { ResourceType } from '../schema/attribute.ts';
import { resourceTypes } from '../schema/resource-types.ts';
import { isSameName, quote } from '../schema/text.ts';

/**
 * One operation (RFC 7644, section 3.7). `id` is null for a POST, and may still be "bulkId:…". `data` is the body, not
 * parsed yet.
 */
export interface BulkOperation {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly type: ResourceType;
  readonly id: string | null;
  readonly bulkId: string | null;
  /** The entity tag that the resource must still have. */
  readonly version: string | null;
  readonly data: unknown;
}

/**
 * One entry of the request: an operation, or the error that it is answered with. `method` and `bulkId` are repeated in
 * the answer; null when they are not valid either.
 */
export type BulkEntry = { readonly method: string | null; readonly bulkId: string | null } & (
  | { readonly operation: BulkOperation; readonly refusal: null }
  | { readonly operation: null; readonly refusal: ScimError }
);

/** `failOnErrors` is null when all operations are tried, whatever fails. */
export interface BulkRequest {
  readonly failOnErrors: number | null;
  readonly entries: readonly BulkEntry[];
}

const MAX_BULK_ID_LENGTH = 1_024;
/** The deepest nesting of objects and lists; far more than any of our resources needs. */
const MAX_DATA_DEPTH = 20;

const methods = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * Reads the body of a POST to /Bulk. Throws ScimError 413 for too many operations (RFC 7644, section 3.7.4), and 400
 * `invalidSyntax` or `invalidValue` for an invalid bulk request; an invalid operation is only refused itself.
 */
export function readBulk(body: unknown, limits: { readonly maxOperations: number }): BulkRequest {
  const part = readMessage(body, 'urn:ietf:params:scim:api:messages:2.0:BulkRequest');
  const operations = part('Operations');
  if (!Array.isArray(operations) || operations.length === 0) {
    throw invalidSyntax('Operations must be a list of one or more.');
  }
  if (operations.length > limits.maxOperations) {
    throw new ScimError(413, null, `The request has more than ${limits.maxOperations} operations.`);
  }
  const failOnErrors = part('failOnErrors') ?? null;
  if (failOnErrors !== null && !(Number.isSafeInteger(failOnErrors) && Number(failOnErrors) > 0)) {
    throw invalidValue('failOnErrors', 'must be a positive integer.');
  }
  const entries = operations.map(readEntry);
  const bulkIds = new Set<string>();
  for (const { bulkId } of entries) {
    if (bulkId !== null && bulkIds.has(bulkId))
      throw invalidValue('bulkId', `${quote(bulkId)} occurs twice.`);
    if (bulkId !== null) bulkIds.add(bulkId);
  }
  return { failOnErrors: failOnErrors as number | null, entries };
}

function readEntry(given: unknown, at: number): BulkEntry {
  const what = `Operations[${at}]`;
  const part = partsOf(given, what);
  const method = methods.find((each) => isSameName(part('method'), each)) ?? null;
  const bulkId = part('bulkId');
  const isName = typeof bulkId === 'string' && bulkId !== '' && bulkId.length <= MAX_BULK_ID_LENGTH;
  const known = { method, bulkId: isName ? bulkId : null };
  try {
    return { ...known, operation: readOperation(part, known, what), refusal: null };
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    return { ...known, method: method ?? methodAsGiven(part('method')), operation: null, refusal: error };
  }
}

/** What the answer repeats of an unknown method; null when it is not a name. */
const methodAsGiven = (method: unknown): string | null =>
  typeof method === 'string' && /^[\w-]{1,20}$/.test(method) ? method : null;

function readOperation(
  part: Parts,
  { method, bulkId }: { method: BulkOperation['method'] | null; bulkId: string | null },
  what: string,
): BulkOperation {
  if (method === null) throw invalidSyntax(`${what}.method must be one of ${methods.join(', ')}.`);
  const path = part('path');
  const target = typeof path === 'string' ? targetOf(path) : null;
  if (typeof path !== 'string' || target === null || (target.id === null) !== (method === 'POST')) {
    throw invalidValue(
      `${what}.path`,
      'must be /Users or /Groups for a POST, and the path of one resource for other methods.',
    );
  }
  if (method === 'POST' && bulkId === null) throw invalidSyntax(`${what}.bulkId is missing, or too long.`);
  const version = part('version') ?? null;
  if (version !== null && typeof version !== 'string')
    throw invalidSyntax(`${what}.version must be a string.`);
  const data = part('data') ?? null;
  if (method !== 'DELETE' && !isValues(data)) throw invalidSyntax(`${what}.data must be a JSON object.`);
  if (isDeeperThan(MAX_DATA_DEPTH, data)) throw invalidSyntax(`${what}.data is nested too deep.`);
  return { method, path, ...target, bulkId, version, data };
}

/** `/Users`, or `/Users/{id}`. */
function targetOf(path: string): { type: ResourceType; id: string | null } | null {
  const [before, endpoint, id, ...others] = path.split('/');
  const type = resourceTypes.find((each) => each.endpoint === `/${endpoint}`);
  if (before !== '' || type === undefined || id === '' || others.length > 0) return null;
  return { type, id: id ?? null };
}

const isDeeperThan = (depth: number, data: unknown): boolean =>
  typeof data === 'object' &&
  data !== null &&
  (depth === 0 || Object.values(data).some((each) => isDeeperThan(depth - 1, each)));
