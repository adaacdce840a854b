import type { BoxUser, Known } from './model.ts';
import { account, desired, nothing, user } from './plan.harness.ts';
import { plan } from './plan.ts';

describe('plan after a deletion with an unknown result', () => {
  const mapped = { ...account, status: 'inactive' as const, mayBeDeleted: true };
  const left = { ...desired, active: false };
  const seen = (found: BoxUser | null) => ({ ...nothing, account: mapped, observed: { found } });

  it('deletes again while the person is to be deleted', () => {
    expect(plan({ ...left, isRemoved: true }, { ...nothing, account: mapped })).toEqual({
      kind: 'delete',
      boxUserId: '11',
    });
  });

  it('checks Box before it changes a person who is to be kept', () => {
    expect(plan(left, { ...nothing, account: mapped })).toEqual({ kind: 'read', boxUserId: '11' });
    expect(plan(left, seen({ ...user, status: 'inactive' }))).toEqual({ kind: 'confirm' });
    expect(plan(left, seen(null))).toEqual({ kind: 'forget', boxUserId: '11' });
  });

  it('gives up the old user of a person who is back, once Box does not have it', () => {
    expect(plan(desired, { ...nothing, account: mapped })).toMatchObject({
      kind: 'update',
      effect: 'reactivated',
    });
    const gone = { ...nothing, account: mapped, observed: { isGone: true } };
    expect(plan(desired, gone)).toEqual({ kind: 'read', boxUserId: '11' });
    expect(plan(desired, { ...gone, observed: { isGone: true, found: null } })).toEqual({
      kind: 'forget',
      boxUserId: '11',
    });
  });
});

describe('plan for a deleted Box user', () => {
  const missing: Known = { ...nothing, account: { ...account, isMissing: true } };
  const gone: Known = { ...nothing, account, observed: { isGone: true } };

  it('reads from Box once more before it trusts either the record or a 404', () => {
    expect(plan(desired, missing)).toEqual({ kind: 'read', boxUserId: '11' });
    expect(plan(desired, gone)).toEqual({ kind: 'read', boxUserId: '11' });
  });

  it('records the deletion first, and ends there unless this request may recreate the user', () => {
    expect(plan(desired, { ...gone, observed: { isGone: true, found: null } })).toEqual({
      kind: 'mark-missing',
      boxUserId: '11',
    });
    const sure: Known = { ...missing, observed: { found: null } };
    expect(plan(desired, sure)).toMatchObject({ kind: 'fail', code: 'box_user_missing' });
    expect(plan(desired, { ...sure, mayRecreate: true })).toEqual({ kind: 'forget', boxUserId: '11' });
  });

  it('uses a user again that Box returns again, with or without the right to recreate', () => {
    for (const mayRecreate of [true, false])
      expect(plan(desired, { ...missing, mayRecreate, observed: { found: user } })).toEqual({
        kind: 'restore',
        user,
      });
  });

  it('does not use a user again who has another external id', () => {
    const stranger = { ...user, externalId: '00u2' };
    expect(plan(desired, { ...missing, observed: { found: stranger } })).toMatchObject({
      kind: 'fail',
      code: 'box_user_mismatch',
    });
  });

  it('tries again later when Box returns the user and refuses the change with 404', () => {
    expect(plan(desired, { ...gone, observed: { isGone: true, found: user } })).toMatchObject({
      kind: 'fail',
      code: 'box_unavailable',
    });
  });

  it('never creates anything again for a person whom Okta deactivated', () => {
    const known: Known = { ...missing, observed: { found: null }, mayRecreate: true };
    const off = { ...desired, active: false };
    expect(plan(off, known)).toEqual({ kind: 'finish', outcome: 'unchanged' });
    expect(plan({ ...off, generation: 4 }, known)).toEqual({ kind: 'confirm' });
  });
});
