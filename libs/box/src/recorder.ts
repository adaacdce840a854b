import { performance } from 'node:perf_hooks';
import type { CallContext, CallLog } from '@foyer/provisioning';
import { judge, type Judgement, type Operation } from './judge.ts';
import type { BoxCallReport } from './options.ts';
import type { Redactor } from './redactor.ts';
import type { Exchange } from './transport.ts';

/** Puts HTTP requests on record: one intent before each, one outcome after it. */
export class Recorder {
  readonly #log: CallLog;
  readonly #redactor: Redactor;
  readonly #onCall: ((call: BoxCallReport) => void) | undefined;

  constructor(parts: { log: CallLog; redactor: Redactor; onCall?: (call: BoxCallReport) => void }) {
    this.#log = parts.log;
    this.#redactor = parts.redactor;
    this.#onCall = parts.onCall;
  }

  /** Sends nothing when the intent cannot be written; throws what the log throws, LeaseLost included. */
  async call<T>(
    context: CallContext,
    operation: Operation<T>,
    send: () => Promise<Exchange>,
  ): Promise<Judgement<T>> {
    const { name, method, path, parameters } = operation;
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
    const callId = await this.#log.intend(context, intent);
    const startedAt = performance.now();
    const exchange = await send();
    const durationMs = Math.round(performance.now() - startedAt);
    const judgement = judge(operation, exchange, this.#redactor);
    const { result, status } = judgement.outcome;
    await this.#log.conclude(callId, { ...judgement.outcome, durationMs });
    this.#onCall?.({ operation: name, status, result, durationMs });
    return judgement;
  }
}
