import type { Logger, Metrics } from '@foyer/platform';
import { toPlainError } from '@foyer/platform';
import {
  converge,
  dispose,
  LeaseLost,
  type BoxPort,
  type ConvergenceStore,
  type Ending,
  type JobEnd,
  type RetryPolicy,
  type Taken,
} from '@foyer/provisioning';

export interface ConvergeParts {
  readonly store: ConvergenceStore;
  readonly box: BoxPort;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly policy: RetryPolicy;
  /** Aborted at shutdown: what is between two steps is handed back. */
  readonly stopping: AbortSignal;
}

const over: JobEnd = { kind: 'over' };
const internalError: Ending = {
  kind: 'faulted',
  fault: { code: 'internal_error', detail: 'A fault in the worker; see its log.' },
};

/** The handler of the job `converge`: take the request, make Box match, settle how it ended. */
export function convergeHandler(parts: ConvergeParts): (payload: { requestId: string }) => Promise<JobEnd> {
  return async ({ requestId }) => {
    if (parts.stopping.aborted) return { kind: 'again', delayMs: 0 };
    const result = await parts.store.take(requestId);
    if (result.kind === 'over') return over;
    if (result.kind === 'busy') return { kind: 'again', delayMs: result.retryInMs };

    const begun = performance.now();
    const { lease } = result.taken;
    try {
      const ending = await converge(result.taken, parts);
      const end = await settle(result.taken, ending, parts);
      parts.metrics.convergeSeconds.observe({ ending: ending.kind }, (performance.now() - begun) / 1000);
      return end;
    } catch (error) {
      if (error instanceof LeaseLost) {
        parts.logger.warn({ event: 'lease-lost', requestId, identityId: lease.identityId });
        return over;
      }
      // A fault of our own. Settling it needs the store too: when that is what failed, the queue and the relay try again.
      parts.logger.error({ event: 'converge-threw', requestId, err: toPlainError(error) });
      return settle(result.taken, internalError, parts);
    }
  };
}

async function settle({ lease, ...tried }: Taken, ending: Ending, parts: ConvergeParts): Promise<JobEnd> {
  const { store, logger, metrics, policy } = parts;
  const context = { requestId: lease.requestId, identityId: lease.identityId };
  if (ending.kind === 'handed-back') {
    await store.handBack(lease);
    logger.info({ event: 'handed-back', ...context });
    // The job stays in the queue for another worker: ended, it would hide the request from a relay that looks just now.
    return { kind: 'again', delayMs: 0 };
  }
  if (ending.kind === 'converged') {
    await store.succeed(lease, ending.outcome);
    metrics.requestsEnded.inc({ status: 'succeeded', outcome: ending.outcome });
    logger.info({ event: 'succeeded', outcome: ending.outcome, ...context });
    return over;
  }
  const { fault } = ending;
  const disposal = dispose(fault, tried, policy, Math.random());
  if (disposal.kind === 'fail') {
    await store.fail(lease, fault);
    metrics.requestsEnded.inc({ status: 'failed', outcome: fault.code });
    logger.error({ event: 'failed', code: fault.code, detail: fault.detail, ...context });
    return over;
  }
  await store.retry(lease, fault, disposal.delayMs, disposal.counted);
  logger.warn({
    event: 'retry-scheduled',
    code: fault.code,
    detail: fault.detail,
    delayMs: disposal.delayMs,
    ...context,
  });
  return { kind: 'again', delayMs: disposal.delayMs };
}
