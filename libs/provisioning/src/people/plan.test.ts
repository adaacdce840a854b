import type { Known } from './model.ts';
import { account, desired, nothing, user } from './plan.harness.ts';
import { plan } from './plan.ts';

describe('plan', () => {
  it('creates a new user at once, without a look-up first', () => {
    expect(plan(desired, nothing)).toEqual({ kind: 'create', externalId: '00u1', name: 'Ada Example' });
  });

  it.each(['unsettled', 'conflict'] as const)(
    'looks the user up in Box first after a create that ended %s',
    (lastCreate) => {
      expect(plan(desired, { ...nothing, lastCreate })).toEqual({ kind: 'find', externalId: '00u1' });
    },
  );

  it('creates again at once when Box has answered, in an earlier attempt, that no user has the external id', () => {
    const known: Known = { ...nothing, lastCreate: 'unsettled', lastWord: { kind: 'nobody' } };
    expect(plan(desired, known).kind).toBe('create');
  });

  it('reads the user whom Box named in an earlier attempt, and does a look-up when Box named none', () => {
    const named: Known = {
      ...{ ...nothing, lastCreate: 'unsettled' },
      lastWord: { kind: 'taken', boxUserId: '11' },
    };
    expect(plan(desired, named)).toEqual({ kind: 'read', boxUserId: '11' });
    expect(plan(desired, { ...named, observed: { found: user } })).toMatchObject({ kind: 'adopt' });
    expect(plan(desired, { ...named, lastWord: { kind: 'taken', boxUserId: null } }).kind).toBe('find');
  });

  it.each([
    ['is gone', null],
    ['has another external id by now', { ...user, externalId: '00u2' }],
  ])('creates again when the user whom Box named in an earlier attempt %s', (_why, found) => {
    const known: Known = {
      ...{ ...nothing, lastCreate: 'conflict' },
      ...{ lastWord: { kind: 'taken', boxUserId: '11' }, observed: { found } },
    };
    expect(plan(desired, known).kind).toBe('create');
    // Box refused again: only its newest answer counts.
    const refused: Known = { ...known, observed: { conflict: { id: '11' } } };
    expect(plan(desired, refused)).toEqual({ kind: 'read', boxUserId: '11' });
    expect(plan(desired, { ...refused, observed: { conflict: { id: '11' }, found } }).kind).toBe('fail');
  });

  it('creates again when Box returns no user after an unsettled create', () => {
    const known: Known = { ...nothing, lastCreate: 'unsettled', observed: { found: null } };
    expect(plan(desired, known).kind).toBe('create');
  });

  it('creates a leaver inactive, in case an earlier create succeeded', () => {
    const left = { ...desired, active: false };
    expect(plan(left, { ...nothing, lastCreate: 'unsettled', observed: { found: null } })).toEqual({
      kind: 'create',
      externalId: '00u1',
      name: 'Ada Example',
      status: 'inactive',
    });
  });

  it('reads the very user that a conflict named, and looks one up when it named none', () => {
    expect(plan(desired, { ...nothing, observed: { conflict: { id: '11' } } })).toEqual({
      kind: 'read',
      boxUserId: '11',
    });
    expect(plan(desired, { ...nothing, observed: { conflict: { id: null } } }).kind).toBe('find');
  });

  it('fails with a retry when Box answers that the id is taken but returns no user', () => {
    const known: Known = { ...nothing, observed: { conflict: { id: null }, found: null } };
    expect(plan(desired, known)).toMatchObject({ kind: 'fail', code: 'box_conflict' });
  });

  it('reports "created" for a user that our own unsettled create made, and "adopted" for any other', () => {
    expect(plan(desired, { ...nothing, lastCreate: 'unsettled', observed: { found: user } })).toMatchObject({
      effect: 'created',
    });
    expect(plan(desired, { ...nothing, lastCreate: 'conflict', observed: { found: user } })).toMatchObject({
      effect: 'adopted',
    });
  });

  it.each([
    ['is not an app user', { isAppUser: false }],
    ['has another external id', { externalId: '00u2' }],
    ['carries no external id', { externalId: null }],
  ])('never adopts a user that %s', (_why, difference) => {
    const known: Known = {
      ...nothing,
      lastCreate: 'conflict',
      observed: { found: { ...user, ...difference } },
    };
    expect(plan(desired, known)).toMatchObject({ kind: 'fail', code: 'box_user_mismatch' });
  });

  it('does nothing in Box for a deactivated person without an account', () => {
    expect(plan({ ...desired, active: false }, nothing)).toMatchObject({
      kind: 'finish',
      outcome: 'unchanged',
    });
  });

  it('deactivates, reactivates and renames an existing account', () => {
    const inactive = { ...account, status: 'inactive' as const };
    expect(plan({ ...desired, active: false }, { ...nothing, account })).toMatchObject({
      change: { status: 'inactive' },
    });
    expect(plan(desired, { ...nothing, account: inactive })).toMatchObject({
      change: { status: 'active' },
      effect: 'reactivated',
    });
    expect(plan({ ...desired, name: 'Ada New' }, { ...nothing, account })).toMatchObject({
      change: { name: 'Ada New' },
    });
  });

  it('writes all values again after an update with an unknown result', () => {
    const uncertain = { ...account, appliedGeneration: 2, isUncertain: true };
    expect(plan(desired, { ...nothing, account: uncertain })).toEqual({
      kind: 'update',
      boxUserId: '11',
      change: { name: 'Ada Example', status: 'active' },
      effect: 'updated',
    });
    expect(plan({ ...desired, active: false }, { ...nothing, account: uncertain })).toMatchObject({
      change: { status: 'inactive' },
      effect: 'deactivated',
    });
    const inactive = { ...uncertain, status: 'inactive' as const };
    expect(plan(desired, { ...nothing, account: inactive })).toMatchObject({ effect: 'reactivated' });
    expect(plan({ ...desired, active: false }, { ...nothing, account: inactive })).toMatchObject({
      change: { status: 'inactive' },
    });
  });

  it('records a generation that changes nothing in Box without a call', () => {
    expect(plan(desired, { ...nothing, account: { ...account, appliedGeneration: 2 } })).toEqual({
      kind: 'confirm',
    });
  });
});
