import type { RequestOutcome } from '@foyer/shared';
import type { Allowance } from '../budget/budget-port.ts';
import type { BoxFault, BoxPort, BoxResult, CallContext } from './box-port.ts';
import type { BoxAccount, BoxUser, Known, Observed, Step } from './model.ts';
import { plan } from './plan.ts';
import { profileAfter } from './profile.ts';
import type { ConvergenceStore, Taken } from './store-port.ts';

export type Ending =
  /** `isSettled`: the request was already ended, in the same write as the last save. */
  | { readonly kind: 'converged'; readonly outcome: RequestOutcome; readonly isSettled: boolean }
  /** The process is stopping; everything done so far is recorded. */
  | { readonly kind: 'handed-back'; readonly progressed?: boolean }
  /** `progressed`: less is left to do than before this attempt. Absent: no. */
  | {
      readonly kind: 'faulted';
      readonly fault: Pick<BoxFault, 'code' | 'detail' | 'retryAfterMs'>;
      readonly progressed?: boolean;
    };

type AccountStore = Pick<
  ConvergenceStore,
  'saveAccount' | 'markMissing' | 'restoreAccount' | 'forgetAccount'
>;

interface ConvergeContext {
  readonly box: Pick<BoxPort, 'createUser' | 'findUser' | 'readUser' | 'updateUser' | 'deleteUser'>;
  readonly store: AccountStore;
  /** The source of permits for this attempt's calls. */
  readonly allowance?: Allowance;
}

/**
 * More steps than any plan needs (update, read, mark, forget, create, read, adopt, update, finish): reaching it means a
 * bug in `plan`.
 */
const MAX_STEPS = 14;

/**
 * Makes Box match the identity, one step at a time: plan, make one call, record it, repeat. Safe to repeat from any
 * point. Throws LeaseLost when another worker has taken over, and whatever the store throws. Stops between two steps
 * when `stopping` is aborted.
 */
export async function converge(
  taken: Taken,
  parts: ConvergeContext & { stopping: AbortSignal },
): Promise<Ending> {
  let known: Known = {
    account: taken.account,
    lastCreate: taken.lastCreate,
    begunAs: taken.begunAs,
    lastWord: taken.lastWord,
    observed: {},
    effect: taken.effect,
    mayRecreate: taken.mayRecreate ?? false,
  };
  let progressed = false;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const step = plan(taken.desired, known);
    if (step.kind === 'finish') return { kind: 'converged', outcome: step.outcome, isSettled: false };
    if (step.kind === 'fail') return { kind: 'faulted', fault: step, progressed };
    if (parts.stopping.aborted) return { kind: 'handed-back', progressed };
    const next = await carryOut(step, taken, known, parts);
    if ('fault' in next) return { kind: 'faulted', fault: next.fault, progressed };
    if ('ended' in next) return { kind: 'converged', outcome: next.ended, isSettled: true };
    progressed ||= isProgress(known, next.known);
    known = next.known;
  }
  return { kind: 'faulted', fault: { code: 'internal_error', detail: 'The plan does not end.' } };
}

/**
 * Whether less is left to do: the mapping has changed, or Box gave its first answer about an unsettled create. Later
 * answers do not count, because Box might contradict itself without end.
 */
function isProgress(before: Known, after: Known): boolean {
  if (before.account !== after.account) return true;
  const isFirstWord = before.lastWord === undefined && before.observed.conflict === undefined;
  return isFirstWord && before.lastCreate === 'unsettled' && after.observed.found !== before.observed.found;
}

type Next = { readonly known: Known } | { readonly fault: BoxFault } | { readonly ended: RequestOutcome };
type Doable = Exclude<Step, { kind: 'finish' } | { kind: 'fail' }>;

