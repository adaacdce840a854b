import type {
  BoxGroup,
  BoxGroupsPort,
  BoxPort,
  BoxResult,
  CallContext,
  MembershipKey,
  NewBoxUser,
} from '@foyer/provisioning';
import { AuthorizedCalls } from './authorized-calls.ts';
import { fault } from './interpret-response.ts';
import { BoxConfigError } from './jwt-config.ts';
import * as groups from './operations-groups.ts';
import {
  createUser,
  deleteUser,
  findUser,
  listFolder,
  listUsers,
  locateContent,
  readFolderName,
  readUserById,
  updateUser,
} from './operations.ts';
import type { BoxOptions } from './options.ts';
import { isBoxId, type OffsetPage } from './wire.ts';

export interface Box extends BoxPort, BoxGroupsPort {
  /** For how many seconds Box has refused our credentials, and its message; null while it accepts them. */
  credentialsProblem(): { readonly seconds: number; readonly detail: string } | null;
  /** Waits for calls under way, then closes the connections. Later calls reject. */
  close(): Promise<void>;
}

const DEFAULT_ORIGIN = 'https://api.box.com';
const PAGE_MAX = 1000;
/** The largest offset that Box accepts in a listing (OpenAPI, get_groups). */
const OFFSET_MAX = 10_000;

/**
 * Box through its SDK: a port call is one HTTP request, and at most one more for a token. Only a 401 leads to a new
 * token and a second request, each recorded as a call, because a 401 is a definite refusal. Every HTTP request is
 * limited to `timeoutMs`, a port call to four of them. Throws BoxConfigError for invalid options.
 */
export function createBox(options: BoxOptions): Box {
  return new BoxAdapter(options);
}

/** What each port call means at Box: its input is checked here, the calls themselves are `AuthorizedCalls`. */
class BoxAdapter implements Box {
  readonly #origin: string;
  readonly #calls: AuthorizedCalls;

  constructor(options: BoxOptions) {
    this.#origin = originOf(options.baseUrl ?? DEFAULT_ORIGIN);
    this.#calls = new AuthorizedCalls(this.#origin, options);
  }

  async createUser(context: CallContext, user: NewBoxUser) {
    if (user.externalId === '') return invalid('The external id is empty.');
    return this.#calls.run(context, createUser(user));
  }

  async findUser(context: CallContext, externalId: string) {
    // Box ignores an empty filter and would return all users.
    if (externalId === '') return invalid('The external id is empty.');
    return this.#calls.run(context, findUser(externalId));
  }

  async readUser(context: CallContext, boxUserId: string) {
    return isBoxId(boxUserId)
      ? this.#calls.run(context, readUserById(boxUserId))
      : invalid('A Box user id consists of digits.');
  }

  async updateUser(context: CallContext, boxUserId: string, change: Parameters<BoxPort['updateUser']>[2]) {
    if (change.externalId === '') return invalid('The external id is empty.');
    return isBoxId(boxUserId)
      ? this.#calls.run(context, updateUser(boxUserId, change))
      : invalid('A Box user id consists of digits.');
  }

  async deleteUser(context: CallContext, boxUserId: string) {
    return isBoxId(boxUserId)
      ? this.#calls.run(context, deleteUser(boxUserId))
      : invalid('A Box user id consists of digits.');
  }

