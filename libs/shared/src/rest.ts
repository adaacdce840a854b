import { z } from 'zod';
import { errorCodes } from './errors.ts';
import { Person } from './person.ts';
import { RequestCause, RequestOutcome, RequestStatus, TimelineEvent } from './request.ts';
import { line } from './text.ts';

const instant = z.iso.datetime({ offset: true });
const id = z.uuid();

/** RFC 9457 problem details, with our closed list of codes and the fields at fault. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    code: z.enum(errorCodes),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;

/** What POST /v1/provisioning-requests takes. `issuer` is the tenant's own when left out. */
export const NewProvisioningRequest = Person.partial({ issuer: true }).meta({ id: 'NewProvisioningRequest' });
export type NewProvisioningRequest = z.infer<typeof NewProvisioningRequest>;

export const ProvisioningRequest = z
  .object({
    id,
    identityId: id,
    cause: RequestCause,
    status: RequestStatus,
    outcome: RequestOutcome.nullable(),
    boxUserId: z.string().nullable(),
    attempts: z.int(),
    createdAt: instant,
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    nextAttemptAt: instant.nullable(),
    retryOf: id.nullable(),
    error: z
      .object({ code: z.enum(errorCodes), title: z.string(), detail: z.string().nullable(), docs: z.string() })
      .nullable(),
    timeline: z.array(z.object({ at: instant, event: TimelineEvent, detail: z.string().nullable() })),
  })
  .meta({ id: 'ProvisioningRequest' });
export type ProvisioningRequest = z.infer<typeof ProvisioningRequest>;

/** A request in a list: everything but its timeline. */
export const ProvisioningRequestSummary = ProvisioningRequest.omit({ timeline: true }).meta({
  id: 'ProvisioningRequestSummary',
});
export type ProvisioningRequestSummary = z.infer<typeof ProvisioningRequestSummary>;

export const BoxAccount = z
  .object({
    boxUserId: z.string(),
    name: z.string(),
    status: z.enum(['active', 'inactive']),
    inStep: z.boolean(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'BoxAccount' });

export const Identity = z
  .object({
    id,
    issuer: z.string(),
    subject: z.string(),
    username: z.string(),
    email: z.string().nullable(),
    name: z.string(),
    active: z.boolean(),
    generation: z.int(),
    createdAt: instant,
    updatedAt: instant,
    boxAccount: BoxAccount.nullable(),
  })
  .meta({ id: 'Identity' });
export type Identity = z.infer<typeof Identity>;

export const Me = z
  .object({ identity: Identity, newestRequest: ProvisioningRequest.nullable() })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof Me>;

/** One line of the API audit log. `status` is the far end's HTTP status; null while open, or when no answer came. */
export const ApiCall = z
  .object({
    id: z.string(),
    at: instant,
    direction: z.enum(['in', 'out']),
    system: z.enum(['box', 'okta', 'foyer']),
    operation: z.string(),
    method: z.string(),
    path: z.string(),
    requestId: id.nullable(),
    identityId: id.nullable(),
    actor: z.string().nullable(),
    parameters: z.record(z.string(), z.unknown()),
    result: z.enum(['open', 'ok', 'refused', 'failed', 'ambiguous']),
    status: z.int().nullable(),
    error: z.string().nullable(),
    answer: z.record(z.string(), z.unknown()).nullable(),
    durationMs: z.number().nullable(),
  })
  .meta({ id: 'ApiCall' });
export type ApiCall = z.infer<typeof ApiCall>;

export const FolderItem = z
  .object({ type: z.enum(['file', 'folder', 'web_link']), id: z.string(), name: z.string() })
  .meta({ id: 'FolderItem' });
export type FolderItem = z.infer<typeof FolderItem>;

/** A page of a list, newest first. `nextCursor` is null on the last page. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

const paging = {
  cursor: line(512).min(1).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
};

export const RequestListQuery = z.strictObject({
  status: RequestStatus.optional(),
  identityId: id.optional(),
  ...paging,
});
export type RequestListQuery = z.infer<typeof RequestListQuery>;

export const IdentityListQuery = z.strictObject({
  subject: line(255).min(1).optional(),
  username: line(255).min(1).optional(),
  boxUserId: line(64).min(1).optional(),
  ...paging,
});
export type IdentityListQuery = z.infer<typeof IdentityListQuery>;

export const ApiCallListQuery = z.strictObject({
  requestId: id.optional(),
  identityId: id.optional(),
  direction: z.enum(['in', 'out']).optional(),
  status: z.coerce.number().int().min(100).max(599).optional(),
  result: z.enum(['ok', 'refused', 'failed', 'ambiguous']).optional(),
  from: instant.optional(),
  to: instant.optional(),
  ...paging,
});
export type ApiCallListQuery = z.infer<typeof ApiCallListQuery>;

export const FileListQuery = z.strictObject(paging);
export type FileListQuery = z.infer<typeof FileListQuery>;

export const IdParams = z.strictObject({ id });
export const IdempotencyKey = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks');
