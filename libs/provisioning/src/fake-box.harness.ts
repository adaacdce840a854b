import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '@foyer/shared';
import {
  LeaseLost,
  type BoxFault,
  type BoxPort,
  type BoxResult,
  type CallContext,
  type CallIntent,
  type CallLog,
  type CallOutcome,
  type CreateResult,
  type FolderPage,
  type Lease,
  type UserPage,
} from './box-port.ts';
import type { Allowance, Spending } from './budget-port.ts';
import type { BoxChange, BoxUser } from './model.ts';

export interface LoggedCall {
  readonly context: CallContext;
  readonly intent: CallIntent;
  /** Null until the call has ended. */
  outcome: CallOutcome | null;
}

/** The call log in memory, with leases that a test can take away. */
export class MemoryCallLog implements CallLog {
  readonly calls: LoggedCall[] = [];
  readonly #lost = new Set<Lease>();

  /** From now on this lease counts as passed to another worker. */
  loseLease(lease: Lease): void {
    this.#lost.add(lease);
  }

  async intend(context: CallContext, intent: CallIntent): Promise<string> {
    if (context.lease && this.#lost.has(context.lease)) throw new LeaseLost();
    this.calls.push({ context, intent, outcome: null });
    return String(this.calls.length - 1);
  }

  async conclude(callId: string, outcome: CallOutcome): Promise<void> {
    const call = this.calls[Number(callId)];
    if (!call || call.outcome) throw new Error(`Call ${callId} was never intended, or has already ended.`);
    call.outcome = outcome;
  }

  async record(context: CallContext, intent: CallIntent, outcome: CallOutcome): Promise<void> {
    await this.conclude(await this.intend(context, intent), outcome);
  }

  /** Calls of one operation, such as `create_user`, in order. */
  of(operation: string): LoggedCall[] {
    return this.calls.filter((call) => call.intent.operation === operation);
  }
}

/** An allowance of so many calls, which keeps what it is told. */
export class CountedAllowance implements Allowance {
  readonly refusals: (number | undefined)[] = [];
  left: number;

  constructor(left: number) {
    this.left = left;
  }

  async spend(): Promise<Spending> {
    if (this.left === 0) return { ok: false, waitMs: 4_321 };
    this.left -= 1;
    return { ok: true };
  }

  async refused(retryAfterMs: number | undefined): Promise<void> {
    this.refusals.push(retryAfterMs);
  }
}

/** A context with a lease of its own. */
export function leasedContext(): CallContext & { readonly lease: Lease } {
  const [requestId, identityId] = [randomUUID(), randomUUID()];
  return { requestId, identityId, lease: { requestId, identityId, token: 1n } };
}

/**
 * What a call can meet: 429 with Retry-After 7 s; 503; the connection cut before, or after, Box did it; or any fault at
 * all, with nothing done.
 */
export type Trouble = 'rate-limited' | 'failing' | 'cut-before' | 'cut-after' | BoxFault;
export type BoxMethod = keyof BoxPort;

interface Call {
  readonly port: BoxMethod;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly changes: boolean;
  readonly asUser?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

interface Reply<T> {
  readonly status: number;
  readonly result: BoxResult<T>;
}

type Item = FolderPage['items'][number];

/** Box in memory, behaving as BoxPort promises. Calls go through the given log, intent first. */
export class FakeBox implements BoxPort {
  readonly users = new Map<string, BoxUser>();
  /** While true, findUser does not see users made meanwhile: Box promises no more. */
  lookupLags = false;
  readonly #log: CallLog;
  readonly #unseen = new Set<string>();
  readonly #troubles: { readonly port: BoxMethod; readonly trouble: Trouble }[] = [];
  readonly #files = new Map<string, Item[]>();
  #lastId = 1000;

  constructor(log: CallLog = new MemoryCallLog()) {
    this.#log = log;
  }

  /** The next call of this method meets this trouble; several are met in order. */
  meet(port: BoxMethod, trouble: Trouble): void {
    this.#troubles.push({ port, trouble });
  }

