import type { MadeRequest } from '@foyer/persistence';
import type { RecordedChange } from '@foyer/provisioning';
import { ScimError, type Document, type ListQuery, type ResourceType, type Selection } from '@foyer/scim';
import { isId } from '@foyer/shared';
import type { Addresses } from './resources.ts';
import type { UnknownNames } from './unknown/unknown-names.ts';

/** A resource as it is to be answered with. `resource` is null where the answer has no body. */
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
  /** If-Match, or a bulk operation's version; null for any. */
  readonly expected: string | null;
  readonly unknown: UnknownNames;
  /** The call, to go on record with what it changes. */
  readonly call: RecordedChange;
}

/**
 * What SCIM does with one type of resource, whichever way it is asked. A write is done when our database has it; Box follows.
 * Throws ScimError: 404 for what is not there, 412 for what has changed, 409 `uniqueness`, and what is wrong with a body.
 */
export interface ResourceService {
  readonly type: ResourceType;
  list(query: ListQuery, addresses: Addresses): Promise<AnsweredPage>;
  find(id: string, asking: Asking): Promise<Answered>;
  create(body: unknown, asking: Asking): Promise<Answered>;
  replace(id: string, body: unknown, asking: Asking): Promise<Answered>;
  patch(id: string, body: unknown, asking: Asking): Promise<Answered>;
  /** The request that brings Box in step; null when nothing was left to do. */
  remove(id: string, asking: Asking): Promise<Pick<MadeRequest, 'requestId'> | null>;
}

/** What is no id of ours is nobody's, and never reaches the database. */
export function checkId(id: string, type: ResourceType): string {
  if (!isId(id)) throw notFound(id, type);
  return id.toLowerCase();
}

export const notFound = (id: string, { name }: ResourceType): ScimError =>
  new ScimError(404, null, `There is no ${name} ${id.slice(0, 80).toWellFormed()}.`);
