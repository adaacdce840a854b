import { KeyConflict } from '@foyer/directory';
import type { OpenedRequest } from '@foyer/persistence';
import type { RecordedChange } from '@foyer/provisioning';
import { ScimError, type Document, type ListQuery, type ResourceType, type Selection } from '@foyer/scim';
import { isId } from '@foyer/shared';
import type { Addresses } from './resources.ts';
import type { UnknownNames } from './unknown/unknown-names.ts';

/** A resource for the response. `resource` is null when the response has no body. */
export interface Answered {
  readonly id: string;
  readonly etag: string;
  readonly resource: Document | null;
  readonly requestId: string | null;
}

/** A page of resources. `nextCursor` is null at the end, and for pages by index. */
export interface AnsweredPage {
  readonly total: number;
  readonly resources: readonly Document[];
  readonly nextCursor: string | null;
}

export interface Asking {
  readonly addresses: Addresses;
  readonly selection: Selection;
  /** The version that If-Match or a bulk operation expects; null for any. */
  readonly expected: string | null;
  readonly unknown: UnknownNames;
  /** The call, to be recorded with its change. */
  readonly call: RecordedChange;
}

/**
 * The SCIM operations on one type of resource, for single and bulk calls. A write is complete when our database has it;
 * Box follows. Throws ScimError: 404 for a missing resource, 412 for a changed one, 409 `uniqueness`, and 400 for an
 * invalid body.
 */
export interface ResourceService {
  readonly type: ResourceType;
  list(query: ListQuery, addresses: Addresses): Promise<AnsweredPage>;
  find(id: string, asking: Asking): Promise<Answered>;
  create(body: unknown, asking: Asking): Promise<Answered>;
  replace(id: string, body: unknown, asking: Asking): Promise<Answered>;
  patch(id: string, body: unknown, asking: Asking): Promise<Answered>;
  /** The request that makes Box match; null when Box needs no change. */
  remove(id: string, asking: Asking): Promise<Pick<OpenedRequest, 'requestId'> | null>;
}

/** A text that does not have the form of our ids never reaches the database. */
export function checkId(id: string, type: ResourceType): string {
  if (!isId(id)) throw notFound(id, type);
  return id.toLowerCase();
}

export const notFound = (id: string, { name }: ResourceType): ScimError =>
  new ScimError(404, null, `There is no ${name} ${id.slice(0, 80).toWellFormed()}.`);

/** 409 for a conflict of keys; any other error as it is. */
export async function withConflicts<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof KeyConflict)) throw error;
    const keys = error.keys.join(' and this ') || 'userName or externalId';
    const holder = error.holder === null ? '' : ` (${error.holder})`;
    throw new ScimError(
      409,
      'uniqueness',
      `Another ${error.of}${holder} has this ${keys}. Search for it with a filter.`,
    );
  }
}
