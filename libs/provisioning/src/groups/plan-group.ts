import type { DesiredGroup, GroupStep, KnownGroup } from './group-model.ts';

/**
 * The next step towards Box having the group with this name and these members. Pure, as `plan` is. Group names in Box
 * are unique: a create is safe to repeat, and when the name is taken the group with exactly that name is adopted. A
 * create that may have succeeded is continued under its own name, and the group is renamed or deleted afterwards. A
 * taken name does not delay the members, least of all a removal. An attempt starts with the call that Box has not
 * answered yet, so that each answer gets a request ahead even when Box loses every second call.
 */
export function planGroup(desired: DesiredGroup, known: KnownGroup): GroupStep {
  const { account, begunAs, seen, effect } = known;
  if (desired.isDeleted) {
    if (account) return { kind: 'delete', boxGroupId: account.boxGroupId };
    if (begunAs === null) return { kind: 'finish', outcome: effect ?? 'unchanged' };
  }
  if (account === null) return planNewGroup(begunAs ?? desired.name, known);
  const { boxGroupId } = account;
  const name = nextName(desired, account.name, known);
  if (account.name !== name) return { kind: 'rename', boxGroupId, name };
  if (!account.isSurveyed) return { kind: 'survey', boxGroupId };
  if (!seen.membersDone) return { kind: 'members', boxGroupId };
  if (name === desired.name) return { kind: 'finish', outcome: effect ?? 'unchanged' };
  return { kind: 'fail', code: 'box_group_conflict', detail: `Box says that "${desired.name}" is taken.` };
}

/**
 * Two of our groups that exchange names would wait for each other, so the one whose name the other needs gets a
 * temporary name.
 */
function nextName(desired: DesiredGroup, current: string, { seen, takenName }: KnownGroup): string {
  // A name that was taken earlier is tried again once the members are done.
  const wasTaken = takenName === desired.name && !seen.membersDone;
  if (!seen.isTaken && !wasTaken) return desired.name;
  return desired.isInTheWay ? `Group ${desired.groupId}` : current;
}

function planNewGroup(name: string, { seen, takenName }: KnownGroup): GroupStep {
  const { isTaken, found } = seen;
  const wasTaken = takenName === name && found === undefined;
  if (!isTaken && !wasTaken && !found) return { kind: 'create', name };
  if (found === undefined) return { kind: 'find', name };
  if (found !== null) return { kind: 'adopt', group: found };
  return {
    kind: 'fail',
    code: 'box_conflict',
    detail: 'Box says that the name of the group is taken, but returns no group with exactly this name.',
  };
}
