import type { BoxAccount, BoxChange, BoxUser, Desired, Known, LastCreate, Step } from './model.ts';
import { changeOf, externalIdChange, wholeChange } from './profile.ts';

/**
 * The next step towards Box matching the identity. Pure: the same knowledge gives the same step, so any worker may take
 * over at any point.
 *
 * The order relies on Box's guarantees (external_app_user_id is unique within the Box app; a look-up may lag behind a
 * create). A new person is created at once; after an unsettled call Box is read before it is changed. Once it has
 * answered, another create is as safe as the first: Box creates the user, or refuses and names the existing one.
 */
export function plan(desired: Desired, known: Known): Step {
  const { account } = known;
  if (account === null) return desired.active ? planNewcomer(desired, known) : planLeaver(desired, known);
  const { isGone, found } = known.observed;
  const isDeleted = account.mayBeDeleted && found === null;
  if (account.isMissing || isGone || isDeleted) return planMissing(desired, known, account);

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

/** The user is deactivated before anything else, because Box may refuse the delete. */
function planInactive(desired: Desired, { effect, observed }: Known, account: BoxAccount): Step {
  const { boxUserId } = account;
  if (account.status === 'active')
    return { kind: 'update', boxUserId, change: { status: 'inactive' }, effect: 'deactivated' };
  // Sent alone, because Box may refuse it while another user still has that external id.
  const change = externalIdChange(desired, account);
  if (change.externalId !== undefined)
    return { kind: 'update', boxUserId, change, effect: effect ?? 'updated' };
  if (desired.isRemoved && !observed.isKept) return { kind: 'delete', boxUserId };
  // The person is not to be deleted any more. An update shows whether the user exists, so it is asked for here only.
  if (account.mayBeDeleted) return observed.found ? { kind: 'confirm' } : { kind: 'read', boxUserId };
  return settled(desired, effect, account);
}

const settled = (desired: Desired, effect: Known['effect'], account: BoxAccount): Step =>
  account.appliedGeneration < desired.generation
    ? { kind: 'confirm' }
    : { kind: 'finish', outcome: effect ?? 'unchanged' };

/** What Box has is unknown, so every field is set, whether it differs or not. */
function planCertainty(desired: Desired, { effect }: Known, account: BoxAccount): Step {
  const { boxUserId, status } = account;
  const change: BoxChange = desired.active
    ? { ...wholeChange(desired, account), status: 'active' }
    : { status: 'inactive' };
  if (change.status === status) return { kind: 'update', boxUserId, change, effect: effect ?? 'updated' };
  const news = desired.active ? (effect ?? 'reactivated') : 'deactivated';
  return { kind: 'update', boxUserId, change, effect: news };
}

/** A mapped user that Box does not show. Box is always asked once more, because the user may have been restored. */
function planMissing(desired: Desired, known: Known, account: BoxAccount): Step {
  const { found } = known.observed;
  const { boxUserId } = account;
  if (found === undefined) return { kind: 'read', boxUserId };
  if (found !== null)
    return account.isMissing
      ? planRestoring(account.externalId ?? desired.externalId, found)
      : contradiction(boxUserId);
  // Foyer deleted the user itself, so the person may have another one.
  if (account.mayBeDeleted) return { kind: 'forget', boxUserId };
  if (!account.isMissing) return { kind: 'mark-missing', boxUserId };
  if (!desired.active) {
    // A user that does not exist cannot be used, so it counts as deactivated.
    return settled(desired, known.effect, account);
  }
  if (known.mayRecreate) return { kind: 'forget', boxUserId };
  return { kind: 'fail', code: 'box_user_missing', detail: `Box user ${boxUserId} was deleted in Box.` };
}

function planRestoring(externalId: string, user: BoxUser): Step {
  if (!user.isAppUser) return mismatch(user, 'is not an app user');
  if (user.externalId !== externalId) return mismatch(user, 'has another external id');
  return { kind: 'restore', user };
}

const contradiction = (boxUserId: string): Step => ({
  kind: 'fail',
  code: 'box_unavailable',
  detail: `Box returns user ${boxUserId}, but answers a change of it with 404.`,
});

/**
 * The identity is inactive and has no mapping. If a create may have succeeded, Box may have an active user: it is found
 * the same way as for a new person, in the end by a create, because an empty look-up may lag.
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
  // Okta has changed the id since the create: continue with the old id, and change it once the user is mapped.
  const externalId = known.begunAs ?? desired.externalId;
  const { found, conflict } = observed;
  const { lastWord } = known;
  // An answer from an earlier attempt may be out of date: a user that has another external id by now is not a conflict.
  const isOutdated = conflict === undefined && lastWord?.kind === 'taken' && found?.id === lastWord.boxUserId;
  if (found && !(isOutdated && !isTheirs(externalId, found)))
    return planAdoption(externalId, found, lastCreate);
  if (conflict && found === null) {
    return {
      kind: 'fail',
      code: 'box_conflict',
      detail: 'Box says that the external id is taken, but returns no such user.',
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

/** Adopts only an app user with exactly this external id. `created`: it was made by an unsettled create of ours. */
function planAdoption(externalId: string, user: BoxUser, lastCreate: LastCreate | null): Step {
  if (!user.isAppUser) return mismatch(user, 'is not an app user');
  if (user.externalId !== externalId) return mismatch(user, 'has another external id');
  return { kind: 'adopt', user, effect: lastCreate === 'unsettled' ? 'created' : 'adopted' };
}

const mismatch = (user: BoxUser, why: string): Step => ({
  kind: 'fail',
  code: 'box_user_mismatch',
  detail: `Box user ${user.id} ${why}.`,
});
