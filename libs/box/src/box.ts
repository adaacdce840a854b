import { BoxClient, BoxDeveloperTokenAuth } from 'box-node-sdk';
import type { Allowance, BoxPort, BoxResult, CallContext } from '@foyer/provisioning';
import { credentialsOf, type Credentials } from './credentials.ts';
import { fault, type Judgement, type Operation } from './judge.ts';
import { BoxConfigError } from './jwt-config.ts';
import { createUser, findUser, listFolder, listUsers, readUserById, updateUser } from './operations.ts';
import type { BoxOptions } from './options.ts';
import { heed, pay } from './payment.ts';
import { Recorder } from './recorder.ts';
import { Redactor } from './redactor.ts';
import { TokenSource } from './token-source.ts';
import { Transport } from './transport.ts';
import { isBoxId, type TokenGrant } from './wire.ts';

export interface Box extends BoxPort {
  /** Lets calls under way end, then drops the connections. Later calls reject. */
  close(): Promise<void>;
}

const DEFAULT_ORIGIN = 'https://api.box.com';
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECTIONS = 50;
const PAGE_MAX = 1000;

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
  #closed = false;

  constructor(options: BoxOptions) {
    const { log, onCall, timeoutMs = DEFAULT_TIMEOUT_MS, maxConnections = DEFAULT_CONNECTIONS } = options;
    this.#allowance = options.allowance;
    this.#origin = originOf(options.baseUrl ?? DEFAULT_ORIGIN);
    this.#credentials = credentialsOf(options.auth);
    this.#redactor = new Redactor(this.#credentials.secrets);
    this.#recorder = new Recorder({ log, onCall, redactor: this.#redactor, sendWithinMs: timeoutMs });
    this.#transport = new Transport({ origin: this.#origin, timeoutMs, maxConnections });
    this.#client = new BoxClient({ auth: this.#credentials.auth });
  }

  async createUser(context: CallContext, user: { externalId: string; name: string }) {
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
    return isBoxId(boxUserId)
      ? this.#call(context, updateUser(boxUserId, change))
      : invalid('A Box user id is digits.');
  }

  async listFolder(context: CallContext, query: Parameters<BoxPort['listFolder']>[1]) {
    if (!isBoxId(query.boxUserId)) return invalid('A Box user id is digits.');
    if (!isBoxId(query.folderId)) return invalid('A Box folder id is digits.');
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} items.`);
    return this.#call(context, listFolder(query));
  }

  async listUsers(context: CallContext, query: Parameters<BoxPort['listUsers']>[1]) {
    if (!isPageLimit(query.limit)) return invalid(`A page has 1 to ${PAGE_MAX} users.`);
    // An empty marker is Box's word for the beginning: a listing must not begin again unasked.
    if (query.marker === '') return invalid('The marker is empty.');
    return this.#call(context, listUsers(query));
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
    if (!first.tokenRefused) return first.result;

    this.#tokens.forget(token.value);
    const renewed = await this.#tokens.get(context);
    if (!renewed.ok) return renewed;
    return (await this.#send(context, operation, renewed.value)).result;
  }

  async #send<T>(
    context: CallContext,
    operation: Operation<T>,
    token: string,
  ): Promise<Pick<Judgement<T>, 'result' | 'tokenRefused'>> {
    const allowance = context.allowance ?? this.#allowance;
    const unpaid = await pay(allowance);
    if (unpaid) return { result: { ok: false, fault: unpaid }, tokenRefused: false };
    const { method, path, params, body, asUser } = operation;
    const judgement = await this.#recorder.call(context, operation, () =>
      this.#transport.exchange((networkSession) =>
        this.#client.makeRequest({
          method,
          url: `${this.#origin}${path}`,
          params,
          headers: asUser === undefined ? {} : { 'as-user': asUser },
          data: body,
          auth: new BoxDeveloperTokenAuth({ token }),
          networkSession,
        }),
      ),
    );
    await heed(allowance, judgement.result);
    return judgement;
  }

  /** The token is everybody's: never fenced by the lease of the call that happened to need it first. */
  async #requestToken(context: CallContext): Promise<BoxResult<TokenGrant>> {
    const { auth, tokenRequest } = this.#credentials;
    const { result } = await this.#recorder.call({ ...context, lease: null }, tokenRequest, () =>
      this.#transport.exchange((networkSession) => auth.refreshToken(networkSession)),
    );
    if (result.ok) this.#redactor.learn(result.value.access_token);
    await heed(context.allowance ?? this.#allowance, result);
    return result;
  }
}

const isPageLimit = (limit: number): boolean => Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MAX;

const invalid = (detail: string): { readonly ok: false; readonly fault: ReturnType<typeof fault> } => ({
  ok: false,
  fault: fault('box_invalid', detail),
});

function originOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href) return url.origin;
  throw new BoxConfigError('The Box base URL must be an http(s) origin, such as https://api.box.com.');
}
