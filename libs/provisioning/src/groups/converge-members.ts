import type { BoxFault, BoxResult, CallContext } from '../people/box-port.ts';
import type { MemberAnswer, MemberTask } from './group-model.ts';
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

async function add(task: MemberTask, doing: Doing): Promise<TaskEnd> {
  const { lease, store } = doing;
  const settled = task.answer === 'missing' ? missing : await settleMembership(task, doing);
  if (!settled.ok) {
    if (isAboutOne(settled.fault)) await store.memberRefused(lease, task, settled.fault.detail);
    return settled.fault;
  }
  if (settled.value !== null) {
    await store.memberAdded(lease, task, settled.value);
    return 'added';
  }
  const group = await doing.box.readGroup(doing.context, doing.boxGroupId);
  if (!group.ok) return group.fault;
  if (group.value === null) return 'group-missing';
  await store.memberRefused(lease, task, 'Box does not return the user.');
  return 'refused';
}

/** A person whose add ended ambiguously may be a member: that is settled first, and the membership's id is stored. */
async function remove(task: Extract<MemberTask, { kind: 'remove' }>, doing: Doing): Promise<TaskEnd> {
  const { context, lease, box, store } = doing;
  let { membershipId } = task;
  if (membershipId === null) {
    const settled = await settleMembership(task, doing);
    if (!settled.ok) return settled.fault;
    membershipId = settled.value;
    if (membershipId !== null) await store.memberFound(lease, task, membershipId);
  }
  if (membershipId !== null) {
    const result = await box.removeMembership(context, membershipId);
    if (!result.ok) return result.fault;
  }
  await store.memberRemoved(lease, task);
  return 'removed';
}

const missing: BoxResult<null> = { ok: true, value: null };

/**
 * The id of the user's membership; null when the user or the group does not exist, so that no membership can appear. A
 * listing that does not show the membership may lag, so the user is added: Box refuses a second membership, or creates
 * one. Each answer of Box is kept, and the next attempt starts with the other call: a Box that loses every second call
 * would otherwise lose the same one each time.
 */
async function settleMembership(task: MemberTask, doing: Doing): Promise<BoxResult<string | null>> {
  const { context, boxGroupId, lease, box, store } = doing;
  const membership = { boxUserId: task.boxUserId, boxGroupId };
  const answered = (answer: MemberAnswer) => store.memberAnswered(lease, task, answer);
  const find = async (): Promise<BoxResult<string | null>> => {
    const found = await box.findMembership(context, membership);
    if (found.ok && found.value === null) await answered('not-shown');
    return found;
  };

  const isFoundFirst = task.answer === 'exists' || (task.answer === null && task.kind === 'remove');
  if (isFoundFirst) {
    const found = await find();
    if (!found.ok || found.value !== null) return found;
  }
  const added = await box.addMembership(context, membership);
  if (!added.ok && added.fault.code === 'box_member_missing') {
    await answered('missing');
    return missing;
  }
  if (!added.ok) return added;
  if (added.value.kind === 'added') return { ok: true, value: added.value.membershipId };
  await answered('exists');
  const found = isFoundFirst ? missing : await find();
  return found.ok && found.value === null ? { ok: false, fault: notShown } : found;
}

const notShown: BoxFault = {
  code: 'box_conflict',
  detail: 'Box says that the user is already a member, but returns no such membership.',
  ambiguous: false,
};
