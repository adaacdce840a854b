import { LAST_PRIORITY, type ErrorCode, type RequestOutcome } from '@foyer/shared';
import { LeaseLost, type BoxPort, type GroupLease, type Lease } from '../people/box-port.ts';
import { urgencyOf, type Budget, type Permits, type Acquisition } from '../budget/budget-port.ts';
import { converge, type Ending } from '../people/converge.ts';
import { convergeGroup } from '../groups/converge-group.ts';
import type { GroupBox, GroupStore } from '../groups/group-port.ts';
import type { JobEnd } from '../relay/queue-port.ts';
import { dispose, isSpent, type RetryPolicy } from './retry.ts';
import type { ConvergenceStore, Taken, AttemptStore, Unread } from '../people/store-port.ts';

/** What an attempt needs, whether for a person or a group. */
interface Surroundings {
  /** The source of permits; absent: the Box adapter's own, and the attempt does not wait before it begins. */
  readonly budget?: Budget;
  readonly policy: RetryPolicy;
  /** Aborted at shutdown: an attempt between two steps is handed back. */
  readonly stopping: AbortSignal;
  /** Called with the result of the attempt, for the log and the metrics. */
  readonly tell: (news: AttemptNews) => void;
  /** In [0, 1): spreads retries. */
  readonly random?: () => number;
}

export interface AttemptContext extends Surroundings {
  readonly store: ConvergenceStore;
  readonly box: BoxPort;
}

export interface GroupAttemptContext extends Surroundings {
  readonly store: GroupStore;
  readonly box: GroupBox;
}

type AnyLease = Lease | GroupLease;

/** What differs between people and groups: the store of requests, and how Box is made to match. */
interface Kind<T extends Unread<AnyLease>> {
  readonly store: AttemptStore<T>;
  converge(taken: T, permits: Permits | undefined): Promise<Ending>;
}
interface AttemptOf<T extends Unread<AnyLease>> extends Surroundings, Kind<T> {}

/** How an attempt went. `seconds`: from the lease to the end. */
export type AttemptNews = { readonly requestId: string } & (
  { readonly identityId: string } | { readonly groupId: string }
) &
  (
    | { readonly kind: 'succeeded'; readonly outcome: RequestOutcome; readonly seconds: number }
    | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string; readonly seconds: number }
    | {
        readonly kind: 'retry-scheduled';
        readonly code: ErrorCode;
        readonly detail: string;
        readonly delayMs: number;
        readonly seconds: number;
      }
    | { readonly kind: 'handed-back'; readonly seconds: number }
    | { readonly kind: 'lease-lost' }
    | { readonly kind: 'threw'; readonly error: unknown }
  );

/**
 * How long a job waits that this worker may not process, in milliseconds: a worker with the right Box app may take it.
 */
const HELD_MS = 5_000;

const over: JobEnd = { kind: 'over' };
const internalError: Ending = {
  kind: 'faulted',
  fault: { code: 'internal_error', detail: 'An internal error occurred in the worker. See its log.' },
};
const unreadable: Ending = {
  kind: 'faulted',
  fault: { code: 'internal_error', detail: 'The stored data of this person cannot be read. See the log.' },
};
const died = ({ attempts }: Pick<Unread, 'attempts'>): Ending => ({
  kind: 'faulted',
  fault: {
    code: 'worker_died',
    detail: `Workers started this request ${attempts - 1} times, and the last one stopped without a result.`,
  },
});

/** Requests that wait for the same moment are spread over this additional share of the wait, up to the limit below. */
const SPREAD_SHARE = 0.1;
const LONGEST_SPREAD_MS = 5_000;

/**
 * One attempt at a request: acquire a permit, take the request, make Box match, record how it ended. This is the
 * queue's job `converge`; `priority` is the job's. While it waits for the permit it holds no lease, and occupies its
 * worker for at most two seconds. Throws what the stores throw when recording the end fails: the queue and the relay
 * then try again.
 */
export function runAttempt(
  requestId: string,
  parts: AttemptContext,
  priority = LAST_PRIORITY,
): Promise<JobEnd> {
  const work = (taken: Taken, permits: Permits | undefined): Promise<Ending> => {
    // A person needs only a call or two, so an attempt that has begun is finished first.
    permits?.begin();
    return converge(taken, { ...parts, allowance: permits });
  };
  return attempt(requestId, { ...parts, converge: work }, priority);
}

/** As `runAttempt`, for a group's request. Its calls keep the request's urgency, because there may be thousands. */
export function runGroupAttempt(
  requestId: string,
  parts: GroupAttemptContext,
  priority = LAST_PRIORITY,
): Promise<JobEnd> {
  return attempt(
    requestId,
    { ...parts, converge: (taken, permits) => convergeGroup(taken, { ...parts, allowance: permits }) },
    priority,
  );
}