  /** Puts files into somebody's root folder. */
  addFiles(boxUserId: string, names: readonly string[]): void {
    const items = names.map((name): Item => ({ type: 'file', id: this.#nextId(), name }));
    this.#files.set(boxUserId, [...(this.#files.get(boxUserId) ?? []), ...items]);
  }

  createUser(
    context: CallContext,
    given: { externalId: string; name: string },
  ): Promise<BoxResult<CreateResult>> {
    const { externalId, name } = given;
    const refused = externalId === '' ? invalid('The external id is empty.') : null;
    const call = this.#users('createUser', 'create_user', 'POST', { externalId, name });
    return this.#carryOut(context, call, refused, () => this.#create(externalId, name));
  }

  findUser(context: CallContext, externalId: string): Promise<BoxResult<BoxUser | null>> {
    const refused = externalId === '' ? invalid('The external id is empty.') : null;
    const call = this.#users('findUser', 'find_user', 'GET', { externalId });
    return this.#carryOut(context, call, refused, () => {
      const user = this.#withExternalId(externalId);
      return good(200, user && (this.lookupLags ? !this.#unseen.has(user.id) : true) ? user : null);
    });
  }

  readUser(context: CallContext, boxUserId: string): Promise<BoxResult<BoxUser | null>> {
    const call = this.#users('readUser', 'read_user', 'GET', { id: boxUserId }, boxUserId);
    return this.#carryOut(context, call, notAnId(boxUserId), () => {
      const user = this.users.get(boxUserId);
      return user ? good(200, user) : good(404, null);
    });
  }

  updateUser(context: CallContext, boxUserId: string, change: BoxChange): Promise<BoxResult<BoxUser>> {
    const call = this.#users('updateUser', 'update_user', 'PUT', { id: boxUserId, ...change }, boxUserId);
    return this.#carryOut(context, call, notAnId(boxUserId), () => {
      const user = this.users.get(boxUserId);
      if (!user) return bad(404, 'box_user_missing', 'Not Found');
      const changed = { ...user, ...change };
      this.users.set(boxUserId, changed);
      return good(200, changed);
    });
  }

  listUsers(context: CallContext, query: { limit: number; marker?: string }): Promise<BoxResult<UserPage>> {
    const { limit, marker } = query;
    const call = this.#users('listUsers', 'list_users', 'GET', { limit, firstPage: marker === undefined });
    const refused = notALimit(limit) ?? (marker === '' ? invalid('The marker is empty.') : null);
    return this.#carryOut(context, call, refused, () => {
      if (marker !== undefined && !/^after-\d+$/.test(marker)) return bad(400, 'box_invalid', 'marker');
      const after = Number(marker?.slice('after-'.length) ?? 0);
      const rest = [...this.users.values()].filter(
        ({ id }) => Number(id) > after && !(this.lookupLags && this.#unseen.has(id)),
      );
      const page = rest.slice(0, limit);
      const nextMarker = rest.length > limit ? `after-${page.at(-1)?.id}` : null;
      return good(200, { users: page.filter((user) => user.isAppUser), nextMarker });
    });
  }

