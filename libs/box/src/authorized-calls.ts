// By their own paths: the SDK's index also loads the managers and schemas of all of Box, 475 files more.
import { BoxDeveloperTokenAuth } from 'box-node-sdk/box/developerTokenAuth';
import { FetchOptions } from 'box-node-sdk/networking/fetchOptions';
import type { Allowance, BoxFault, BoxNotice, BoxResult, CallContext } from '@foyer/provisioning';
import { Acceptance } from './acceptance.ts';
import { clockOffsetOf } from './assertion.ts';
import { credentialsOf, type Credentials } from './credentials.ts';
import { fault, type CallResult, type Operation } from './interpret-response.ts';
import { readUserById } from './operations.ts';
import type { BoxOperation, BoxOptions } from './options.ts';
import { reportThrottled, acquirePermit } from './permit.ts';
import { Recorder } from './recorder.ts';
import { Redactor } from './redactor.ts';
import { TokenSource } from './token-source.ts';
import { BODY_MAX_BYTES, LISTING_MAX_BYTES, Transport, type Exchange } from './transport.ts';
import type { TokenGrant } from './wire.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECTIONS = 50;
/** Operations whose answer is a page of many entries. */
const listings: ReadonlySet<BoxOperation> = new Set([
  'list_users',
  'list_folder',
  'find_group',
  'find_membership',
  'list_memberships',
]);

/**
 * Carries out operations at Box: each acquires a token, then a permit, is recorded, and is sent once. Only a 401 leads
 * to a new token and a second request, because a 401 is a definite refusal.
 */
export class AuthorizedCalls {
  readonly #origin: string;
  readonly #transport: Transport;
  readonly #recorder: Recorder;
  readonly #redactor: Redactor;
  readonly #credentials: Credentials;
  readonly #allowance: Allowance | undefined;
  readonly #tokens: TokenSource;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #onNotice: (notice: BoxNotice) => void;
  readonly #acceptance: Acceptance;
  #clockOffsetMs = 0;
  #closed = false;

  /** Throws BoxConfigError for invalid credentials. */
  constructor(origin: string, options: BoxOptions) {
    const { log, onCall, timeoutMs = DEFAULT_TIMEOUT_MS, maxConnections = DEFAULT_CONNECTIONS } = options;
    this.#allowance = options.allowance;
    this.#tokens = new TokenSource((context) => this.#requestToken(context), options.chance);
    this.#onNotice = options.onNotice ?? (() => undefined);
    this.#acceptance = new Acceptance(this.#onNotice);
    this.#origin = origin;
    this.#credentials = credentialsOf(options.auth);
    this.#redactor = new Redactor(this.#credentials.secrets);
    this.#recorder = new Recorder({ log, onCall, redactor: this.#redactor, sendWithinMs: timeoutMs });
    this.#transport = new Transport({ origin, timeoutMs, maxConnections });
  }

  run<T>(context: CallContext, operation: Operation<T>): Promise<BoxResult<T>> {
    if (this.#closed) return Promise.reject(new Error('The connection to Box is closed.'));
    const call = this.#carryOut(context, operation).finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
    return call;
  }

  /** A call as a person: when Box denies it without a reason, they may be switched off. */
  async runAs<T>(context: CallContext, boxUserId: string, operation: Operation<T>): Promise<BoxResult<T>> {
    const result = await this.run(context, operation);
    const isDenied = !result.ok && result.fault.code === 'box_forbidden';
    return isDenied && (await this.#isInactive(context, boxUserId)) === true ? inactive(boxUserId) : result;
  }

  /** Waits for calls under way, then closes the connections. Later calls reject. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    await this.#tokens.settle();
    this.#transport.close();
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
    if (!first.tokenRefused) return this.#noteCredentials(operation, first.result);

    const { asUser } = operation;
    if (asUser === undefined) this.#tokens.forget(token.value);
    // Box may have refused the person and not the token, which all calls share: another call with the token shows
    // which.
    else if (await this.#isInactive(context, asUser)) return inactive(asUser);
    const renewed = await this.#tokens.get(context);
    if (!renewed.ok) return renewed;
    return this.#noteCredentials(operation, (await this.#send(context, operation, renewed.value)).result);
  }

  /** Whether a person is inactive in Box; null when Box does not answer. */
  async #isInactive(context: CallContext, boxUserId: string): Promise<boolean | null> {
    const user = await this.#carryOut(context, readUserById(boxUserId));
    return user.ok ? user.value?.status === 'inactive' : null;
  }

  /** Reports to `Acceptance` and the token source whether Box accepted the credentials. */
  #noteCredentials<T>({ asUser }: Operation<T>, result: BoxResult<T>): BoxResult<T> {
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

  /** For how many seconds Box has refused our credentials, and its message; null while it accepts them. */
  credentialsProblem(): { readonly seconds: number; readonly detail: string } | null {
    return this.#acceptance.problem();
  }

  async #send<T>(
    context: CallContext,
    operation: Operation<T>,
    token: string,
  ): Promise<Pick<CallResult<T>, 'result' | 'tokenRefused'>> {
    const allowance = context.allowance ?? this.#allowance;
    const throttled = await acquirePermit(allowance);
    if (throttled) return { result: { ok: false, fault: throttled }, tokenRefused: false };
    const { name, method, path, params, body, asUser } = operation;
    const callResult = await this.#recorder.call(context, operation, () =>
      this.#transport.exchange(
        (networkSession) =>
          networkSession.networkClient.fetch(
            new FetchOptions({
              method,
              url: `${this.#origin}${path}`,
              params,
              headers: asUser === undefined ? {} : { 'as-user': asUser },
              data: body,
              auth: new BoxDeveloperTokenAuth({ token }),
              networkSession,
            }),
          ),
        listings.has(name) ? LISTING_MAX_BYTES : BODY_MAX_BYTES,
      ),
    );
    await reportThrottled(allowance, callResult.result);
    return callResult;
  }

  /** The token is shared by all calls, so its request is not fenced by the lease of the call that needs it first. */
  async #requestToken(context: CallContext): Promise<BoxResult<TokenGrant>> {
    const first = await this.#askForToken(context);
    if (first.clockOffsetMs === null) return this.#noteGrant(first.result);
    // Refused because of its times: the assertion is signed once more by Box's clock, and the offset is kept for later
    // tokens.
    this.#clockOffsetMs = first.clockOffsetMs;
    this.#onNotice({ kind: 'clock-off', offsetMs: this.#clockOffsetMs });
    return this.#noteGrant((await this.#askForToken(context)).result);
  }

  #noteGrant(grant: BoxResult<TokenGrant>): BoxResult<TokenGrant> {
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
    await reportThrottled(context.allowance ?? this.#allowance, result);
    return { result, clockOffsetMs: seen.exchange ? clockOffsetOf(seen.exchange, Date.now()) : null };
  }
}

const inactive = (boxUserId: string): { readonly ok: false; readonly fault: BoxFault } => ({
  ok: false,
  fault: fault('box_user_deactivated', `Box refuses to act as user ${boxUserId}: it is inactive in Box.`),
});
