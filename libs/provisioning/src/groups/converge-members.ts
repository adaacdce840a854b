import type { BoxFault, BoxResult, CallContext } from '../box-port.ts';
import type { MembershipKey } from '../box-groups-port.ts';
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

/** Calls at once, and so the most that are unsettled when a worker dies. */
const AT_ONCE = 8;
const SLICE_MS = 20_000;

type TaskEnd = keyof Counts | 'group-missing' | BoxFault;

/**
 * Carries the difference out: who is to be added, who is to be removed, nobody else. Each is safe to repeat: Box refuses a
 * second membership, and one that is gone is as good as removed. One member whom Box does not take holds nobody else up;
 * where it takes none of several, it is not about them.
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
    // Each to its end, whatever became of the others: what Box did is put on record.
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
  const detail = `Box shows ${counts.refused} of the members no more: see them at the group.`;
  return { kind: 'faulted', fault: { code: 'box_member_missing', detail, ambiguous: false }, counts };
}

/** An information barrier, a policy: what Box has against one member says nothing of the next. */
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
 * The membership of somebody whose adding ended unclear; null when there is none, nor can be. A listing that does not show
 * it may lag, so Box is told to add them once more: it refuses a second membership, or there is one to remove now.
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
  detail: 'Box says that somebody is a member already, but shows no such membership.',
  ambiguous: false,
};
