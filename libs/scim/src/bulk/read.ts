import { ScimError } from '../errors.ts';
import { partsOf, readMessage } from '../message.ts';
import { invalidSyntax, invalidValue, isValues } from '../resource/value.ts';
import type { ResourceType } from '../schema/attribute.ts';
import { resourceTypes } from '../schema/resource-types.ts';
import { quote } from '../schema/text.ts';

/** RFC 7644, section 3.7. `id` is null for a POST, and may still be "bulkId:…". `data` is the body, not read yet. */
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

/** `failOnErrors` is null where all operations are tried whatever fails. */
export interface BulkRequest {
  readonly failOnErrors: number | null;
  readonly operations: readonly BulkOperation[];
}

const MAX_BULK_ID_LENGTH = 1_024;
/** Objects and lists in each other. No resource of ours comes near. */
const MAX_DATA_DEPTH = 20;

const methods = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * Reads the body of a POST to /Bulk. Throws ScimError: 413 for too many operations (RFC 7644, section 3.7.4), 400
 * `invalidSyntax` and `invalidValue` for what cannot be understood. What is wrong inside of `data` is its operation's own affair.
 */
export function readBulk(body: unknown, limits: { readonly maxOperations: number }): BulkRequest {
  const part = readMessage(body, 'urn:ietf:params:scim:api:messages:2.0:BulkRequest');
  const operations = part('Operations');
  if (!Array.isArray(operations) || operations.length === 0) {
    throw invalidSyntax('Operations must be a list of one or more.');
  }
  if (operations.length > limits.maxOperations) {
    throw new ScimError(413, null, `There are more than ${limits.maxOperations} operations.`);
  }
  const failOnErrors = part('failOnErrors') ?? null;
  if (failOnErrors !== null && !(Number.isSafeInteger(failOnErrors) && Number(failOnErrors) > 0)) {
    throw invalidValue('failOnErrors', 'must be a positive integer.');
  }
  const read = operations.map(readOperation);
  const bulkIds = read.flatMap(({ bulkId }) => bulkId ?? []);
  const twice = bulkIds.find((bulkId, at) => bulkIds.indexOf(bulkId) !== at);
  if (twice !== undefined) throw invalidValue('bulkId', `${quote(twice)} is given twice.`);
  return { failOnErrors: failOnErrors as number | null, operations: read };
}

function readOperation(given: unknown, at: number): BulkOperation {
  const what = `Operations[${at}]`;
  const part = partsOf(given, what);
  const text = (name: string): string | null => {
    const value = part(name) ?? null;
    if (value !== null && (typeof value !== 'string' || value.length > MAX_BULK_ID_LENGTH)) {
      throw invalidSyntax(`${what}.${name} must be a string of at most ${MAX_BULK_ID_LENGTH} characters.`);
    }
    return value;
  };
  const method = methods.find((each) => each === text('method')?.toUpperCase());
  if (method === undefined) throw invalidSyntax(`${what}.method must be one of ${methods.join(', ')}.`);
  const path = text('path') ?? '';
  const target = targetOf(path);
  if (target === null || (target.id === null) !== (method === 'POST')) {
    throw invalidValue(
      `${what}.path`,
      'must be /Users or /Groups for a POST, and name one of them otherwise.',
    );
  }
  const bulkId = text('bulkId');
  if (method === 'POST' && (bulkId ?? '') === '') throw invalidSyntax(`${what}.bulkId is missing.`);
  const data = part('data') ?? null;
  if (method !== 'DELETE' && !isValues(data)) throw invalidSyntax(`${what}.data must be a JSON object.`);
  if (isDeeperThan(MAX_DATA_DEPTH, data)) throw invalidSyntax(`${what}.data is nested too deep.`);
  return { method, path, ...target, bulkId, version: text('version'), data };
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
