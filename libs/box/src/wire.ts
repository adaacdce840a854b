import type { BoxGroup, BoxUser, FolderPage, UserPage } from '@foyer/provisioning';
import { z } from 'zod';

/** The requested fields of a user: without `fields` Box leaves out the external id and the kind of user. */
export const USER_FIELDS = 'id,name,login,status,external_app_user_id,is_platform_access_only';

const boxId = z.string().regex(/^\d{1,20}$/);

/** True for the id of a Box item or user: only digits, so it cannot change a path. */
export const isBoxId = (id: string): boolean => boxId.safeParse(id).success;

/**
 * A user in Box's answer (schema User--Full). Only the id is required: a created user must not be lost because another
 * field has an unexpected shape.
 */
const user = z
  .object({
    id: boxId,
    name: z.string().catch(''),
    login: z.string().catch(''),
    status: z.string().catch('active'),
    external_app_user_id: z.string().nullable().catch(null),
    is_platform_access_only: z.boolean().catch(false),
  })
  .transform((raw): BoxUser => ({
    id: raw.id,
    name: raw.name,
    login: raw.login,
    status: raw.status === 'inactive' ? 'inactive' : 'active',
    externalId: raw.external_app_user_id,
    isAppUser: raw.is_platform_access_only,
  }));

const users = z.object({ entries: z.array(user) });

const userPage = z
  .object({ entries: z.array(user), next_marker: z.string().nullish() })
  .transform((raw): UserPage => ({
    users: raw.entries.filter((entry) => entry.isAppUser),
    nextMarker: raw.next_marker || null,
  }));

const folderPage = z
  .object({
    entries: z.array(
      z.object({
        type: z.enum(['file', 'folder', 'web_link']),
        id: boxId,
        name: z.string(),
        parent: z.object({ id: z.string(), name: z.string() }).nullish().catch(null),
      }),
    ),
    next_marker: z.string().nullish(),
  })
  .transform((raw): FolderPage => {
    const folder = raw.entries[0]?.parent;
    return {
      items: raw.entries.map(({ type, id, name }) => ({ type, id, name })),
      nextMarker: raw.next_marker || null,
      folderName: folder && folder.id !== '0' ? folder.name : null,
    };
  });

/** A folder, of which only the name is requested. */
const folderName = z.object({ name: z.string() }).transform((raw): string => raw.name);

/** The requested fields of a group. */
export const GROUP_FIELDS = 'id,name';

/** A group in Box's answer (schema Group--Full). The name is required, because groups are found by it. */
const group = z
  .object({ id: boxId, name: z.string() })
  .transform((raw): BoxGroup => ({ id: raw.id, name: raw.name }));

const membership = z.object({ id: boxId });

/** A membership in a listing (schema GroupMembership). */
const listedMembership = z
  .object({ id: boxId, user: z.object({ id: boxId }), group: z.object({ id: boxId }) })
  .transform((raw) => ({ id: raw.id, userId: raw.user.id, groupId: raw.group.id }));

/** A page by offset. `limit` as Box applied it; `total` is one more than the last offset. Undefined: not sent. */
export interface OffsetPage<T> {
  readonly entries: readonly T[];
  readonly total: number | undefined;
  readonly limit: number | undefined;
}

const count = z.number().int().nonnegative().optional().catch(undefined);

const offsetPage = <T>(entry: z.ZodType<T>) =>
  z.object({ entries: z.array(entry), total_count: count, limit: count }).transform((raw): OffsetPage<T> => ({
    entries: raw.entries,
    total: raw.total_count,
    limit: raw.limit || undefined,
  }));

const HOUR_SECONDS = 3600;

/** RFC 6749, 5.1. The token is sent in a header, so it must be printable ASCII. */
const token = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().nonnegative().catch(HOUR_SECONDS),
});
export type TokenGrant = z.infer<typeof token>;

const text = z.string().min(1).optional().catch(undefined);
const conflict = z.object({ id: boxId });
const problem = z.object({ name: text, message: text });

/** Box's ClientError, or an OAuth error (RFC 6749, 5.2); a field of the wrong type counts as absent. */
const error = z.object({
  code: text,
  message: text,
  error: text,
  error_description: text,
  request_id: text,
  context_info: z
    .object({
      conflicts: z
        .union([conflict, z.array(conflict).transform((list) => list[0])])
        .optional()
        .catch(undefined),
      errors: z.array(problem).catch([]),
    })
    .optional()
    .catch(undefined),
});

/** An error from Box, with the fields that could be read. */
export interface BoxError {
  readonly code?: string;
  readonly message?: string;
  readonly requestId?: string;
  readonly conflictId?: string;
  readonly problems: readonly { readonly name?: string; readonly message?: string }[];
}

export function readError(body: string | null): BoxError {
  const parsed = error.safeParse(parseJson(body));
  if (!parsed.success) return { problems: [] };
  const { code, message, request_id: requestId, context_info: context } = parsed.data;
  return {
    code: code ?? parsed.data.error,
    message: message ?? parsed.data.error_description,
    requestId,
    conflictId: context?.conflicts?.id,
    problems: context?.errors ?? [],
  };
}

const reader =
  <T>(schema: z.ZodType<T>) =>
  (body: string | null): T | undefined =>
    schema.safeParse(parseJson(body)).data;

/** Each reads a 2xx body; undefined when it is not what Box documents. */
export const readUser = reader(user);
export const readUsers = reader(users);
export const readUserPage = reader(userPage);
export const readFolderPage = reader(folderPage);
export const readFolder = reader(folderName);
export const readGroup = reader(group);
export const readGroupPage = reader(offsetPage(group));
export const readMembership = reader(membership);
export const readMembershipPage = reader(offsetPage(listedMembership));
export const readToken = reader(token);

function parseJson(body: string | null): unknown {
  if (body === null) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const RETRY_AFTER_MAX_MS = 24 * 3_600_000;
/** A shorter wait is ignored: otherwise Box could make us retry as fast as we can. */
const RETRY_AFTER_MIN_MS = 1_000;

/**
 * Retry-After (RFC 9110, 10.2.3) in milliseconds: seconds or an HTTP date, at most a day. Undefined when absent, not
 * readable, or less than a second: the caller then uses its own growing wait.
 */
export function readRetryAfter(
  headers: Readonly<Record<string, string>>,
  now = Date.now(),
): number | undefined {
  const value = headers['retry-after']?.trim();
  if (!value) return undefined;
  // Date.parse would read "-5" as a year.
  const ms = /^[-+]?\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return ms >= RETRY_AFTER_MIN_MS ? Math.min(Math.ceil(ms), RETRY_AFTER_MAX_MS) : undefined;
}
