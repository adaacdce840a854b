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
  locateContent,
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
  /** For how many seconds Box has refused our credentials, and its message; null while it accepts them. */
  credentialsProblem(): { readonly seconds: number; readonly detail: string } | null;
  /** Waits for calls under way, then closes the connections. Later calls reject. */
  close(): Promise<void>;
}

const DEFAULT_ORIGIN = 'https://api.box.com';
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECTIONS = 50;
const PAGE_MAX = 1000;
/** Operations whose answer is a page of up to PAGE_MAX entries. */
const listings: ReadonlySet<BoxOperation> = new Set([
  'list_users',
  'list_folder',
  'find_group',
  'find_membership',
  'list_memberships',
]);
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
    // Box ignores an empty filter and would return all users.
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
    return this.#callAs(context, query.boxUserId, listFolder(query));
  }

  async locateContent(context: CallContext, query: Parameters<BoxPort['locateContent']>[1]) {
    if (!isBoxId(query.boxUserId)) return invalid('A Box user id is digits.');
    if (!isBoxId(query.fileId)) return invalid('A Box file id is digits.');
    return this.#callAs(context, query.boxUserId, locateContent(query, this.#origin));
  }

  /** A call as a person: when Box denies it without a reason, they may be switched off. */
  async #callAs<T>(context: CallContext, boxUserId: string, operation: Operation<T>): Promise<BoxResult<T>> {
    const result = await this.#call(context, operation);
    const isDenied = !result.ok && result.fault.code === 'box_forbidden';
    return isDenied && (await this.#isInactive(context, boxUserId)) === true ? inactive(boxUserId) : result;
  }

  async listUsers(context: CallContext, query: Parameters<BoxPort['listUsers']>[1]) {
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} users.`);
    // Box takes an empty marker as the beginning, and the listing must not restart by accident.
    if (query.marker === '') return invalid('The marker is empty.');
    return this.#call(context, listUsers(query));
  }

  async createGroup(context: CallContext, { name }: { name: string }) {
    return name === '' ? invalid('The name is empty.') : this.#call(context, groups.createGroup(name));
  }

  async findGroup(context: CallContext, name: string): Promise<BoxResult<BoxGroup | null>> {
    // Box ignores an empty filter and would return all groups.
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

  /** The first matching entry, page by page; null when there is none, or no list to search. */
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
   * The token is acquired before the permit, and both before the intent: once the intent is written, only the call
   * itself can leave it unsettled. The token request takes no permit: Box does not document whether it counts, and
   * there is one per hour.
   */
  async #carryOut<T>(context: CallContext, operation: Operation<T>): Promise<BoxResult<T>> {
    const token = await this.#tokens.get(context);
    if (!token.ok) return token;
    const first = await this.#send(context, operation, token.value);
    if (!first.tokenRefused) return this.#heedCredentials(operation, first.result);

    const { asUser } = operation;
    if (asUser === undefined) this.#tokens.forget(token.value);
    // Box may have refused the person and not the token, which all calls share: another call with the token shows
    // which.
    else if (await this.#isInactive(context, asUser)) return inactive(asUser);
    const renewed = await this.#tokens.get(context);
    if (!renewed.ok) return renewed;
    return this.#heedCredentials(operation, (await this.#send(context, operation, renewed.value)).result);
  }

  /** Whether a person is inactive in Box; null when Box does not answer. */
  async #isInactive(context: CallContext, boxUserId: string): Promise<boolean | null> {
    const user = await this.#carryOut(context, readUserById(boxUserId));
    return user.ok ? user.value?.status === 'inactive' : null;
  }

  /** Reports to `Acceptance` and the token source whether Box accepted the credentials. */
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

  /** The token is shared by all calls, so its request is not fenced by the lease of the call that needs it first. */
  async #requestToken(context: CallContext): Promise<BoxResult<TokenGrant>> {
    const first = await this.#askForToken(context);
    if (first.clockOffsetMs === null) return this.#heedGrant(first.result);
    // Refused because of its times: the assertion is signed once more by Box's clock, and the offset is kept for later
    // tokens.
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
