import type { ErrorCode, RequestOutcome } from '@foyer/shared';
import { LeaseLost, type BoxPort, type GroupLease, type Lease } from './box-port.ts';
import { urgencyOf, type Budget, type Purse, type Spending } from './budget-port.ts';
import { converge, type Ending } from './converge.ts';
import { convergeGroup } from './groups/converge-group.ts';
import type { GroupBox, GroupStore } from './groups/group-port.ts';
import type { JobEnd } from './queue-port.ts';
import { dispose, isSpent, type RetryPolicy } from './retry.ts';
import type { ConvergenceStore, Taken, TurnStore, Unread } from './store-port.ts';

/** What a turn needs, whatever it is about. */
interface Surroundings {
  /** What calls are paid from; absent: from Box's own allowance, and no turn waits before it begins. */
  readonly budget?: Budget;
  readonly policy: RetryPolicy;
  /** Aborted at shutdown: what is between two steps is handed back. */
  readonly stopping: AbortSignal;
  /** Hears how the turn went, for the log and the metrics. */
  readonly tell: (news: TurnNews) => void;
  /** In [0, 1): spreads retries. */
  readonly random?: () => number;
}

export interface TurnParts extends Surroundings {
  readonly store: ConvergenceStore;
  readonly box: BoxPort;
}

export interface GroupTurnParts extends Surroundings {
  readonly store: GroupStore;
  readonly box: GroupBox;
}

type AnyLease = Lease | GroupLease;

/** A turn's own part: where its request is kept, and how Box is made to match. */
interface Kind<T extends Unread<AnyLease>> {
  readonly store: TurnStore<T>;
  converge(taken: T, purse: Purse | undefined): Promise<Ending>;
}
interface Turning<T extends Unread<AnyLease>> extends Surroundings, Kind<T> {}

/** How a turn went. `seconds` from the lease to the end. */
export type TurnNews = { readonly requestId: string } & (
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

/** How long a job waits that this worker may not do, in milliseconds: another worker, of the right Box app, may take it. */
const HELD_MS = 5_000;

const over: JobEnd = { kind: 'over' };
const internalError: Ending = {
  kind: 'faulted',
  fault: { code: 'internal_error', detail: 'A fault in the worker; see its log.' },
};
const unreadable: Ending = {
  kind: 'faulted',
  fault: { code: 'internal_error', detail: 'What is stored of this person cannot be read; see the log.' },
};
const died = ({ attempts }: Pick<Unread, 'attempts'>): Ending => ({
  kind: 'faulted',
  fault: {
    code: 'worker_died',
    detail: `Taken up ${attempts - 1} times, and the last worker was not heard of again.`,
  },
});

/** A crowd that waits for the same moment comes back over this share of the wait more, and at most so long. */
const SPREAD_SHARE = 0.1;
const LONGEST_SPREAD_MS = 5_000;
const LAST = Number.MAX_SAFE_INTEGER;

/**
 * One turn at a request: have a permit for a call, take the request, make Box match, settle how it ended. What the queue's
 * job `converge` does; `priority` is the job's. Nothing is held while it waits for the permit: neither a lease, nor for
 * more than two seconds its place in the queue. Throws what the stores throw when even the settling fails: the queue and
 * the relay then try again.
 */
export function takeTurn(requestId: string, parts: TurnParts, priority = LAST): Promise<JobEnd> {
  const work = (taken: Taken, purse: Purse | undefined): Promise<Ending> => {
    // A person is a call or two: once begun, they are soon done.
    purse?.begin();
    return converge(taken, { ...parts, allowance: purse });
  };
  return turn(requestId, { ...parts, converge: work }, priority);
}

/** As `takeTurn`, at a group's request. Its calls stay as urgent as the request: there may be thousands. */
export function takeGroupTurn(requestId: string, parts: GroupTurnParts, priority = LAST): Promise<JobEnd> {
  return turn(
    requestId,
    { ...parts, converge: (taken, purse) => convergeGroup(taken, { ...parts, allowance: purse }) },
    priority,
  );
}

async function turn<T extends Unread<AnyLease>>(
  requestId: string,
  parts: Turning<T>,
  priority: number,
): Promise<JobEnd> {
  const { stopping, budget, random = Math.random } = parts;
  if (stopping.aborted) return { kind: 'again', delayMs: 0 };
  const purse = budget?.purse(urgencyOf(priority));
  if (!purse) return begin(requestId, parts);
  try {
    const filled = await fill(purse, requestId, parts);
    if (filled.ok) return await begin(requestId, parts, purse);
    const spread = Math.min(LONGEST_SPREAD_MS, filled.waitMs * SPREAD_SHARE) * random();
    return { kind: 'again', delayMs: Math.ceil(filled.waitMs + spread) };
  } finally {
    purse.close();
  }
}

/** Waits for the permit; a wait worth telling goes into the request's timeline. */
async function fill<T extends Unread<AnyLease>>(
  purse: Purse,
  requestId: string,
  { store, stopping }: Turning<T>,
): Promise<Spending> {
  let noted: Promise<void> | undefined;
  const onWait = (waitMs: number): void => {
    noted = store.noteWait(requestId, waitMs);
    // Heard of below, but perhaps only seconds after it failed.
    noted.catch(() => undefined);
  };
  const filled = await purse.fill({ stopping, onWait });
  await noted;
  return filled;
}

async function begin<T extends Unread<AnyLease>>(
  requestId: string,
  parts: Turning<T>,
  purse?: Purse,
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
    return await settle(taken, await parts.converge(result.taken, purse), parts, begun);
  } catch (error) {
    if (error instanceof LeaseLost) {
      parts.tell({ kind: 'lease-lost', requestId, ...whose });
      return over;
    }
    // A fault of our own. Settling it needs the store too: when that is what failed, the queue and the relay try again.
    parts.tell({ kind: 'threw', requestId, ...whose, error });
    return settle(taken, internalError, parts, begun);
  }
}

const whoseIs = (lease: AnyLease) =>
  'groupId' in lease ? { groupId: lease.groupId } : { identityId: lease.identityId };

async function settle<T extends Unread<AnyLease>>(
  taken: Unread<T['lease']>,
  ending: Ending,
  parts: Turning<T>,
  begun: number,
): Promise<JobEnd> {
  const { store, policy, tell, random = Math.random } = parts;
  const { lease } = taken;
  // Attempts are counted to end what gets nowhere: after progress the count begins anew.
  const tried = ending.kind !== 'converged' && ending.progressed ? { ...taken, failures: 0 } : taken;
  const told = () => ({
    requestId: lease.requestId,
    ...whoseIs(lease),
    seconds: (performance.now() - begun) / 1000,
  });
  if (ending.kind === 'handed-back') {
    await store.handBack(lease, tried.failures);
    tell({ kind: 'handed-back', ...told() });
    // The job stays in the queue for another worker: ended, it would hide the request from a relay that looks just now.
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