  listFolder(
    context: CallContext,
    query: { boxUserId: string; folderId: string; limit: number; marker?: string },
  ): Promise<BoxResult<FolderPage>> {
    const { boxUserId, folderId, limit, marker = '0' } = query;
    const call: Call = {
      port: 'listFolder',
      operation: 'list_folder',
      method: 'GET',
      path: `/2.0/folders/${folderId}/items`,
      changes: false,
      asUser: boxUserId,
      parameters: { folderId, limit },
    };
    const refused = notAnId(boxUserId) ?? notAnId(folderId) ?? notALimit(limit);
    return this.#carryOut(context, call, refused, () => {
      const user = this.users.get(boxUserId);
      if (!user) return bad(403, 'box_forbidden', 'Access denied - insufficient permission');
      if (user.status === 'inactive') return bad(401, 'box_user_deactivated', 'User has been deactivated');
      if (folderId !== '0') return bad(404, 'not_found', 'Not Found');
      const all = this.#files.get(boxUserId) ?? [];
      const end = Number(marker) + limit;
      return good(200, {
        items: all.slice(Number(marker), end),
        nextMarker: end < all.length ? String(end) : null,
      });
    });
  }

  #create(externalId: string, name: string): Reply<CreateResult> {
    const taken = this.#withExternalId(externalId);
    if (taken) return good(409, { kind: 'exists', conflictId: taken.id });
    if (name === '' || name.length > 50) return bad(400, 'box_invalid', 'name: 1 to 50 characters');
    const id = this.#nextId();
    const login = `AppUser_1_${id}@boxdevedition.com`;
    const user: BoxUser = { id, name, login, status: 'active', externalId, isAppUser: true };
    this.users.set(id, user);
    if (this.lookupLags) this.#unseen.add(id);
    return good(201, { kind: 'created', user });
  }

  #withExternalId(externalId: string): BoxUser | undefined {
    return [...this.users.values()].find((user) => user.externalId === externalId);
  }

  #nextId(): string {
    this.#lastId += 1;
    return String(this.#lastId);
  }

  #users(
    port: BoxMethod,
    operation: string,
    method: 'GET' | 'POST' | 'PUT',
    parameters: Call['parameters'],
    id?: string,
  ): Call {
    const path = id === undefined ? '/2.0/users' : `/2.0/users/${id}`;
    return { port, operation, method, path, changes: method !== 'GET', parameters };
  }

  async #carryOut<T>(
    context: CallContext,
    call: Call,
    refused: BoxFault | null,
    act: () => Reply<T>,
  ): Promise<BoxResult<T>> {
    if (refused) return { ok: false, fault: refused };
    const { operation, method, path, parameters, asUser } = call;
    const spending = await context.allowance?.spend();
    if (spending?.ok === false) {
      const fault = { code: 'box_rate_limited', detail: 'Not sent.', ambiguous: false } as const;
      return { ok: false, fault: { ...fault, retryAfterMs: spending.waitMs } };
    }
    const actor = asUser === undefined ? null : `box:${asUser}`;
    const callId = await this.#log.intend(context, {
      direction: 'out',
      system: 'box',
      operation,
      method,
      path,
      actor,
      parameters,
    });
    const { status, result } = this.#meetTrouble(call, act);
    await this.#log.conclude(callId, {
      result: outcomeOf(status, result),
      status: status || null,
      error: result.ok ? null : result.fault.code,
      answer: null,
      durationMs: 0,
    });
    if (status === 429 && !result.ok) await context.allowance?.refused(result.fault.retryAfterMs);
    return result;
  }

  #meetTrouble<T>(call: Call, act: () => Reply<T>): Reply<T> {
    const at = this.#troubles.findIndex(({ port }) => port === call.port);
    const trouble = this.#troubles.splice(at, at < 0 ? 0 : 1)[0]?.trouble;
    if (trouble === undefined) return act();
    if (typeof trouble === 'object') return { status: 0, result: { ok: false, fault: trouble } };
    if (trouble === 'rate-limited')
      return bad(429, 'box_rate_limited', 'rate_limit_exceeded', { retryAfterMs: 7000 });
    if (trouble === 'cut-after') act();
    const code = call.changes ? 'box_ambiguous' : 'box_unavailable';
    return bad(trouble === 'failing' ? 503 : 0, code, trouble, { ambiguous: call.changes });
  }
}

const good = <T>(status: number, value: T): Reply<T> => ({ status, result: { ok: true, value } });

const bad = <T>(status: number, code: ErrorCode, detail: string, more: Partial<BoxFault> = {}): Reply<T> => ({
  status,
  result: { ok: false, fault: { code, detail, ambiguous: false, ...more } },
});

const invalid = (detail: string): BoxFault => ({ code: 'box_invalid', detail, ambiguous: false });
const notAnId = (id: string): BoxFault | null =>
  /^\d{1,20}$/.test(id) ? null : invalid('A Box id is digits.');
const notALimit = (limit: number): BoxFault | null =>
  Number.isInteger(limit) && limit >= 1 && limit <= 1000 ? null : invalid('A page has 1 to 1000 items.');

function outcomeOf(status: number, result: BoxResult<unknown>): CallOutcome['result'] {
  if (result.ok) return status >= 400 ? 'refused' : 'ok';
  if (result.fault.ambiguous) return 'ambiguous';
  return status >= 400 && status < 500 && status !== 429 ? 'refused' : 'failed';
}
