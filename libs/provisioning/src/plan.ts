import type { BoxAccount, BoxChange, BoxUser, Desired, Known, LastCreate, Step } from './model.ts';

/**
 * Says the next step towards Box matching the identity. Pure: the same knowledge gives the same step, so any worker may
 * take over at any point.
 *
 * The order rests on what Box promises (external_app_user_id is unique within the Box app; a look-up may lag behind a
 * create): a newcomer is created at once, and after anything unsettled Box is asked before it is told.
 */
export function plan(desired: Desired, known: Known): Step {
  const { account, effect } = known;
  if (account === null) return desired.active ? planNewcomer(desired, known) : refuse();
  if (account.isMissing || known.observed.isGone) return planMissing(desired, known, account);

  if (account.isUncertain) return planCertainty(desired, known, account);

  const renamed = desired.active && account.name !== desired.name;
  const name = renamed ? { name: desired.name } : {};
  const { boxUserId } = account;
  if (!desired.active && account.status === 'active') {
    return { kind: 'update', boxUserId, change: { status: 'inactive' }, effect: 'deactivated' };
  }
  if (desired.active && account.status === 'inactive') {
    return {
      kind: 'update',
      boxUserId,
      change: { status: 'active', ...name },
      effect: effect ?? 'reactivated',
    };
  }
  if (renamed) return { kind: 'update', boxUserId, change: name, effect: effect ?? 'updated' };
  if (account.appliedGeneration < desired.generation) return { kind: 'confirm' };
  return { kind: 'finish', outcome: effect ?? 'unchanged' };
}

/** Nobody knows what Box has: all of it is set, whether it differs or not. */
function planCertainty(desired: Desired, { effect }: Known, { boxUserId, status }: BoxAccount): Step {
  const change: BoxChange = desired.active
    ? { name: desired.name, status: 'active' }
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
  if (found !== null) return account.isMissing ? planRestoring(desired, found) : contradiction(boxUserId);
  if (!account.isMissing) return { kind: 'mark-missing', boxUserId };
  if (!desired.active) {
    // Nobody can use what is not there: as good as deactivated.
    if (account.appliedGeneration < desired.generation) return { kind: 'confirm' };
    return { kind: 'finish', outcome: known.effect ?? 'unchanged' };
  }
  if (known.mayRecreate) return { kind: 'forget', boxUserId };
  return { kind: 'fail', code: 'box_user_missing', detail: `Box user ${boxUserId} was deleted in Box.` };
}

function planRestoring(desired: Desired, user: BoxUser): Step {
  if (!user.isAppUser) return mismatch(user, 'is not an app user');
  if (user.externalId !== desired.externalId) return mismatch(user, 'carries another external id');
  return { kind: 'restore', user };
}

const contradiction = (boxUserId: string): Step => ({
  kind: 'fail',
  code: 'box_unavailable',
  detail: `Box shows user ${boxUserId}, but answers a change to it with 404.`,
});

function planNewcomer(desired: Desired, { lastCreate, observed }: Known): Step {
  const { externalId, name } = desired;
  const { found, conflict } = observed;
  if (found) return planAdoption(desired, found, lastCreate);
  if (conflict && found === null) {
    return {
      kind: 'fail',
      code: 'box_conflict',
      detail: 'Box refuses the external id as taken, but shows no such user.',
    };
  }
  if (conflict)
    return conflict.id === null ? { kind: 'find', externalId } : { kind: 'read', boxUserId: conflict.id };
  const askFirst = lastCreate === 'unsettled' || lastCreate === 'conflict';
  if (askFirst && found === undefined) return { kind: 'find', externalId };
  return { kind: 'create', externalId, name };
}

/** Adopts only an app user that carries this very external id. One that an unsettled create of ours made is ours. */
function planAdoption(desired: Desired, user: BoxUser, lastCreate: LastCreate | null): Step {
  if (!user.isAppUser) return mismatch(user, 'is not an app user');
  if (user.externalId !== desired.externalId) return mismatch(user, 'carries another external id');
  return { kind: 'adopt', user, effect: lastCreate === 'unsettled' ? 'created' : 'adopted' };
}

const mismatch = (user: BoxUser, why: string): Step => ({
  kind: 'fail',
  code: 'box_user_mismatch',
  detail: `Box user ${user.id} ${why}.`,
});

const refuse = (): Step => ({
  kind: 'fail',
  code: 'identity_deactivated',
  detail: 'Okta deactivated this person; nothing is created for them.',
});
