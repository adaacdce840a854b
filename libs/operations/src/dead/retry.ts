import { DeadLetters, Intake, PrismaCallLog, type RetryAdmission } from '@foyer/persistence';
import type { ErrorCode, Retries } from '@foyer/shared';
import { commandChange, commandIntent, commandOutcome } from '../on-record.ts';
import type { TenantSources } from '../sources.ts';

/** Opens a new request for a failed one. The audit log names `operator`, in the transaction of the change. */
export async function retryRequest(
  { database, tenantId }: TenantSources,
  id: string,
  operator: string,
): Promise<RetryAdmission> {
  const intent = commandIntent('retry_provisioning_request', 'dead retry', operator);
  return new Intake(database, tenantId).retry(id, {}, commandChange({ ...intent, parameters: { id } }));
}

/** What a retry of all dead letters of a code would do. Changes nothing. */
export interface RetryPlan {
  /** The requests that would be created. */
  readonly retried: number;
  /** Dead letters of people who are deactivated and have no Box user, which are left out. */
  readonly leftOut: number;
}

export async function planRetries(
  { database, tenantId }: TenantSources,
  code: ErrorCode,
): Promise<RetryPlan> {
  const counts = await new DeadLetters(database, tenantId).counts();
  const { count = 0, deactivated = 0 } = counts.find((row) => row.code === code) ?? {};
  return { retried: count - deactivated, leftOut: deactivated };
}

export interface RetryOptions {
  /** The operator's name for the audit log. */
  readonly operator: string;
  /** Ends the run after the current page; what is done stays. */
  readonly stopping: AbortSignal;
  /** Receives the number of dead letters that were processed so far. */
  readonly onProgress: (processed: number) => void;
}

/**
 * Opens a new request, with low priority, for every dead letter of a code, page by page. It makes several changes one
 * after the other, so it is recorded before the first. Run twice, it opens none twice.
 */
export async function retryDeadLetters(
  { database, tenantId }: TenantSources,
  code: ErrorCode,
  { operator, stopping, onProgress }: RetryOptions,
): Promise<Retries> {
  const log = new PrismaCallLog(database, tenantId, 0);
  const callId = await log.intend(
    { requestId: null, identityId: null, lease: null },
    {
      ...commandIntent('retry_provisioning_requests', 'dead retry', operator),
      parameters: { errorCode: code },
    },
  );
  const done = await new DeadLetters(database, tenantId).retryAll(code, (sofar) => {
    onProgress(sofar.retried + sofar.deactivated);
    return stopping.aborted ? 'stop' : 'go-on';
  });
  await log.conclude(callId, { ...commandOutcome, answer: { ...done } });
  return done;
}
