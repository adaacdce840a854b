import fc from 'fast-check';
import { decideReturning, type Candidate, type ReturningDecision } from './returning.ts';

const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  ...{ id: 'a', isManaged: true, isDeleted: false, active: true },
  ...{ isLinked: false, isMerged: false, isSubject: false, isNamed: false },
  ...more,
});
const linked = (more: Partial<Candidate> = {}) => candidate({ isLinked: true, isSubject: true, ...more });
const named = (more: Partial<Candidate> = {}) => candidate({ id: 'n', isNamed: true, ...more });

describe('whom a directory means by a person whom it creates', () => {
  it.each<[string, Candidate[], ReturningDecision]>([
    ['nobody is known', [], { kind: 'new' }],
    [
      'an identity known only by sign-in has the id',
      [linked({ isManaged: false })],
      { kind: 'returning', id: 'a', rule: 'same_subject' },
    ],
    [
      'a deleted person has the id',
      [linked({ isDeleted: true, active: false })],
      { kind: 'returning', id: 'a', rule: 'same_subject' },
    ],
    [
      'a deleted person has the user name',
      [named({ isDeleted: true, active: false })],
      { kind: 'returning', id: 'n', rule: 'pushed_user_name' },
    ],
    [
      'a deactivated person with another user name has the id',
      [linked({ active: false })],
      { kind: 'returning', id: 'a', rule: 'same_subject' },
    ],
    [
      'a visible person has the id and the user name',
      [linked({ isNamed: true })],
      { kind: 'conflict', keys: ['userName', 'externalId'], with: 'a' },
    ],
    ['a visible person has the id', [linked()], { kind: 'conflict', keys: ['externalId'], with: 'a' }],
    [
      'one person has the id, another one the user name',
      [linked({ isDeleted: true }), named()],
      { kind: 'conflict', keys: ['userName'], with: 'n' },
    ],
    [
      'a merged person has the id',
      [linked({ isMerged: true, isSubject: false })],
      { kind: 'returning', id: 'a', rule: 'same_subject' },
    ],
    ['a sign-in brought the id to a visible person', [linked({ isSubject: false })], { kind: 'new' }],
  ])('%s', (_name, candidates, expected) => {
    expect(decideReturning(candidates)).toEqual(expected);
  });

  const anyCandidate = fc.record({
    ...{ isManaged: fc.boolean(), isDeleted: fc.boolean(), active: fc.boolean(), isLinked: fc.boolean() },
    ...{ isMerged: fc.boolean(), isSubject: fc.boolean(), isNamed: fc.boolean() },
  });
  const isVisible = ({ isManaged, isDeleted }: Candidate) => isManaged && !isDeleted;

  it('conflicts only with an identity that the directory finds by one of the keys', () => {
    fc.assert(
      fc.property(fc.array(anyCandidate, { maxLength: 3 }), (some) => {
        const candidates = some.map((one, n) => ({ ...one, id: String(n) }));
        const decision = decideReturning(candidates);
        if (decision.kind !== 'conflict') return;
        const holder = candidates.find(({ id }) => id === decision.with)!;
        expect(isVisible(holder) || !holder.isDeleted).toBe(true);
        expect(decision.keys.includes('userName') ? holder.isNamed : holder.isLinked).toBe(true);
      }),
    );
  });

  it('returns nobody whom another person still has by the user name', () => {
    fc.assert(
      fc.property(fc.array(anyCandidate, { maxLength: 3 }), (some) => {
        const candidates = some.map((one, n) => ({ ...one, id: String(n) }));
        const decision = decideReturning(candidates);
        if (decision.kind !== 'returning') return;
        const others = candidates.filter(
          ({ id, isNamed, isDeleted }) => id !== decision.id && isNamed && !isDeleted,
        );
        expect(others.every(({ isLinked }) => isLinked)).toBe(true);
      }),
    );
  });
});
