import {
  ENQUEUE_GRACE_MS,
  GROUP_PRIORITY,
  laneOf,
  openStatuses,
  priorityOf,
  type JobName,
  type RequestCause,
} from '@foyer/shared';
import type { Transaction } from '../database/transaction.ts';

/** The person or the group of a request. */
export type About =
  | { readonly identityId: string; readonly groupId?: undefined }
  | { readonly groupId: string; readonly identityId?: undefined };

/** `wasPromoted`: it was moved out of the background lane, because a person now waits for it at a screen. */
export interface OpenedRequest {
  readonly requestId: string;
  /** The kind and priority of the job, for the queue. */
  readonly job: JobName;
  readonly priority: number;
  readonly isNew: boolean;
  readonly wasPromoted: boolean;
}

const workOf = (about: About, cause: RequestCause): Pick<OpenedRequest, 'job' | 'priority'> =>
  about.groupId === undefined
    ? { job: 'converge', priority: priorityOf[cause] }
    : { job: 'converge-group', priority: GROUP_PRIORITY };

/**
 * The open request of that generation, or a new one. The caller must hold the row of the person or group; otherwise the
 * index of open requests refuses the second one.
 */
export async function requestFor(
  tx: Transaction,
  tenantId: string,
  about: About & { readonly generation: number },
  cause: RequestCause,
  retryOf: string | null = null,
): Promise<OpenedRequest> {
  const { identityId = null, groupId = null, generation } = about;
  const work = workOf(about, cause);
  const { priority } = work;
  const open = await tx.provisioningRequest.findFirst({
    where: { identityId, groupId, generation, status: { in: [...openStatuses] } },
    select: { id: true, priority: true, startedAt: true },
  });
  if (open !== null) {
    const wasPromoted =
      open.startedAt === null && laneOf(priority) !== laneOf(open.priority) && priority < open.priority;
    if (wasPromoted) await tx.provisioningRequest.update({ where: { id: open.id }, data: { priority } });
    return { ...work, requestId: open.id, isNew: false, wasPromoted };
  }
  const [made] = await tx.$queryRaw<{ id: string }[]>`
      WITH made AS (
        INSERT INTO provisioning_request (tenant_id, identity_id, group_id, generation, cause, priority, retry_of, due_at)
        VALUES (${tenantId}::uuid, ${identityId}::uuid, ${groupId}::uuid, ${generation}, ${cause}, ${priority},
          ${retryOf}::uuid, clock_timestamp() + ${ENQUEUE_GRACE_MS} * interval '1 millisecond')
        RETURNING id
      ), noted AS (INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM made)
      SELECT id FROM made`;
  return { ...work, requestId: made!.id, isNew: true, wasPromoted: false };
}

/** The newest request of a person or a group; null when there was none yet. */
export async function newestRequest(tx: Transaction, tenantId: string, about: About): Promise<string | null> {
  const newest = await tx.provisioningRequest.findFirst({
    where: { tenantId, ...about },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    select: { id: true },
  });
  return newest?.id ?? null;
}
