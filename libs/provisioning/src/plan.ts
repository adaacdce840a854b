import type { BoxAccount, BoxChange, BoxUser, Desired, Known, LastCreate, Step } from './model.ts';
import { changeOf, externalIdChange, wholeChange } from './profile.ts';

/**
 * Says the next step towards Box matching the identity. Pure: the same knowledge gives the same step, so any worker may
 * take over at any point.
 *
 * The order rests on what Box promises (external_app_user_id is unique within the Box app; a look-up may lag behind a
 * create): a newcomer is created at once, and after anything unsettled Box is asked before it is told. Once it has answered,
 * another create is as safe as the first: Box makes the user, or refuses and names the one there is.
 */
export function plan(desired: Desired, known: Known): Step {
  const { account } = known;
  if (account === null) return desired.active ? planNewcomer(desired, known) : planLeaver(desired, known);
  if (account.isMissing || known.observed.isGone) return planMissing(desired, known, account);

  if (account.isUncertain) return planCertainty(desired, known, account);
  return desired.active ? planActive(desired, known, account) : planInactive(desired, known, account);
}

function planActive(desired: Desired, { effect }: Known, account: BoxAccount): Step {
  const { boxUserId } = account;
  const change = changeOf(desired, account);
  if (account.status === 'inactive') {
    return {
      kind: 'update',
      boxUserId,
      change: { status: 'active', ...change },
      effect: effect ?? 'reactivated',
    };
  }
  if (change) return { kind: 'update', boxUserId, change, effect: effect ?? 'updated' };
  return settled(desired, effect, account);
}

/** Switched off first, whatever else is to become of them: Box's delete may be refused. */
function planInactive(desired: Desired, { effect, observed }: Known, account: BoxAccount): Step {
  const { boxUserId } = account;
  if (account.status === 'active')
    return { kind: 'update', boxUserId, change: { status: 'inactive' }, effect: 'deactivated' };
  // Alone: Box may refuse it, while somebody else still has it there.
  const change = externalIdChange(desired, account);
  if (change.externalId !== undefined)
    return { kind: 'update', boxUserId, change, effect: effect ?? 'updated' };
  if (desired.isRemoved && !observed.ownsContent) return { kind: 'delete', boxUserId };
  return settled(desired, effect, account);
}

const settled = (desired: Desired, effect: Known['effect'], account: BoxAccount): Step =>
  account.appliedGeneration < desired.generation
    ? { kind: 'confirm' }
    : { kind: 'finish', outcome: effect ?? 'unchanged' };

/** Nobody knows what Box has: all of it is set, whether it differs or not. */
function planCertainty(desired: Desired, { effect }: Known, account: BoxAccount): Step {
  const { boxUserId, status } = account;
  const change: BoxChange = desired.active
    ? { ...wholeChange(desired, account), status: 'active' }
    : { status: 'inactive' };
  if (change.status === status) return { kind: 'update', boxUserId, change, effect: effect ?? 'updated' };
  const news = desired.active ? (effect ?? 'reactivated') : 'deactivated';
  return { kind: 'update', boxUserId, change, effect: news };
}

/** A mapped user that Box does not show. Whatever was said before, Box is asked once more: it may have been restored. */
function planMissing(desired: Desired, known: Known, account: BoxAccount): Step {
  const { found } = known.observed;
  const { boxUserId } = account;
  if (found === undefined) return { kind: 'read', boxUserId };
  if (found !== null)
    return account.isMissing
      ? planRestoring(account.externalId ?? desired.externalId, found)
      : contradiction(boxUserId);
  if (!account.isMissing) return { kind: 'mark-missing', boxUserId };
  if (!desired.active) {
    // Nobody can use what is not there: as good as deactivated.
    return settled(desired, known.effect, account);
  }
  if (known.mayRecreate) return { kind: 'forget', boxUserId };
  return { kind: 'fail', code: 'box_user_missing', detail: `Box user ${boxUserId} was deleted in Box.` };
}

function planRestoring(externalId: string, user: BoxUser): Step {
  if (!user.isAppUser) return mismatch(user, 'is not an app user');
  if (user.externalId !== externalId) return mismatch(user, 'carries another external id');
  return { kind: 'restore', user };
}

const contradiction = (boxUserId: string): Step => ({
  kind: 'fail',
  code: 'box_unavailable',
  detail: `Box shows user ${boxUserId}, but answers a change to it with 404.`,
});

/**
 * Nobody is mapped, and nobody is to be active. Where a create may have worked there may be a Box user who is: it is found
 * as a newcomer's would be, by a create in the end, for a look-up that shows nobody may lag.
 */
function planLeaver(desired: Desired, known: Known): Step {
  const { lastCreate, effect } = known;
  if (lastCreate === null || lastCreate === 'refused')
    return { kind: 'finish', outcome: effect ?? 'unchanged' };
  const step = planNewcomer(desired, known);
  return step.kind === 'create' ? { ...step, status: 'inactive' } : step;
}

function planNewcomer(desired: Desired, known: Known): Step {
  const { lastCreate, observed } = known;
  const { name, profile } = desired;
  // Begun under an id that Okta has changed since: carried on under it, and changed once the user is mapped.
  const externalId = known.begunAs ?? desired.externalId;
  const { found, conflict } = observed;
  const { lastWord } = known;
  // What an earlier attempt was told may be out of date: a user who is another's by now is nobody's conflict.
  const isOutdated = conflict === undefined && lastWord?.kind === 'taken' && found?.id === lastWord.boxUserId;
  if (found && !(isOutdated && !isTheirs(externalId, found)))
    return planAdoption(externalId, found, lastCreate);
  if (conflict && found === null) {
    return {
      kind: 'fail',
      code: 'box_conflict',
      detail: 'Box refuses the external id as taken, but shows no such user.',
    };
  }
  if (conflict)
    return conflict.id === null ? { kind: 'find', externalId } : { kind: 'read', boxUserId: conflict.id };
  const isInDoubt = lastCreate === 'unsettled' || lastCreate === 'conflict';
  if (isInDoubt && found === undefined && lastWord?.kind !== 'nobody') {
    const boxUserId = lastWord?.boxUserId ?? null;
    return boxUserId === null ? { kind: 'find', externalId } : { kind: 'read', boxUserId };
  }
  return { kind: 'create', externalId, name, ...(profile && { profile }) };
}

const isTheirs = (externalId: string, user: BoxUser): boolean =>
  user.isAppUser && user.externalId === externalId;

/** Adopts only an app user that carries this very external id. One that an unsettled create of ours made is ours. */
function planAdoption(externalId: string, user: BoxUser, lastCreate: LastCreate | null): Step {
  if (!user.isAppUser) return mismatch(user, 'is not an app user');
  if (user.externalId !== externalId) return mismatch(user, 'carries another external id');
  return { kind: 'adopt', user, effect: lastCreate === 'unsettled' ? 'created' : 'adopted' };
}

const mismatch = (user: BoxUser, why: string): Step => ({
  kind: 'fail',
  code: 'box_user_mismatch',
  detail: `Box user ${user.id} ${why}.`,
});
