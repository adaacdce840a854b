import { z } from 'zod';
import { errorCodes, failureCodes } from './errors.ts';
import { Person } from './person.ts';
import { RequestCause, RequestOutcome, RequestStatus, TimelineEvent } from './request.ts';
import { line } from './text.ts';

const instant = z.iso.datetime({ offset: true });
const id = z.uuid();
/** Ids are compared in lower case, as Foyer issues them. */
const givenId = id.toLowerCase();

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

/** The body of POST /v1/provisioning-requests. `issuer` defaults to the tenant's own. */
export const NewProvisioningRequest = Person.partial({ issuer: true }).meta({ id: 'NewProvisioningRequest' });
export type NewProvisioningRequest = z.infer<typeof NewProvisioningRequest>;

export const ProvisioningRequest = z
  .object({
    id,
    identityId: id.nullable().describe('The person of the request; null for a request of a group.'),
    groupId: id
      .nullable()
      .describe('The SCIM id of the group of the request; null for a request of a person.'),
    cause: RequestCause,
    status: RequestStatus,
    outcome: RequestOutcome.nullable(),
    boxUserId: z.string().nullable().describe('The Box user of the person, as soon as it exists.'),
    boxGroupId: z.string().nullable().describe('The Box group of the group, as soon as it exists.'),
    attempts: z.int(),
    createdAt: instant,
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    nextAttemptAt: instant.nullable(),
    retryOf: id.nullable(),
    error: z
      .object({
        code: z.enum(errorCodes),
        title: z.string(),
        detail: z.string().nullable(),
        docs: z.string(),
      })
      .nullable(),
    timeline: z.array(z.object({ at: instant, event: TimelineEvent, detail: z.string().nullable() })),
  })
  .meta({ id: 'ProvisioningRequest' });
export type ProvisioningRequest = z.infer<typeof ProvisioningRequest>;

/** A request in a list: everything except its timeline. */
export const ProvisioningRequestSummary = ProvisioningRequest.omit({ timeline: true }).meta({
  id: 'ProvisioningRequestSummary',
});
export type ProvisioningRequestSummary = z.infer<typeof ProvisioningRequestSummary>;

export const BoxAccount = z
  .object({
    boxUserId: z.string(),
    name: z.string(),
    status: z.enum(['active', 'inactive']),
    /** When Box reported that the user does not exist; null while the user exists. */
    missingSince: instant.nullable(),
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
    mergedInto: id
      .nullable()
      .describe('The identity into which an operator merged this one; null for an identity that stands.'),
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

/**
 * One line of the API audit log. `status` is the remote service's HTTP status; null while the call is open, or if no
 * answer came.
 */
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

/** A query parameter that is a time, limited to the years 1 to 9999 in UTC, which every component can store. */
const earliest = Date.parse('0001-01-01T00:00:00Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');
const time = instant.refine((text) => {
  const at = Date.parse(text);
  return at >= earliest && at <= latest;
}, 'must be in the years 1 to 9999');

/** A query parameter that is a whole number: digits only. */
const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^[0-9]{1,9}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum))
    .meta({ override: { type: 'integer', pattern: undefined, minimum, maximum } });

const paging = {
  cursor: line(4_096)
    .min(1)
    .optional()
    .describe('The `nextCursor` of the previous page; leave it out for the first page.'),
  limit: wholeNumber(1, 200)
    .default(50)
    .describe('The maximum number of items on a page; the default is 50.'),
};

export const RequestListQuery = z.strictObject({
  status: RequestStatus.optional().describe('Only requests with this status.'),
  errorCode: z.enum(failureCodes).optional().describe('Only requests whose last error had this code.'),
  identityId: givenId.optional().describe('Only requests of this identity.'),
  groupId: givenId.optional().describe('Only requests of this group.'),
  ...paging,
});
export type RequestListQuery = z.infer<typeof RequestListQuery>;

export const IdentityListQuery = z.strictObject({
  subject: line(255).min(1).optional().describe('The exact Okta user id.'),
  username: line(255).min(1).optional().describe('The exact Okta user name.'),
  boxUserId: line(64).min(1).optional().describe('The id of the Box user that the identity is mapped to.'),
  ...paging,
});
export type IdentityListQuery = z.infer<typeof IdentityListQuery>;

export const ApiCallListQuery = z.strictObject({
  requestId: givenId.optional().describe('Only calls made for this provisioning request.'),
  identityId: givenId.optional().describe('Only calls made for this identity.'),
  direction: z.enum(['in', 'out']).optional().describe('`in`: calls to this API; `out`: calls to Box.'),
  status: wholeNumber(100, 599).optional().describe('Only calls answered with this HTTP status.'),
  result: z
    .enum(['ok', 'refused', 'failed', 'ambiguous'])
    .optional()
    .describe('Only calls with this result.'),
  from: time.optional().describe('Only calls at or after this time.'),
  to: time.optional().describe('Only calls before this time.'),
  ...paging,
});
export type ApiCallListQuery = z.infer<typeof ApiCallListQuery>;

export const BatchListQuery = z.strictObject(paging);
export type BatchListQuery = z.infer<typeof BatchListQuery>;

/** Box's ids are digits; '0' is the top folder. */
export const BoxItemId = z.string().regex(/^[0-9]{1,20}$/, 'must be the id of a Box item');

export const FileListQuery = z.strictObject({
  folder: BoxItemId.default('0').describe('The Box id of the folder to list; the default is the top folder.'),
  ...paging,
});
export type FileListQuery = z.infer<typeof FileListQuery>;

export const FileParams = z.strictObject({ id: BoxItemId.describe('The Box id of the file.') });
export type FileParams = z.infer<typeof FileParams>;

export const IdParams = z.strictObject({ id: givenId.describe('The id that Foyer gave it.') });
export type IdParams = z.infer<typeof IdParams>;
/** The body of POST /v1/provisioning-requests/retries. */
export const NewRetries = z
  .strictObject({ errorCode: z.enum(failureCodes).describe('All dead letters of this code.') })
  .meta({ id: 'NewRetries' });
export type NewRetries = z.infer<typeof NewRetries>;

/**
 * The result of retrying all requests that failed with a code. `deactivated`: people who were skipped because Okta
 * deactivated them and they have no Box user.
 */
export const Retries = z.object({ retried: z.int(), deactivated: z.int() }).meta({ id: 'Retries' });
export type Retries = z.infer<typeof Retries>;

/** The body of a POST that takes none. */
export const NoBody = z.strictObject({}).optional();
export const IdempotencyKey = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');
