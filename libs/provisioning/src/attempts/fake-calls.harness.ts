import type { ErrorCode } from '@foyer/shared';
import type { BoxGroupsPort } from '../groups/box-groups-port.ts';
import type { BoxFault, BoxPort, BoxResult, CallContext, CallLog, CallOutcome } from '../people/box-port.ts';
import { MemoryCallLog } from './memory-call-log.harness.ts';

/**
 * What can happen to a call: 429 with Retry-After 7 s; 503; the connection cut before, or after, Box carried it out; or
 * any given fault, with nothing done.
 */
export type Trouble = 'rate-limited' | 'failing' | 'cut-before' | 'cut-after' | BoxFault;
export type BoxMethod = keyof BoxPort | keyof BoxGroupsPort;

export interface Call {
  readonly port: BoxMethod;
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly changes: boolean;
  readonly asUser?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Reply<T> {
  readonly status: number;
  readonly result: BoxResult<T>;
}

/** What all calls of the fake Box share: a permit, a log entry before and after, and the troubles that a test sets. */
export abstract class FakeCalls {
  readonly #log: CallLog;
  readonly #troubles: { readonly port: BoxMethod; readonly trouble: Trouble }[] = [];
  #lastId = 1000;

  constructor(log: CallLog = new MemoryCallLog()) {
    this.#log = log;
  }

  /** The next call of this method gets this trouble; several are used in order. */
  meet(port: BoxMethod, trouble: Trouble): void {
    this.#troubles.push({ port, trouble });
  }

  protected nextId(): string {
    this.#lastId += 1;
    return String(this.#lastId);
  }

  protected async carryOut<T>(
    context: CallContext,
    call: Call,
    refused: BoxFault | null,
    act: () => Reply<T>,
  ): Promise<BoxResult<T>> {
    if (refused) return { ok: false, fault: refused };
    const { operation, method, path, parameters, asUser } = call;
    const acquired = await context.allowance?.acquire();
    if (acquired?.ok === false) {
      const fault = { code: 'box_rate_limited', detail: 'Not sent.', ambiguous: false } as const;
      return { ok: false, fault: { ...fault, retryAfterMs: acquired.waitMs } };
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
      answer: answerOf(result),
      durationMs: 0,
    });
    if (status === 429 && !result.ok) await context.allowance?.reportThrottled(result.fault.retryAfterMs);
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

/** The part of an answer that the call log keeps: the ids in it. */
function answerOf(result: BoxResult<unknown>): CallOutcome['answer'] {
  const value = result.ok ? result.value : null;
  if (typeof value !== 'object' || value === null) return null;
  if ('conflictId' in value) return { conflictId: value.conflictId };
  return 'id' in value ? { id: value.id } : null;
}

export const good = <T>(status: number, value: T): Reply<T> => ({ status, result: { ok: true, value } });

export const bad = <T>(
  status: number,
  code: ErrorCode,
  detail: string,
  more: Partial<BoxFault> = {},
): Reply<T> => ({
  status,
  result: { ok: false, fault: { code, detail, ambiguous: false, ...more } },
});

export const invalid = (detail: string): BoxFault => ({ code: 'box_invalid', detail, ambiguous: false });
export const notAnId = (id: string): BoxFault | null =>
  /^\d{1,20}$/.test(id) ? null : invalid('A Box id is digits.');
export const notALimit = (limit: number): BoxFault | null =>
  Number.isInteger(limit) && limit >= 1 && limit <= 1000 ? null : invalid('A page has 1 to 1000 items.');

function outcomeOf(status: number, result: BoxResult<unknown>): CallOutcome['result'] {
  if (result.ok) return status >= 400 ? 'refused' : 'ok';
  if (result.fault.ambiguous) return 'ambiguous';
  return status >= 400 && status < 500 && status !== 429 ? 'refused' : 'failed';
}
