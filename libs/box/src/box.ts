import { BoxClient, BoxDeveloperTokenAuth } from 'box-node-sdk';
import type {
  Allowance,
  BoxFault,
  BoxGroup,
  BoxGroupsPort,
  BoxNotice,
  BoxPort,
  BoxResult,
  CallContext,
  MembershipKey,
  NewBoxUser,
} from '@foyer/provisioning';
import { Acceptance } from './acceptance.ts';
import { clockOffsetOf } from './assertion.ts';
import { credentialsOf, type Credentials } from './credentials.ts';
import { fault, type Judgement, type Operation } from './judge.ts';
import { BoxConfigError } from './jwt-config.ts';
import * as groups from './operations-groups.ts';
import {
  createUser,
  deleteUser,
  findUser,
  listFolder,
  listUsers,
  readUserById,
  updateUser,
} from './operations.ts';
import type { BoxOperation, BoxOptions } from './options.ts';
import { heed, pay } from './payment.ts';
import { Recorder } from './recorder.ts';
import { Redactor } from './redactor.ts';
import { TokenSource } from './token-source.ts';
import { BODY_MAX_BYTES, LISTING_MAX_BYTES, Transport, type Exchange } from './transport.ts';
import { isBoxId, type OffsetPage, type TokenGrant } from './wire.ts';

export interface Box extends BoxPort, BoxGroupsPort {
  /** Since how many seconds Box refuses our credentials, and in which words; null: it does not. */
  credentialsProblem(): { readonly seconds: number; readonly detail: string } | null;
  /** Lets calls under way end, then drops the connections. Later calls reject. */
  close(): Promise<void>;
}

const DEFAULT_ORIGIN = 'https://api.box.com';
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECTIONS = 50;
const PAGE_MAX = 1000;
/** Answered with a page of up to PAGE_MAX entries. */
const listings: ReadonlySet<BoxOperation> = new Set([
  'list_users',
  'list_folder',
  'find_group',
  'find_membership',
  'list_memberships',
]);
/** Box refuses a listing's offset over this (OpenAPI, get_groups). */
const OFFSET_MAX = 10_000;

/**
 * Box over its SDK: one port call is one HTTP request, and at most one more for a token. Only a 401 is answered with a
 * new token and the same request once more, both on record as calls of their own: a 401 is a sure no. Every HTTP request
 * is bounded by `timeoutMs`, a port call by four of them. Throws BoxConfigError for options that cannot work.
 */
export function createBox(options: BoxOptions): Box {
  return new BoxAdapter(options);
}

class BoxAdapter implements Box {
  readonly #origin: string;
  readonly #transport: Transport;
  readonly #recorder: Recorder;
  readonly #redactor: Redactor;
  readonly #credentials: Credentials;
  readonly #client: BoxClient;
  readonly #allowance: Allowance | undefined;
  readonly #tokens = new TokenSource((context) => this.#requestToken(context));
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #onNotice: (notice: BoxNotice) => void;
  readonly #acceptance: Acceptance;
  #clockOffsetMs = 0;
  #closed = false;

  constructor(options: BoxOptions) {
    const { log, onCall, timeoutMs = DEFAULT_TIMEOUT_MS, maxConnections = DEFAULT_CONNECTIONS } = options;
    this.#allowance = options.allowance;
    this.#onNotice = options.onNotice ?? (() => undefined);
    this.#acceptance = new Acceptance(this.#onNotice);
    this.#origin = originOf(options.baseUrl ?? DEFAULT_ORIGIN);
    this.#credentials = credentialsOf(options.auth);
    this.#redactor = new Redactor(this.#credentials.secrets);
    this.#recorder = new Recorder({ log, onCall, redactor: this.#redactor, sendWithinMs: timeoutMs });
    this.#transport = new Transport({ origin: this.#origin, timeoutMs, maxConnections });
    this.#client = new BoxClient({ auth: this.#credentials.auth });
  }

  async createUser(context: CallContext, user: NewBoxUser) {
    if (user.externalId === '') return invalid('The external id is empty.');
    return this.#call(context, createUser(user));
  }

  async findUser(context: CallContext, externalId: string) {
    // An empty filter is no filter: Box would answer with everybody.
    if (externalId === '') return invalid('The external id is empty.');
    return this.#call(context, findUser(externalId));
  }

  async readUser(context: CallContext, boxUserId: string) {
    return isBoxId(boxUserId)
      ? this.#call(context, readUserById(boxUserId))
      : invalid('A Box user id is digits.');
  }

  async updateUser(context: CallContext, boxUserId: string, change: Parameters<BoxPort['updateUser']>[2]) {
    if (change.externalId === '') return invalid('The external id is empty.');
    return isBoxId(boxUserId)
      ? this.#call(context, updateUser(boxUserId, change))
      : invalid('A Box user id is digits.');
  }

  async deleteUser(context: CallContext, boxUserId: string) {
    return isBoxId(boxUserId)
      ? this.#call(context, deleteUser(boxUserId))
      : invalid('A Box user id is digits.');
  }

