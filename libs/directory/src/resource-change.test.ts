import {
  decideResourceChange,
  type NextResource,
  type ResourceChange,
  type ResourceState,
} from './resource-change.ts';

const known = (more: Partial<ResourceState> = {}): ResourceState => ({
  ...{ isManaged: true, userName: 'ada@example.com', externalId: '00uada', isDone: true },
  ...more,
});
const next = (more: Partial<NextResource> = {}): NextResource => ({
  ...{ userName: 'ada@example.com', externalId: '00uada', isSame: true },
  ...more,
});

describe('what a SCIM write means for a person', () => {
  it.each<[string, ResourceState, NextResource, ResourceChange]>([
    ['the same, and Box has it', known(), next(), { kind: 'none' }],
    ['the same, and Box does not have it', known({ isDone: false }), next(), { kind: 'follow' }],
    ['another title', known(), next({ isSame: false }), { kind: 'change' }],
    [
      'another title while Box is behind',
      known({ isDone: false }),
      next({ isSame: false }),
      { kind: 'change' },
    ],
    [
      'another user name',
      known(),
      next({ userName: 'countess@example.com', isSame: false }),
      { kind: 'claim', isNewName: true, subject: 'same' },
    ],
    [
      'another external id',
      known(),
      next({ externalId: '00unew', isSame: false }),
      { kind: 'claim', isNewName: false, subject: 'given' },
    ],
    [
      'an external id for the first time',
      known({ externalId: undefined }),
      next(),
      { kind: 'claim', isNewName: false, subject: 'given' },
    ],
    [
      'no external id any more',
      known(),
      next({ externalId: null }),
      { kind: 'claim', isNewName: false, subject: 'stand-in' },
    ],
    [
      'no external id, as before',
      known({ externalId: undefined }),
      next({ externalId: null }),
      { kind: 'none' },
    ],
    [
      'the first write for a person who signed in before',
      known({ isManaged: false }),
      next(),
      { kind: 'claim', isNewName: true, subject: 'same' },
    ],
  ])('%s', (_name, before, after, expected) => {
    expect(decideResourceChange(before, after)).toEqual(expected);
  });
});
