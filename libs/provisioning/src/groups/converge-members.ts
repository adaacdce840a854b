import type { BoxFault, BoxResult, CallContext } from '../people/box-port.ts';
import type { MembershipKey } from './box-groups-port.ts';
import type { MemberTask } from './group-model.ts';
import type { GroupBox, GroupStore, TakenGroup } from './group-port.ts';

interface Counts {
  readonly added: number;
  readonly removed: number;
  readonly refused: number;
}

export type MembersEnd = { readonly counts: Counts } & (
  | { readonly kind: 'done' }
  | { readonly kind: 'handed-back' }
  | { readonly kind: 'group-missing' }
  | { readonly kind: 'faulted'; readonly fault: BoxFault }
);

interface MembersParts {
  readonly box: GroupBox;
  readonly store: GroupStore;
  readonly stopping: AbortSignal;
  readonly sliceMs?: number;
}

/** Concurrent calls, and so the most calls that are unsettled after a crash. */
const AT_ONCE = 8;
const SLICE_MS = 20_000;

type TaskEnd = keyof Counts | 'group-missing' | BoxFault;

/**
 * Adds and removes exactly the members that differ. Each call is safe to repeat: Box refuses a second membership, and a
 * missing one counts as removed. A member that Box refuses does not delay the others; when Box refuses all of several,
 * the cause is not the members.
 */
export async function convergeMembers(
  context: CallContext,
  { lease }: Pick<TakenGroup, 'lease'>,
  boxGroupId: string,
  { box, store, stopping, sliceMs = SLICE_MS }: MembersParts,
): Promise<MembersEnd> {
  const counts = { added: 0, removed: 0, refused: 0 };
  let refusal: BoxFault | undefined;
  const end = performance.now() + sliceMs;
  for (let after: string | null = null; ;) {
    if (stopping.aborted || performance.now() > end) return { kind: 'handed-back', counts };
    const tasks: MemberTask[] = await store.memberTasks(lease, after, AT_ONCE);
    if (tasks.length === 0) break;
    const work = tasks.map((task) => carryOut(task, { context, boxGroupId, lease, box, store }));
    // Waits for all of them, even when one fails, because everything that Box did must be recorded.
    const settled = await Promise.allSettled(work);
    const lost = settled.find((one) => one.status === 'rejected');
    if (lost) throw lost.reason;
    let fault: BoxFault | undefined;
    let isGone = false;
    let refused = 0;
    for (const one of settled) {
      if (one.status === 'rejected') continue;
      if (typeof one.value === 'object' && isAboutOne(one.value)) {
        refusal ??= one.value;
        refused += 1;
      } else if (typeof one.value === 'object') fault ??= one.value;
      else if (one.value === 'group-missing') isGone = true;
      else counts[one.value] += 1;
    }
    counts.refused += refused;
    if (refused === tasks.length) fault ??= refusal;
    if (fault) return { kind: 'faulted', fault, counts };
    if (isGone) return { kind: 'group-missing', counts };
    after = tasks.at(-1)!.value;
  }
  if (refusal) return { kind: 'faulted', fault: refusal, counts };
  if (counts.refused === 0) return { kind: 'done', counts };
  const detail = `Box no longer returns ${counts.refused} of the members. The SCIM group lists them under waitingMembers.`;
  return { kind: 'faulted', fault: { code: 'box_member_missing', detail, ambiguous: false }, counts };
}

/** An information barrier or a policy: a refusal of one member does not apply to the next. */
const isAboutOne = ({ code }: BoxFault): boolean => code === 'box_forbidden' || code === 'box_invalid';

interface Doing {
  readonly context: CallContext;
  readonly boxGroupId: string;
  readonly lease: TakenGroup['lease'];
  readonly box: GroupBox;
  readonly store: GroupStore;
}

function carryOut(task: MemberTask, doing: Doing): Promise<TaskEnd> {
  const about = { ...doing, context: { ...doing.context, identityId: task.identityId } };
  return task.kind === 'add' ? add(task, about) : remove(task, about);
}

async function add(task: MemberTask, { context, boxGroupId, lease, box, store }: Doing): Promise<TaskEnd> {
  const membership = { boxUserId: task.boxUserId, boxGroupId };
  const result = await box.addMembership(context, membership);
  if (!result.ok && result.fault.code === 'box_member_missing') {
    const group = await box.readGroup(context, boxGroupId);
    if (!group.ok) return group.fault;
    if (group.value === null) return 'group-missing';
    await store.memberRefused(lease, task, result.fault.detail);
    return 'refused';
  }
  if (!result.ok && isAboutOne(result.fault)) await store.memberRefused(lease, task, result.fault.detail);
  if (!result.ok) return result.fault;
  if (result.value.kind === 'added') {
    await store.memberAdded(lease, task, result.value.membershipId);
    return 'added';
  }
  const found = await box.findMembership(context, membership);
  if (!found.ok) return found.fault;
  if (found.value === null) return notShown;
  await store.memberAdded(lease, task, found.value);
  return 'added';
}

async function remove(
  task: Extract<MemberTask, { kind: 'remove' }>,
  { context, boxGroupId, lease, box, store }: Doing,
): Promise<TaskEnd> {
  let { membershipId } = task;
  if (membershipId === null) {
    const found = await settleAdding({ boxUserId: task.boxUserId, boxGroupId }, { context, box });
    if (!found.ok) return found.fault;
    membershipId = found.value;
  }
  if (membershipId !== null) {
    const result = await box.removeMembership(context, membershipId);
    if (!result.ok) return result.fault;
  }
  await store.memberRemoved(lease, task);
  return 'removed';
}

/**
 * The membership of a person whose add ended ambiguously; null when there is none and none can appear. A listing that
 * does not show it may lag, so the person is added once more: Box refuses a second membership, or creates one that can
 * be removed.
 */
async function settleAdding(
  membership: MembershipKey,
  { context, box }: Pick<Doing, 'context' | 'box'>,
): Promise<BoxResult<string | null>> {
  const found = await box.findMembership(context, membership);
  if (!found.ok || found.value !== null) return found;
  const added = await box.addMembership(context, membership);
  if (!added.ok) return added.fault.code === 'box_member_missing' ? { ok: true, value: null } : added;
  return added.value.kind === 'added'
    ? { ok: true, value: added.value.membershipId }
    : { ok: false, fault: notShown };
}

const notShown: BoxFault = {
  code: 'box_conflict',
  detail: 'Box says that the user is already a member, but returns no such membership.',
  ambiguous: false,
};
