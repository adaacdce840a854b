import type { RequestOutcome, TimelineEvent } from '@foyer/shared';
import type { Allowance } from '../budget/budget-port.ts';
import type { BoxFault, CallContext } from '../people/box-port.ts';
import type { Ending } from '../people/converge.ts';
import { convergeMembers, type MembersEnd } from './converge-members.ts';
import type { BoxGroupAccount, GroupStep, KnownGroup } from './group-model.ts';
import type { GroupBox, GroupStore, TakenGroup } from './group-port.ts';
import { planGroup } from './plan-group.ts';

export interface GroupParts {
  readonly box: GroupBox;
  readonly store: GroupStore;
  readonly allowance?: Allowance;
  readonly stopping: AbortSignal;
  /** The longest that an attempt occupies its worker, in milliseconds, because other jobs wait. */
  readonly sliceMs?: number;
}

/** More steps than any plan needs, even when the Box group is deleted during the attempt. */
const MAX_STEPS = 16;
const PAGE = 1_000;
/** The largest offset that Box accepts. */
const OFFSET_MAX = 10_000;
/** Members that a survey reads again when it continues in a later attempt, because others may have left meanwhile. */
const OVERLAP = 100;

/** `progressed`: less is left to do than before this step. Absent: no. */
type Next = ({ readonly known: KnownGroup } | { readonly ending: Ending }) & {
  readonly progressed?: boolean;
};
type Doable = Exclude<GroupStep, { kind: 'finish' } | { kind: 'fail' }>;

/** Makes Box's group match, one step at a time, as `converge` does for a person. */
export async function convergeGroup(taken: TakenGroup, parts: GroupParts): Promise<Ending> {
  let known: KnownGroup = {
    account: taken.account,
    begunAs: taken.begunAs,
    takenName: taken.takenName,
    seen: {},
    effect: taken.effect,
  };
  let progressed = false;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const step = planGroup(taken.desired, known);
    if (step.kind === 'fail') return { kind: 'faulted', fault: step, progressed };
    if (parts.stopping.aborted) return { kind: 'handed-back', progressed };
    if (step.kind === 'finish') {
      if (await parts.store.finish(taken.lease, step.outcome, taken.desired.generation))
        return { kind: 'converged', outcome: step.outcome, isSettled: true };
      known = { ...known, seen: {} };
      continue;
    }
    const next = await carryOut(step, taken, known, parts);
    progressed ||= next.progressed ?? false;
    if ('ending' in next)
      return next.ending.kind === 'converged' ? next.ending : { ...next.ending, progressed };
    known = next.known;
  }
  return { kind: 'handed-back', progressed };
}

async function carryOut(
  step: Doable,
  taken: TakenGroup,
  known: KnownGroup,
  parts: GroupParts,
): Promise<Next> {
  const { lease } = taken;
  const { box } = parts;
  const context: CallContext = {
    requestId: lease.requestId,
    identityId: null,
    lease,
    allowance: parts.allowance,
  };
  const saved = (account: BoxGroupAccount | null, event: TimelineEvent, effect: RequestOutcome | null) =>
    save(account, { event, effect }, taken, known, parts);

  switch (step.kind) {
    case 'create':
      return create(step.name, context, taken, known, parts);
    case 'find': {
      const result = await box.findGroup(context, step.name);
      if (!result.ok) return faulted(result.fault);
      const after = { ...known, seen: { ...known.seen, found: result.value } };
      return result.value === null ? noteTaken(null, lease, after, parts) : { known: after };
    }
    case 'adopt': {
      const account = { boxGroupId: step.group.id, name: step.group.name, isSurveyed: false };
      const next = await saved(account, 'box-group-adopted', 'adopted');
      if ('known' in next || known.begunAs === null) return next;
      // By now the group that the ambiguous create may have made belongs to another of our groups.
      await parts.store.begin(lease, null);
      return { known: { ...known, begunAs: null, takenName: null, seen: {} } };
    }
    case 'rename': {
      const result = await box.renameGroup(context, step.boxGroupId, step.name);
      if (!result.ok && result.fault.code === 'box_group_missing')
        return saved(null, 'box-group-missing', known.effect);
      if (!result.ok && result.fault.code === 'box_group_conflict')
        return noteTaken(step.name, lease, { ...known, seen: { ...known.seen, isTaken: true } }, parts);
      if (!result.ok) return faulted(result.fault);
      const account = { ...known.account!, name: step.name };
      return saved(account, 'box-group-renamed', known.effect ?? 'updated');
    }
    case 'delete': {
      const result = await box.deleteGroup(context, step.boxGroupId);
      if (!result.ok) return faulted(result.fault);
      return saved(null, 'box-group-deleted', 'deleted');
    }
    case 'survey':
      return survey(context, taken, known, parts);
    case 'members': {
      const end = await convergeMembers(context, taken, step.boxGroupId, parts);
      return afterMembers(end, taken, known, parts);
    }
  }
}

