import { ENQUEUE_GRACE_MS, GROUP_PRIORITY, priorityOf, type JobName, type RequestCause } from '@foyer/shared';
import { run, statement } from '../database/statement.ts';
import type { Transaction } from '../database/transaction.ts';
import { openOrFollow, requestColumns, type Opening, type RequestRow } from './open-requests.ts';

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

/** The job that converges a person for this cause. */
export const personWork = (cause: RequestCause) =>
  ({ job: 'converge', priority: priorityOf[cause] }) as const;
/** The job that converges a group. */
export const groupWork = { job: 'converge-group', priority: GROUP_PRIORITY } as const;

type OpenValue = 'id' | 'tenant' | 'generation' | 'cause' | 'priority' | 'retry_of' | 'grace_ms';
const open = (of: Opening['of']) =>
  statement<OpenValue>(
    `open-${of}-request`,
    `WITH about AS (SELECT $id::uuid AS id, $generation::int AS generation), ${openOrFollow('about', {
      ...{ of, tenant: '$tenant::uuid', cause: '$cause::text', priority: '$priority::int' },
      ...{ retryOf: '$retry_of', graceMs: '$grace_ms::float8' },
    })} SELECT ${requestColumns} FROM request`,
  );
const openForIdentity = open('identity');
const openForGroup = open('group');

/** The open request ended, or another one was opened, at the same moment: the transaction is repeated. */
class RequestMoved extends Error {
  override readonly name = 'RequestMoved';
  readonly code = '40001';
}

/**
 * The open request of that generation, or a new one. Without the row of the person or group, another transaction may
 * open the same request; this one is then repeated.
 */
export async function requestFor(
  tx: Transaction,
  tenantId: string,
  { identityId, groupId, generation }: About & { readonly generation: number },
  cause: RequestCause,
  retryOf: string | null = null,
): Promise<OpenedRequest> {
  const isGroup = groupId !== undefined;
  const work = isGroup ? groupWork : personWork(cause);
  const [opened] = await run<RequestRow, OpenValue>({ tx }, isGroup ? openForGroup : openForIdentity, {
    ...{ id: isGroup ? groupId : identityId, tenant: tenantId, generation, cause, priority: work.priority },
    ...{ retry_of: retryOf, grace_ms: ENQUEUE_GRACE_MS },
  });
  if (opened === undefined) throw new RequestMoved();
  return { ...work, ...opened };
}
