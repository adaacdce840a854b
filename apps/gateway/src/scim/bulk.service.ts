import { Injectable } from '@nestjs/common';
import { toProblem } from '@foyer/platform';
import type { RecordedChange } from '@foyer/provisioning';
import {
  defaultSelection,
  planBulk,
  readBulk,
  resolveBulkIds,
  ScimError,
  toScimErrorBody,
  type BulkOperation,
  type PlannedEntry,
} from '@foyer/scim';
import { GroupsService } from './groups.service.ts';
import type { Asking, ResourceService } from './resource-service.ts';
import { locationOf } from './resources.ts';
import { UsersService } from './users.service.ts';

export const MAX_BULK_OPERATIONS = 1_000;

interface BulkAnswer {
  readonly method?: string;
  readonly bulkId?: string;
  readonly location?: string;
  readonly version?: string;
  readonly status: string;
  readonly response?: unknown;
}

interface Done {
  readonly status: number;
  readonly id: string;
  readonly etag: string | null;
  readonly requestId: string | null;
}

export type BulkContext = Pick<Asking, 'addresses' | 'unknown'> & {
  /** An operation as a call of its own, to be recorded with its change. */
  readonly callOf: (operation: BulkOperation) => RecordedChange;
};

/** The response to a bulk request, and its operations for the audit log. */
export interface BulkDone {
  readonly body: unknown;
  readonly failed: number;
  readonly requestIds: readonly string[];
}

/** Several operations in one request (RFC 7644, section 3.7), each like a call of its own. */
@Injectable()
export class BulkService {
  constructor(
    private readonly users: UsersService,
    private readonly groups: GroupsService,
  ) {}

  async carryOut(body: unknown, context: BulkContext): Promise<BulkDone> {
    const request = readBulk(body, { maxOperations: MAX_BULK_OPERATIONS });
    const answers = new Map<number, BulkAnswer>();
    const ids = new Map<string, string>();
    const requestIds: string[] = [];
    let errors = 0;
    for (const entry of planBulk(request)) {
      if (request.failOnErrors !== null && errors >= request.failOnErrors) break;
      const { requestId, ...answer } = await this.answerTo(entry, ids, context);
      if (requestId) requestIds.push(requestId);
      if (Number(answer.status) >= 400) errors += 1;
      answers.set(entry.index, answer);
    }
    const inOrder = [...answers].sort(([one], [other]) => one - other).map(([, answer]) => answer);
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkResponse'];
    return { body: { schemas, Operations: inOrder }, failed: errors, requestIds };
  }

  private async answerTo(
    entry: PlannedEntry,
    ids: Map<string, string>,
    context: BulkContext,
  ): Promise<BulkAnswer & { readonly requestId?: string | null }> {
    const told = {
      ...(entry.method !== null && { method: entry.method }),
      ...(entry.bulkId !== null && { bulkId: entry.bulkId }),
    };
    try {
      if (entry.operation === null) throw entry.refusal;
      const operation = resolveBulkIds(entry.operation, ids);
      const { status, id, etag, requestId } = await this.perform(operation, context);
      if (operation.bulkId !== null) ids.set(operation.bulkId, id);
      const location = locationOf(operation.type, id, context.addresses);
      return {
        ...told,
        location,
        ...(etag !== null && { version: etag }),
        status: String(status),
        requestId,
      };
    } catch (error) {
      const refusal = toScimError(error);
      const location = entry.operation?.id
        ? { location: `${context.addresses.scim}${entry.operation.path}` }
        : {};
      return { ...told, ...location, status: String(refusal.status), response: toScimErrorBody(refusal) };
    }
  }

  private async perform(operation: BulkOperation, context: BulkContext): Promise<Done> {
    const { method, type, data, version: expected } = operation;
    const service: ResourceService = type.name === 'User' ? this.users : this.groups;
    // The response does not show the group, so its members need not be read.
    const selection = { ...defaultSelection, excluded: new Map([['members', null]]) };
    const { addresses, unknown, callOf } = context;
    const asking: Asking = { addresses, unknown, selection, expected, call: callOf(operation) };
    const id = operation.id ?? '';
    switch (method) {
      case 'POST':
        return { ...(await service.create(data, asking)), status: 201 };
      case 'PUT':
        return { ...(await service.replace(id, data, asking)), status: 200 };
      case 'PATCH': {
        const { resource, ...answered } = await service.patch(id, data, asking);
        return { ...answered, status: resource === null ? 204 : 200 };
      }
      case 'DELETE':
        return {
          id,
          etag: null,
          status: 204,
          requestId: (await service.remove(id, asking))?.requestId ?? null,
        };
    }
  }
}

/** A server fault ends the whole request: finished operations stay, and the client sends the request again. */
function toScimError(error: unknown): ScimError {
  if (error instanceof ScimError) return error;
  if (toProblem(error).status >= 500) throw error;
  const { status, title, detail } = toProblem(error);
  return new ScimError(status, null, detail ?? title);
}