const faulted = (fault: BoxFault): Next => ({ ending: { kind: 'faulted', fault } });

/**
 * The name is recorded first: until the create's end is recorded, Box may have a group of this name, even if this group
 * is renamed.
 */
async function create(
  name: string,
  context: CallContext,
  taken: TakenGroup,
  known: KnownGroup,
  parts: GroupParts,
): Promise<Next> {
  const isFirst = known.begunAs === null;
  if (isFirst) await parts.store.begin(taken.lease, name);
  const result = await parts.box.createGroup(context, { name });
  if (result.ok && result.value.kind === 'created') {
    const account = { boxGroupId: result.value.group.id, name, isSurveyed: true };
    return save(account, { event: 'box-group-created', effect: 'created' }, taken, known, parts);
  }
  if (isFirst && (result.ok || !result.fault.ambiguous)) await parts.store.begin(taken.lease, null);
  if (!result.ok) return faulted(result.fault);
  return noteTaken(name, taken.lease, { ...known, seen: { ...known.seen, isTaken: true } }, parts);
}

/**
 * Keeps Box's answer about the name for later attempts. It does not count as progress, because Box might contradict
 * itself without end.
 */
async function noteTaken(
  name: string | null,
  lease: TakenGroup['lease'],
  known: KnownGroup,
  { store }: Pick<GroupParts, 'store'>,
): Promise<Next> {
  if (name !== (known.takenName ?? null)) await store.noteTaken(lease, name);
  return { known: { ...known, takenName: name } };
}

/** Reads the members of an adopted group, so that those in Box already are neither added twice nor left behind. */
async function survey(
  context: CallContext,
  { lease }: TakenGroup,
  known: KnownGroup,
  { box, store, stopping }: GroupParts,
): Promise<Next> {
  const account = known.account!;
  const resumed = Math.max(0, (account.surveyedTo ?? 0) - OVERLAP);
  let progressed = false;
  for (let offset: number | null = resumed; offset !== null;) {
    if (stopping.aborted) return { ending: { kind: 'handed-back' }, progressed };
    const page = await box.listMemberships(context, {
      boxGroupId: account.boxGroupId,
      offset,
      limit: PAGE,
    });
    if (!page.ok && page.fault.code === 'box_group_missing')
      return save(null, { event: 'box-group-missing', effect: known.effect }, { lease }, known, { store });
    if (!page.ok) return { ...faulted(page.fault), progressed };
    const { memberships, nextOffset } = page.value;
    await store.noteMemberships(lease, memberships, nextOffset ?? offset);
    progressed ||= nextOffset !== null && nextOffset > (account.surveyedTo ?? 0);
    // After an overlap the last page would begin where Box lists nothing any more.
    const isLast: boolean = nextOffset !== null && nextOffset > OFFSET_MAX && offset < OFFSET_MAX;
    offset = isLast ? OFFSET_MAX : nextOffset;
  }
  const news = { event: 'box-group-adopted', effect: known.effect } as const;
  return save(
    { boxGroupId: account.boxGroupId, name: account.name, isSurveyed: true },
    news,
    { lease },
    known,
    { store },
  );
}

async function afterMembers(
  end: MembersEnd,
  { lease }: TakenGroup,
  known: KnownGroup,
  { store }: GroupParts,
): Promise<Next> {
  const { counts } = end;
  const changed = counts.added + counts.removed > 0;
  if (changed || counts.refused > 0) await store.noteMembers(lease, counts);
  const effect = known.effect ?? (changed ? 'updated' : null);
  switch (end.kind) {
    case 'faulted':
      return { ...faulted(end.fault), progressed: changed };
    case 'handed-back':
      return { ending: { kind: 'handed-back' }, progressed: changed };
    case 'group-missing':
      return save(null, { event: 'box-group-missing', effect }, { lease }, known, { store });
    case 'done':
      return { known: { ...known, effect, seen: { membersDone: true } }, progressed: changed };
  }
}

async function save(
  account: BoxGroupAccount | null,
  news: { readonly event: TimelineEvent; readonly effect: RequestOutcome | null },
  { lease }: Pick<TakenGroup, 'lease'>,
  known: KnownGroup,
  { store }: Pick<GroupParts, 'store'>,
): Promise<Next> {
  const result = await store.saveGroup(lease, account, news);
  if (result === 'saved') {
    // A deleted Box group is no progress, because it might be deleted again and again.
    const progressed = account !== null || news.event === 'box-group-deleted';
    return {
      known: { ...known, account, begunAs: null, takenName: null, effect: news.effect, seen: {} },
      progressed,
    };
  }
  return faulted({
    code: 'box_conflict',
    detail: `Box group ${account?.boxGroupId} still belongs to another group.`,
    ambiguous: false,
  });
}