  async listFolder(context: CallContext, query: Parameters<BoxPort['listFolder']>[1]) {
    if (!isBoxId(query.boxUserId)) return invalid('A Box user id is digits.');
    if (!isBoxId(query.folderId)) return invalid('A Box folder id is digits.');
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} items.`);
    const page = await this.#call(context, listFolder(query));
    const isDenied = !page.ok && page.fault.code === 'box_forbidden';
    return isDenied && (await this.#isInactive(context, query.boxUserId)) === true
      ? inactive(query.boxUserId)
      : page;
  }

  async listUsers(context: CallContext, query: Parameters<BoxPort['listUsers']>[1]) {
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} users.`);
    // An empty marker is Box's word for the beginning: a listing must not begin again unasked.
    if (query.marker === '') return invalid('The marker is empty.');
    return this.#call(context, listUsers(query));
  }

  async createGroup(context: CallContext, { name }: { name: string }) {
    return name === '' ? invalid('The name is empty.') : this.#call(context, groups.createGroup(name));
  }

  async findGroup(context: CallContext, name: string): Promise<BoxResult<BoxGroup | null>> {
    // An empty filter is no filter: Box would answer with all groups.
    if (name === '') return invalid('The name is empty.');
    return this.#search(
      (query) => this.#call(context, groups.findGroup(name, query)),
      (group) => group.name === name,
    );
  }

  async readGroup(context: CallContext, boxGroupId: string) {
    return isBoxId(boxGroupId) ? this.#call(context, groups.readGroupById(boxGroupId)) : notAGroupId;
  }

  async renameGroup(context: CallContext, boxGroupId: string, name: string) {
    if (!isBoxId(boxGroupId)) return notAGroupId;
    if (name === '') return invalid('The name is empty.');
    return this.#call(context, groups.renameGroup(boxGroupId, name));
  }

  async deleteGroup(context: CallContext, boxGroupId: string) {
    return isBoxId(boxGroupId) ? this.#call(context, groups.deleteGroup(boxGroupId)) : notAGroupId;
  }

  async addMembership(context: CallContext, key: MembershipKey) {
    return refuseKey(key) ?? this.#call(context, groups.addMembership(key));
  }

  async findMembership(context: CallContext, key: MembershipKey): Promise<BoxResult<string | null>> {
    const refused = refuseKey(key);
    if (refused) return refused;
    const found = await this.#search(
      (query) => this.#call(context, groups.findMembership(key, query)),
      (membership) => membership.groupId === key.boxGroupId,
    );
    return found.ok ? { ok: true, value: found.value?.id ?? null } : found;
  }

  async removeMembership(context: CallContext, membershipId: string) {
    return isBoxId(membershipId)
      ? this.#call(context, groups.removeMembership(membershipId))
      : invalid('A Box membership id is digits.');
  }

  async listMemberships(context: CallContext, query: Parameters<BoxGroupsPort['listMemberships']>[1]) {
    if (!isBoxId(query.boxGroupId)) return notAGroupId;
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} memberships.`);
    if (!isOffset(query.offset)) return invalid(`Box lists from an offset of 0 to ${OFFSET_MAX}.`);
    return this.#call(context, groups.listMemberships(query));
  }

  /** The first entry that matches, page by page; null when there is none, or nothing to search in. */
  async #search<T>(
    read: (query: groups.PageQuery) => Promise<BoxResult<OffsetPage<T> | null>>,
    matches: (entry: T) => boolean,
  ): Promise<BoxResult<T | null>> {
    for (let offset: number | null = 0; offset !== null;) {
      if (!isOffset(offset)) return invalid(`Box lists no more than an offset of ${OFFSET_MAX} shows.`);
      const query: groups.PageQuery = { offset, limit: PAGE_MAX };
      const page = await read(query);
      if (!page.ok) return page;
      const found = page.value?.entries.find(matches);
      if (found !== undefined) return { ok: true, value: found };
      offset = page.value && groups.nextOffsetOf(page.value, query);
    }
    return { ok: true, value: null };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    await this.#tokens.settle();
    this.#transport.close();
  }

  #call<T>(context: CallContext, operation: Operation<T>): Promise<BoxResult<T>> {
    if (this.#closed) return Promise.reject(new Error('The connection to Box is closed.'));
    const call = this.#carryOut(context, operation).finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
    return call;
  }

  /**
   * The token comes first, then the permit: once a call's intent is written, only the call itself can leave it unsettled.
   * The token request is not paid for; Box's pages are silent on whether it counts, and it is one in an hour.
   */
  async #carryOut<T>(context: CallContext, operation: Operation<T>): Promise<BoxResult<T>> {
    const token = await this.#tokens.get(context);
    if (!token.ok) return token;
    const first = await this.#send(context, operation, token.value);
    if (!first.tokenRefused) return this.#heedCredentials(operation, first.result);

    const { asUser } = operation;
    if (asUser === undefined) this.#tokens.forget(token.value);
    // It may be the person whom Box refuses, and the token is everybody's: another call with it tells.
    else if (await this.#isInactive(context, asUser)) return inactive(asUser);
    const renewed = await this.#tokens.get(context);
    if (!renewed.ok) return renewed;
    return this.#heedCredentials(operation, (await this.#send(context, operation, renewed.value)).result);
  }

  /** Whether a person is switched off in Box; null when Box does not say. */
  async #isInactive(context: CallContext, boxUserId: string): Promise<boolean | null> {
    const user = await this.#carryOut(context, readUserById(boxUserId));
    return user.ok ? user.value?.status === 'inactive' : null;
  }

  /** What Box makes of our credentials is told when it begins, each time it is met again, and when it is over. */
  #heedCredentials<T>({ asUser }: Operation<T>, result: BoxResult<T>): BoxResult<T> {
    const code = result.ok ? null : result.fault.code;
    if (!result.ok && code === 'box_auth_failed' && asUser === undefined)
      return { ok: false, fault: this.#tokens.refuse(this.#acceptance.refused(result.fault)) };
    const isAnswer = code !== 'box_unavailable' && code !== 'box_ambiguous' && code !== 'box_rate_limited';
    if (isAnswer && code !== 'box_auth_failed') {
      this.#tokens.accept();
      this.#acceptance.accepted();
    }
    return result;
  }

  credentialsProblem() {
    return this.#acceptance.problem();
  }

  async #send<T>(
    context: CallContext,
    operation: Operation<T>,
    token: string,
  ): Promise<Pick<Judgement<T>, 'result' | 'tokenRefused'>> {
    const allowance = context.allowance ?? this.#allowance;
    const unpaid = await pay(allowance);
    if (unpaid) return { result: { ok: false, fault: unpaid }, tokenRefused: false };
    const { name, method, path, params, body, asUser } = operation;
    const judgement = await this.#recorder.call(context, operation, () =>
      this.#transport.exchange(
        (networkSession) =>
          this.#client.makeRequest({
            method,
            url: `${this.#origin}${path}`,
            params,
            headers: asUser === undefined ? {} : { 'as-user': asUser },
            data: body,
            auth: new BoxDeveloperTokenAuth({ token }),
            networkSession,
          }),
        listings.has(name) ? LISTING_MAX_BYTES : BODY_MAX_BYTES,
      ),
    );
    await heed(allowance, judgement.result);
    return judgement;
  }

  /** The token is everybody's: never fenced by the lease of the call that happened to need it first. */
  async #requestToken(context: CallContext): Promise<BoxResult<TokenGrant>> {
    const first = await this.#askForToken(context);
    if (first.clockOffsetMs === null) return this.#heedGrant(first.result);
    // Refused for its times: signed once more by Box's own clock, which is kept for the tokens to come.
    this.#clockOffsetMs = first.clockOffsetMs;
    this.#onNotice({ kind: 'clock-off', offsetMs: this.#clockOffsetMs });
    return this.#heedGrant((await this.#askForToken(context)).result);
  }

  #heedGrant(grant: BoxResult<TokenGrant>): BoxResult<TokenGrant> {
    if (!grant.ok && grant.fault.code === 'box_auth_failed') this.#acceptance.refused(grant.fault);
    return grant;
  }

  async #askForToken(context: CallContext) {
    const { askForToken, tokenRequest } = this.#credentials;
    const seen: { exchange?: Exchange } = {};
    const { result } = await this.#recorder.call({ ...context, lease: null }, tokenRequest, async () => {
      const nowMs = Date.now() + this.#clockOffsetMs;
      return (seen.exchange = await this.#transport.exchange((session) => askForToken(session, nowMs)));
    });
    if (result.ok) this.#redactor.learn(result.value.access_token);
    await heed(context.allowance ?? this.#allowance, result);
    return { result, clockOffsetMs: seen.exchange ? clockOffsetOf(seen.exchange, Date.now()) : null };
  }
}

const isPageLimit = (limit: number): boolean => Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX;

const isOffset = (offset: number): boolean => Number.isInteger(offset) && offset >= 0 && offset <= OFFSET_MAX;

const invalid = (detail: string): { readonly ok: false; readonly fault: ReturnType<typeof fault> } => ({
  ok: false,
  fault: fault('box_invalid', detail),
});

const inactive = (boxUserId: string): { readonly ok: false; readonly fault: BoxFault } => ({
  ok: false,
  fault: fault('box_user_deactivated', `Box refuses to act as user ${boxUserId}: it is inactive in Box.`),
});

const notAGroupId = invalid('A Box group id is digits.');

const refuseKey = ({ boxUserId, boxGroupId }: MembershipKey): ReturnType<typeof invalid> | null =>
  isBoxId(boxUserId) ? (isBoxId(boxGroupId) ? null : notAGroupId) : invalid('A Box user id is digits.');

function originOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href) return url.origin;
  throw new BoxConfigError('The Box base URL must be an http(s) origin, such as https://api.box.com.');
}
