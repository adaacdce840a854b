import type {
  BoxChange,
  BoxProfile,
  BoxUser,
  CreateResult,
  Deletion,
  FolderPage,
  NewBoxUser,
  UserPage,
} from '@foyer/provisioning';
import type { Operation, Reading } from './interpret-response.ts';
import { readFolder, readFolderPage, readUser, readUserPage, readUsers, USER_FIELDS } from './wire.ts';

const extractOf = (user: BoxUser) => ({
  id: user.id,
  name: user.name,
  login: user.login,
  status: user.status,
  externalId: user.externalId,
});

function asUser(body: string | null): Reading<BoxUser> | undefined {
  const user = readUser(body);
  return user && { value: user, extract: extractOf(user) };
}

/** The values under Box's names, without undefined ones. */
const given = (values: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(isGiven));

const isGiven = (entry: [string, string | undefined]): entry is [string, string] => entry[1] !== undefined;

const profileBody = ({ language, timezone, jobTitle, phone, address }: BoxProfile): Record<string, string> =>
  given({ language, timezone, job_title: jobTitle, phone, address });

const HIDDEN = '[redacted]';

/**
 * The log is kept for years and never changes, so it records that a phone number or an address was set, but not its
 * value.
 */
const loggedProfile = ({ phone, address, ...rest }: BoxProfile): Record<string, string> =>
  given({
    ...rest,
    phone: phone === undefined ? undefined : HIDDEN,
    address: address === undefined ? undefined : HIDDEN,
  });

const none = { value: null, extract: {} };

/**
 * POST /2.0/users. A 409 means that the external id is taken, whatever its `code`, because Box documents none. The only
 * 409 known to mean something else is a clash of logins, which an app user cannot have.
 */
export const createUser = ({
  externalId,
  name,
  status,
  profile = {},
}: NewBoxUser): Operation<CreateResult> => ({
  name: 'create_user',
  method: 'POST',
  path: '/2.0/users',
  params: { fields: USER_FIELDS },
  body: {
    name,
    external_app_user_id: externalId,
    is_platform_access_only: true,
    ...given({ status }),
    ...profileBody(profile),
  },
  parameters: { externalId, name, ...given({ status }), ...loggedProfile(profile) },
  changes: true,
  accept(body) {
    const reading = asUser(body);
    return reading && { ...reading, value: { kind: 'created', user: reading.value } };
  },
  refuse(status, error) {
    if (status !== 409 || error.code === 'user_login_already_used') return undefined;
    return { value: { kind: 'exists', conflictId: error.conflictId ?? null }, extract: {} };
  },
});

/** GET /2.0/users?external_app_user_id=: exact, and only the users of this Box app. */
export const findUser = (externalId: string): Operation<BoxUser | null> => ({
  name: 'find_user',
  method: 'GET',
  path: '/2.0/users',
  params: { external_app_user_id: externalId, fields: USER_FIELDS },
  parameters: { externalId },
  changes: false,
  accept(body) {
    const page = readUsers(body);
    if (!page) return undefined;
    // If the filter ever matched loosely, the caller gets the wrong user and refuses to adopt it.
    const user = page.entries.find((entry) => entry.externalId === externalId) ?? page.entries[0];
    return user ? { value: user, extract: extractOf(user) } : none;
  },
});

export const readUserById = (boxUserId: string): Operation<BoxUser | null> => ({
  name: 'read_user',
  method: 'GET',
  path: `/2.0/users/${boxUserId}`,
  params: { fields: USER_FIELDS },
  parameters: { id: boxUserId },
  changes: false,
  accept: asUser,
  refuse: (status) => (status === 404 ? none : undefined),
});

/** PUT /2.0/users/:id. A 409 means that another user has the external id, because a login is never sent. */
export const updateUser = (
  boxUserId: string,
  { name, status, externalId, ...profile }: BoxChange,
): Operation<BoxUser> => ({
  name: 'update_user',
  method: 'PUT',
  path: `/2.0/users/${boxUserId}`,
  params: { fields: USER_FIELDS },
  body: { ...given({ name, status, external_app_user_id: externalId }), ...profileBody(profile) },
  parameters: { id: boxUserId, ...given({ name, status, externalId }), ...loggedProfile(profile) },
  changes: true,
  accept: asUser,
  refuse(status) {
    if (status === 409) return 'box_conflict';
    return status === 404 ? 'box_user_missing' : undefined;
  },
});