async function attempt<T extends Unread<AnyLease>>(
  requestId: string,
  parts: AttemptOf<T>,
  priority: number,
): Promise<JobEnd> {
  const { stopping, budget, random = Math.random } = parts;
  if (stopping.aborted) return { kind: 'again', delayMs: 0 };
  const permits = budget?.permits(urgencyOf(priority));
  if (!permits) return begin(requestId, parts);
  try {
    const filled = await fill(permits, requestId, parts);
    if (filled.ok) return await begin(requestId, parts, permits);
    const spread = Math.min(LONGEST_SPREAD_MS, filled.waitMs * SPREAD_SHARE) * random();
    return { kind: 'again', delayMs: Math.ceil(filled.waitMs + spread) };
  } finally {
    permits.close();
  }
}

/** Waits for the permit; a longer wait is added to the request's timeline. */
async function fill<T extends Unread<AnyLease>>(
  permits: Permits,
  requestId: string,
  { store, stopping }: AttemptOf<T>,
): Promise<Acquisition> {
  let noted: Promise<void> | undefined;
  const onWait = (waitMs: number): void => {
    noted = store.noteWait(requestId, waitMs);
    // It is awaited below, but possibly seconds after it failed, so a rejection is handled here.
    noted.catch(() => undefined);
  };
  const filled = await permits.fill({ stopping, onWait });
  await noted;
  return filled;
}

async function begin<T extends Unread<AnyLease>>(
  requestId: string,
  parts: AttemptOf<T>,
  permits?: Permits,
): Promise<JobEnd> {
  const result = await parts.store.take(requestId);
  if (result.kind === 'over') return over;
  if (result.kind === 'held') return { kind: 'again', delayMs: HELD_MS };
  if (result.kind === 'busy') return { kind: 'again', delayMs: result.retryInMs };

  const begun = performance.now();
  const taken = result.kind === 'unreadable' ? result.unread : result.taken;
  const whose = whoseIs(taken.lease);
  if (isSpent(taken, parts.policy)) return settle(taken, died(taken), parts, begun);
  if (result.kind === 'unreadable') {
    parts.tell({ kind: 'threw', requestId, ...whose, error: result.error });
    return settle(taken, unreadable, parts, begun);
  }
  try {
    return await settle(taken, await parts.converge(result.taken, permits), parts, begun);
  } catch (error) {
    if (error instanceof LeaseLost) {
      parts.tell({ kind: 'lease-lost', requestId, ...whose });
      return over;
    }
    // A fault of our own. Recording it needs the store too: if the store is what failed, the queue and the relay try
    // again.
    parts.tell({ kind: 'threw', requestId, ...whose, error });
    return settle(taken, internalError, parts, begun);
  }
}

const whoseIs = (lease: AnyLease) =>
  'groupId' in lease ? { groupId: lease.groupId } : { identityId: lease.identityId };

async function settle<T extends Unread<AnyLease>>(
  taken: Unread<T['lease']>,
  ending: Ending,
  parts: AttemptOf<T>,
  begun: number,
): Promise<JobEnd> {
  const { store, policy, tell, random = Math.random } = parts;
  const { lease } = taken;
  // The limit of attempts ends requests that make no progress, so the count restarts after progress.
  const tried = ending.kind !== 'converged' && ending.progressed ? { ...taken, failures: 0 } : taken;
  const told = () => ({
    requestId: lease.requestId,
    ...whoseIs(lease),
    seconds: (performance.now() - begun) / 1000,
  });
  if (ending.kind === 'handed-back') {
    await store.handBack(lease, tried.failures);
    tell({ kind: 'handed-back', ...told() });
    // The job stays in the queue for another worker: if it ended, it would hide the request from a relay that runs
    // right now.
    return { kind: 'again', delayMs: 0 };
  }
  if (ending.kind === 'converged') {
    if (!ending.isSettled) await store.succeed(lease, ending.outcome);
    tell({ kind: 'succeeded', outcome: ending.outcome, ...told() });
    return over;
  }
  const { code, detail } = ending.fault;
  const disposal = dispose(ending.fault, tried, policy, random());
  if (disposal.kind === 'fail') {
    await store.fail(lease, ending.fault);
    tell({ kind: 'failed', code, detail, ...told() });
    return over;
  }
  await store.retry(lease, ending.fault, disposal.delayMs, tried.failures + (disposal.counted ? 1 : 0));
  tell({ kind: 'retry-scheduled', code, detail, delayMs: disposal.delayMs, ...told() });
  return { kind: 'again', delayMs: disposal.delayMs };
}