  async listFolder(context: CallContext, query: Parameters<BoxPort['listFolder']>[1]) {
    if (!isBoxId(query.boxUserId)) return invalid('A Box user id consists of digits.');
    if (!isBoxId(query.folderId)) return invalid('A Box folder id consists of digits.');
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} items.`);
    return this.#calls.runAs(context, query.boxUserId, listFolder(query));
  }

  async readFolderName(context: CallContext, query: Parameters<BoxPort['readFolderName']>[1]) {
    if (!isBoxId(query.boxUserId)) return invalid('A Box user id consists of digits.');
    if (!isBoxId(query.folderId)) return invalid('A Box folder id consists of digits.');
    return this.#calls.runAs(context, query.boxUserId, readFolderName(query));
  }

  async locateContent(context: CallContext, query: Parameters<BoxPort['locateContent']>[1]) {
    if (!isBoxId(query.boxUserId)) return invalid('A Box user id consists of digits.');
    if (!isBoxId(query.fileId)) return invalid('A Box file id consists of digits.');
    return this.#calls.runAs(context, query.boxUserId, locateContent(query, this.#origin));
  }

  async listUsers(context: CallContext, query: Parameters<BoxPort['listUsers']>[1]) {
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} users.`);
    // Box takes an empty marker as the beginning, and the listing must not restart by accident.
    if (query.marker === '') return invalid('The marker is empty.');
    return this.#calls.run(context, listUsers(query));
  }

  async createGroup(context: CallContext, { name }: { name: string }) {
    return name === '' ? invalid('The name is empty.') : this.#calls.run(context, groups.createGroup(name));
  }

  async findGroup(context: CallContext, name: string): Promise<BoxResult<BoxGroup | null>> {
    // Box ignores an empty filter and would return all groups.
    if (name === '') return invalid('The name is empty.');
    return this.#search(
      (query) => this.#calls.run(context, groups.findGroup(name, query)),
      (group) => group.name === name,
    );
  }

  async readGroup(context: CallContext, boxGroupId: string) {
    return isBoxId(boxGroupId) ? this.#calls.run(context, groups.readGroupById(boxGroupId)) : notAGroupId;
  }

  async renameGroup(context: CallContext, boxGroupId: string, name: string) {
    if (!isBoxId(boxGroupId)) return notAGroupId;
    if (name === '') return invalid('The name is empty.');
    return this.#calls.run(context, groups.renameGroup(boxGroupId, name));
  }

  async deleteGroup(context: CallContext, boxGroupId: string) {
    return isBoxId(boxGroupId) ? this.#calls.run(context, groups.deleteGroup(boxGroupId)) : notAGroupId;
  }

  async addMembership(context: CallContext, key: MembershipKey) {
    return refuseKey(key) ?? this.#calls.run(context, groups.addMembership(key));
  }

  async findMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<string | null>> {
    const refused = refuseKey(key);
    if (refused) return refused;
    const found = await this.#search(
      (query) => this.#calls.run(context, groups.findMembership(key, query)),
      (membership) => membership.groupId === key.boxGroupId,
    );
    return found.ok ? { ok: true, value: found.value?.id ?? null } : found;
  }

  async removeMembership(context: CallContext, membershipId: string) {
    return isBoxId(membershipId)
      ? this.#calls.run(context, groups.removeMembership(membershipId))
      : invalid('A Box membership id consists of digits.');
  }

  async listMemberships(context: CallContext, query: Parameters<BoxGroupsPort['listMemberships']>[1]) {
    if (!isBoxId(query.boxGroupId)) return notAGroupId;
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} memberships.`);
    if (!isOffset(query.offset)) return invalid(`Box lists from an offset of 0 to ${OFFSET_MAX}.`);
    return this.#calls.run(context, groups.listMemberships(query));
  }

  /** The first matching entry, page by page; null when there is none, or no list to search. */
  async #search<T>(
    read: (query: groups.PageQuery) => Promise<BoxResult<OffsetPage<T> | null>>,
    matches: (entry: T) => boolean,
  ): Promise<BoxResult<T | null>> {
    for (let offset: number | null = 0; offset !== null;) {
      if (!isOffset(offset)) return invalid(`Box lists nothing beyond an offset of ${OFFSET_MAX}.`);
      const query: groups.PageQuery = { offset, limit: PAGE_MAX };
      const page = await read(query);
      if (!page.ok) return page;
      const found = page.value?.entries.find(matches);
      if (found !== undefined) return { ok: true, value: found };
      offset = page.value && groups.nextOffsetOf(page.value, query);
    }
    return { ok: true, value: null };
  }

  credentialsProblem() {
    return this.#calls.credentialsProblem();
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}

const isPageLimit = (limit: number): boolean => Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX;

const isOffset = (offset: number): boolean => Number.isInteger(offset) && offset >= 0 && offset <= OFFSET_MAX;

const invalid = (detail: string): { readonly ok: false; readonly fault: ReturnType<typeof fault> } => ({
  ok: false,
  fault: fault('box_invalid', detail),
});

const notAGroupId = invalid('A Box group id consists of digits.');

const refuseKey = ({ boxUserId, boxGroupId }: MembershipKey): ReturnType<typeof invalid> | null =>
  isBoxId(boxUserId)
    ? isBoxId(boxGroupId)
      ? null
      : notAGroupId
    : invalid('A Box user id consists of digits.');

function originOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href) return url.origin;
  throw new BoxConfigError('The Box base URL must be an http(s) origin, such as https://api.box.com.');
}