async function carryOut(step: Doable, taken: Taken, known: Known, parts: ConvergeContext): Promise<Next> {
  const { desired, lease } = taken;
  const { requestId, identityId } = lease;
  const context: CallContext = { requestId, identityId, lease, allowance: parts.allowance };
  const saved = (account: BoxAccount, effect: RequestOutcome | null) =>
    save(account, effect, taken, known, parts.store);
  const applied = (user: BoxUser, sent: Sent, appliedGeneration: number): BoxAccount =>
    accountOf(user, { externalId: desired.externalId, ...sent }, appliedGeneration);

  switch (step.kind) {
    case 'create': {
      const result = await parts.box.createUser(context, step);
      if (!result.ok) return { fault: result.fault };
      if (result.value.kind === 'created')
        return saved(
          applied(result.value.user, step, desired.generation),
          step.status === 'inactive' ? 'deactivated' : 'created',
        );
      const lastCreate = known.lastCreate === 'unsettled' ? 'unsettled' : 'conflict';
      return { known: { ...known, lastCreate, observed: { conflict: { id: result.value.conflictId } } } };
    }
    case 'find':
      return observe(known, await parts.box.findUser(context, step.externalId));
    case 'read':
      return observe(known, await parts.box.readUser(context, step.boxUserId));
    case 'adopt': {
      // Generation 0 marks the user as adopted, so that differences from the desired state are still applied.
      const next = await saved(applied(step.user, asFound(step.user), 0), step.effect);
      const isOldId = known.begunAs !== undefined && known.begunAs !== desired.externalId;
      // Whoever has the person's old id now has that user, so the person gets one under the new id.
      return 'fault' in next && isOldId ? { known: { ...known, ...unknownAgain } } : next;
    }
    case 'update': {
      const result = await parts.box.updateUser(context, step.boxUserId, step.change);
      if (!result.ok && result.fault.code === 'box_user_missing')
        return { known: { ...known, observed: { ...known.observed, isGone: true } } };
      if (!result.ok) return { fault: result.fault };
      const { account } = known;
      const sent: Sent = {
        name: step.change.name ?? account?.name ?? result.value.name,
        // Box's own answer: an update without an answer may have changed the id to one that is not stored here.
        externalId:
          step.change.externalId ?? result.value.externalId ?? account?.externalId ?? desired.externalId,
        profile: profileAfter(account?.profile ?? {}, step.change),
      };
      return saved(applied(result.value, sent, desired.generation), step.effect);
    }
    case 'delete':
      return remove(step.boxUserId, context, taken, known, parts);
    case 'confirm':
      return saved(confirmed(known.account!, desired.generation), known.effect);
    case 'mark-missing':
      await parts.store.markMissing(lease, step.boxUserId);
      return { known: { ...known, account: { ...known.account!, isMissing: true } } };
    case 'restore': {
      const account = applied(step.user, asFound(step.user), 0);
      await parts.store.restoreAccount(lease, account);
      return { known: { ...known, account } };
    }
    case 'forget':
      await parts.store.forgetAccount(lease, step.boxUserId);
      return { known: { ...known, ...unknownAgain } };
  }
}

/** The state of an identity of whose account, and of whose creates, nothing is known any more. */
const unknownAgain: Pick<Known, 'account' | 'lastCreate' | 'begunAs' | 'lastWord' | 'observed' | 'effect'> = {
  ...{ account: null, lastCreate: null, begunAs: undefined, lastWord: undefined },
  ...{ observed: {}, effect: null },
};

/** Deletes the user and its mapping; a user that Box does not delete is kept, deactivated, which is an outcome. */
async function remove(
  boxUserId: string,
  context: CallContext,
  taken: Taken,
  known: Known,
  { box, store }: ConvergeContext,
): Promise<Next> {
  const result = await box.deleteUser(context, boxUserId);
  if (!result.ok) return { fault: result.fault };
  if (result.value !== 'deleted') {
    const account = confirmed(known.account!, taken.desired.generation);
    const after: Known = { ...known, observed: { ...known.observed, isKept: true } };
    return save(account, 'kept', taken, after, store, whyKept[result.value]);
  }
  await store.forgetAccount(taken.lease, boxUserId);
  return { known: { account: null, lastCreate: null, observed: {}, effect: 'deleted' } };
}

/** The mapping, of which Box's answers leave nothing in doubt. */
const confirmed = (
  { mayBeDeleted: _over, ...account }: BoxAccount,
  appliedGeneration: number,
): BoxAccount => ({
  ...account,
  appliedGeneration,
});

/** For the request's timeline, after "because". */
const whyKept = {
  'owns-content': 'it owns content',
  'on-hold': 'a retention policy or a legal hold applies',
} as const;

/** What was sent to Box for a user. */
type Sent = Pick<BoxAccount, 'name' | 'externalId' | 'profile'>;

/**
 * Stores what was sent, not what Box returned: if Box normalizes a name, a comparison with the result would cause
 * updates without end.
 */
const accountOf = (user: BoxUser, { name, externalId, profile = {} }: Sent, appliedGeneration: number) => ({
  ...{ boxUserId: user.id, status: user.status, appliedGeneration },
  ...{ name, externalId, profile },
});

const asFound = ({ name, externalId }: BoxUser): Sent => ({
  name,
  ...(externalId !== null && { externalId }),
});

function observe(known: Known, result: BoxResult<BoxUser | null>): Next {
  if (!result.ok) return { fault: result.fault };
  const observed: Observed = { ...known.observed, found: result.value };
  return { known: { ...known, observed } };
}

/** When no step is left afterwards, the same write also ends the request. */
async function save(
  account: BoxAccount,
  effect: RequestOutcome | null,
  taken: Taken,
  known: Known,
  store: AccountStore,
  why?: string,
): Promise<Next> {
  const after: Known = { ...known, account, effect };
  const next = plan(taken.desired, after);
  const outcome = next.kind === 'finish' ? next.outcome : undefined;
  const result = await store.saveAccount(taken.lease, account, effect, outcome, why);
  if (result === 'saved') return outcome === undefined ? { known: after } : { ended: outcome };
  return {
    fault: {
      code: 'box_user_mismatch',
      detail: `Box user ${account.boxUserId} already belongs to another identity.`,
      ambiguous: false,
    },
  };
}