/**
 * DELETE /2.0/users/:id without `force`, which would delete the user's content. Box answers 400 for a user that owns
 * content; only the message differs from other 400s, because `code` is bad_request. For a retention policy or a legal
 * hold Box answers 403 with the same `forbidden` as for a missing scope (support.box.com, article 33282413279635).
 */
export const deleteUser = (boxUserId: string): Operation<Deletion> => ({
  name: 'delete_user',
  method: 'DELETE',
  path: `/2.0/users/${boxUserId}`,
  parameters: { id: boxUserId },
  changes: true,
  accept: () => ({ value: 'deleted', extract: {} }),
  refuse(status, error) {
    if (status === 404) return { value: 'deleted', extract: {} };
    const message = error.message ?? '';
    const ownsContent = status === 400 && /managed content/i.test(message);
    const isHeld = status === 403 && /\b(retention|legal hold|on hold|hold polic)/i.test(message);
    if (ownsContent) return { value: 'owns-content', extract: {} };
    return isHeld ? { value: 'on-hold', extract: {} } : undefined;
  },
});

/**
 * GET /2.0/users, paged by marker. `managed` in Box's API covers managed and app users; those of other Box apps are
 * never shown. Names are not logged, because a page has up to 1000 people.
 */
export const listUsers = (query: { limit: number; marker?: string }): Operation<UserPage> => ({
  name: 'list_users',
  method: 'GET',
  path: '/2.0/users',
  params: {
    user_type: 'managed',
    usemarker: 'true',
    limit: String(query.limit),
    fields: USER_FIELDS,
    ...(query.marker !== undefined && { marker: query.marker }),
  },
  parameters: { limit: query.limit, firstPage: query.marker === undefined },
  changes: false,
  accept(body) {
    const page = readUserPage(body);
    return page && { value: page, extract: { users: page.users.length, lastPage: page.nextMarker === null } };
  },
});

/** GET /2.0/folders/:id/items, paged by marker. The names of a person's files are not logged. */
export const listFolder = (query: {
  boxUserId: string;
  folderId: string;
  limit: number;
  marker?: string;
}): Operation<FolderPage> => ({
  name: 'list_folder',
  method: 'GET',
  path: `/2.0/folders/${query.folderId}/items`,
  params: {
    usemarker: 'true',
    limit: String(query.limit),
    fields: 'type,id,name,parent',
    ...(query.marker !== undefined && { marker: query.marker }),
  },
  asUser: query.boxUserId,
  parameters: { folderId: query.folderId, limit: query.limit, firstPage: query.marker === undefined },
  changes: false,
  accept(body) {
    const page = readFolderPage(body);
    return page && { value: page, extract: { items: page.items.length, lastPage: page.nextMarker === null } };
  },
  refuse: (status) => (status === 404 ? 'not_found' : undefined),
});

/** GET /2.0/folders/:id: its name, which is not logged. */
export const readFolderName = (query: { boxUserId: string; folderId: string }): Operation<string> => ({
  name: 'read_folder',
  method: 'GET',
  path: `/2.0/folders/${query.folderId}`,
  params: { fields: 'name' },
  asUser: query.boxUserId,
  parameters: { folderId: query.folderId },
  changes: false,
  accept(body) {
    const name = readFolder(body);
    return name === undefined ? undefined : { value: name, extract: {} };
  },
  refuse: (status) => (status === 404 ? 'not_found' : undefined),
});

/**
 * GET /2.0/files/:id/content. Box answers 302 with a short-lived address that needs no token. The address is a secret, so
 * no part of it is recorded. Only addresses that are safe for a browser are accepted: `https:`, or Box's own `origin`.
 * 202 means that the file is not ready yet.
 */
export const locateContent = (
  query: { boxUserId: string; fileId: string },
  origin: string,
): Operation<string> => ({
  name: 'locate_content',
  method: 'GET',
  path: `/2.0/files/${query.fileId}/content`,
  asUser: query.boxUserId,
  parameters: { fileId: query.fileId },
  changes: false,
  accept: () => undefined,
  redirected(location) {
    const url = URL.parse(location ?? '');
    const isSafe = url?.protocol === 'https:' || url?.origin === origin;
    if (!url || !isSafe || url.username !== '' || url.password !== '') return undefined;
    return url.href.length > ADDRESS_MAX ? undefined : { value: url.href, extract: {} };
  },
  refuse: (status) => (status === 404 ? 'not_found' : undefined),
});

/** Servers and proxies refuse longer headers. */
const ADDRESS_MAX = 4_096;
