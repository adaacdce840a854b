import fc from 'fast-check';
import { afterMerge, decideMerge, type MergeAccount, type MergeSide } from './merge.ts';

const account = (boxUserId: string, more: Partial<MergeAccount> = {}): MergeAccount => ({
  ...{ boxUserId, name: 'Ada', status: 'active', isMissing: false },
  ...more,
});
const side = (identityId: string, more: Partial<MergeSide> = {}): MergeSide => ({
  ...{
    identityId,
    username: 'ada@example.com',
    name: 'Ada',
    active: true,
    isManaged: false,
    mergedInto: null,
  },
  ...{ account: account(identityId === 'a' ? '11' : '22'), mayHaveBoxUser: false, mayBeDeleted: false },
  links: [{ directory: 'https://example.okta.com', subject: `00u${identityId}`, rule: 'same_subject' }],
  ...{ groups: [], sessions: 0, openRequests: 0 },
  ...more,
});
const conflict = (kind: string, other: string | null = null) => ({
  kind: 'conflict',
  conflict: kind,
  with: other,
});
const elsewhere = { links: [{ directory: 'https://login.example.com', subject: 'x', rule: 'same_subject' }] };

describe('decideMerge', () => {
  const decide = (a: Partial<MergeSide>, b: Partial<MergeSide>, reactivate = false) =>
    decideMerge(side('a', a), side('b', b), { reactivate });

  it.each<[string, Partial<MergeSide>, Partial<MergeSide>, object]>([
    ['one identity', {}, { identityId: 'a' }, conflict('same-identity')],
    ['the other is merged into the first', {}, { mergedInto: 'a', active: false }, { kind: 'done' }],
    [
      'the other is merged elsewhere',
      {},
      { mergedInto: 'c', active: false },
      conflict('already-merged', 'c'),
    ],
    ['the first is merged', { mergedInto: 'b', active: false }, {}, conflict('already-merged', 'b')],
    [
      'a create of the first is unsettled',
      { account: null, mayHaveBoxUser: true },
      {},
      conflict('unsettled-create'),
    ],
    [
      'a create of the other is unsettled',
      {},
      { account: null, mayHaveBoxUser: true },
      conflict('unsettled-create'),
    ],
    ['a deletion is unsettled', {}, { mayBeDeleted: true }, conflict('unsettled-delete')],
    ['SCIM manages only the other', {}, { isManaged: true }, conflict('scim-manages-other')],
    ['only the first is off', { active: false }, {}, conflict('staying-deactivated')],
    [
      'Box has only the user of the other',
      { account: account('11', { isMissing: true }) },
      {},
      conflict('staying-box-user-missing'),
    ],
  ])('refuses, or is done, when %s', (_name, a, b, expected) => {
    expect(decide(a, b)).toEqual(expected);
  });

  it.each<[string, Partial<MergeSide>, Partial<MergeSide>, object]>([
    ['both have a Box user', {}, {}, { accounts: { kind: 'keep', former: account('22') }, warnings: [] }],
    ['only the first has one', {}, { account: null }, { accounts: { kind: 'keep', former: null } }],
    [
      'only the other has one',
      { account: null },
      {},
      { accounts: { kind: 'take-over', account: account('22') } },
    ],
    ['neither has one', { account: null }, { account: null }, { accounts: { kind: 'keep', former: null } }],
    ['both are off', { active: false }, { active: false }, { reactivates: false }],
    ['directories differ', {}, elsewhere, { warnings: ['both-active-in-different-directories'] }],
    ['directories differ and one is off', {}, { ...elsewhere, active: false }, { warnings: [] }],
    ['SCIM manages both', { isManaged: true }, { isManaged: true }, { warnings: ['scim-resource-ends'] }],
  ])('merges when %s', (_name, a, b, expected) => {
    expect(decide(a, b)).toMatchObject({ kind: 'merge', ...expected });
  });

  it('reactivates the one that stays only when the operator said so', () => {
    expect(decide({ active: false }, {}, true)).toMatchObject({ kind: 'merge', reactivates: true });
    expect(decide({ active: false }, { active: false }, true)).toMatchObject({ reactivates: false });
  });
});

describe('any merge', () => {
  const accounts = fc.option(
    fc.record({
      status: fc.constantFrom('active' as const, 'inactive' as const),
      isMissing: fc.boolean(),
    }),
  );
  const sides = (identityId: string, boxUserId: string) =>
    fc
      .record({
        ...{
          active: fc.boolean(),
          isManaged: fc.boolean(),
          mayHaveBoxUser: fc.boolean(),
          mayBeDeleted: fc.boolean(),
        },
        mergedInto: fc.option(fc.constantFrom('a', 'b', 'c')),
        account: accounts.map((found) => found && account(boxUserId, found)),
      })
      .map((more) => side(identityId, more));

  it('leaves one identity active, loses no Box user, and has each user of the other deactivated or taken over', () => {
    fc.assert(
      fc.property(sides('a', '11'), sides('b', '22'), fc.boolean(), (staying, other, reactivate) => {
        const decision = decideMerge(staying, other, { reactivate });
        if (decision.kind !== 'merge') return;
        const after = afterMerge(staying, other, decision);
        const mapped = (...found: (MergeAccount | null)[]) =>
          found.flatMap((one) => one?.boxUserId ?? []).sort();
        expect(mapped(after.staying.account, after.other.account)).toEqual(
          mapped(staying.account, other.account),
        );
        expect(after.other.active).toBe(false);
        if (after.other.account !== null) expect(after.other.isWork).toBe(true);
        if (after.staying.active !== staying.active) expect(reactivate && other.active).toBe(true);
        if (staying.active || (other.active && reactivate)) expect(after.staying.active).toBe(true);
        if (after.staying.account?.boxUserId !== staying.account?.boxUserId)
          expect(after.staying.isWork).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is refused, or done, in both directions when it is refused because of the creates, and never merges what is merged', () => {
    fc.assert(
      fc.property(sides('a', '11'), sides('b', '22'), fc.boolean(), (staying, other, reactivate) => {
        const decision = decideMerge(staying, other, { reactivate });
        const isMerged = staying.mergedInto !== null || other.mergedInto !== null;
        if (isMerged || staying.mayHaveBoxUser || other.mayHaveBoxUser)
          expect(decision.kind).not.toBe('merge');
      }),
    );
  });
});
