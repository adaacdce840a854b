import { performance } from 'node:perf_hooks';
import { refuseInsideTransaction, type CallContext, type CallLog } from '@foyer/provisioning';
import { interpretResponse, type CallResult, type Operation } from './interpret-response.ts';
import type { BoxCallReport } from './options.ts';
import type { Redactor } from './redactor.ts';
import type { Exchange } from './transport.ts';

const outOfDate: Exchange = {
  kind: 'unsent',
  reason: 'this process was delayed for too long before it could send the call',
};

/** Records HTTP requests: one intent before each, one outcome after it. */
export class Recorder {
  readonly #log: CallLog;
  readonly #redactor: Redactor;
  readonly #onCall: ((call: BoxCallReport) => void) | undefined;
  readonly #sendWithinMs: number;

  /** `sendWithinMs`: the greatest age of an intent whose request may still be sent. */
  constructor(parts: {
    log: CallLog;
    redactor: Redactor;
    sendWithinMs: number;
    onCall?: (call: BoxCallReport) => void;
  }) {
    this.#log = parts.log;
    this.#sendWithinMs = parts.sendWithinMs;
    this.#redactor = parts.redactor;
    this.#onCall = parts.onCall;
  }

  /**
   * Sends nothing when the intent cannot be written; throws what the log throws, including LeaseLost. Sends nothing
   * either when writing took too long: the process may have been suspended meanwhile, so that the lease has expired and
   * the request is out of date.
   */
  async call<T>(
    context: CallContext,
    operation: Operation<T>,
    send: () => Promise<Exchange>,
  ): Promise<CallResult<T>> {
    const { name, method, path, parameters } = operation;
    refuseInsideTransaction(`A call to Box (${name})`);
    const actor = operation.asUser === undefined ? null : `box:${operation.asUser}`;
    const intent = {
      direction: 'out',
      system: 'box',
      operation: name,
      method,
      path,
      actor,
      parameters,
    } as const;
    const begunAt = performance.now();
    const callId = await this.#log.intend(context, intent);
    const startedAt = performance.now();
    const exchange = startedAt - begunAt > this.#sendWithinMs ? outOfDate : await send();
    const durationMs = Math.round(performance.now() - startedAt);
    const callResult = interpretResponse(operation, exchange, this.#redactor);
    const { result, status } = callResult.outcome;
    await this.#log.conclude(callId, { ...callResult.outcome, durationMs });
    this.#onCall?.({ operation: name, status, result, durationMs });
    return callResult;
  }
}
