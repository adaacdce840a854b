import fc from 'fast-check';
import {
  decideAdmission,
  type AdmissionCommand,
  type AdmissionDecision,
  type AdmissionState,
  type KnownPerson,
  type Names,
} from './admission.ts';
import type { NameSource } from './names.ts';

const claimed = { username: 'claimed', email: 'claimed' } as const;
const ada = {
  issuer: 'https://example.okta.com',
  subject: '00uada',
  username: 'ada@example.com',
  name: 'Ada',
};
const names: Names = {
  ...{ username: ada.username, email: null, name: ada.name, givenName: null, familyName: null },
  sources: claimed,
};
const known = (more: Partial<KnownPerson> = {}): KnownPerson => ({
  ...{ id: 'a', isActive: true, isManaged: false, generation: 3, names },
  applied: { appliedGeneration: 3, isMissing: false },
  link: { isOwn: true, isByMerge: false, isSameUserName: true },
  ...more,
});
const state = (more: Partial<AdmissionState> = {}): AdmissionState => ({
  ...{ known: known(), namesakeId: null, isUserNameTaken: false, isReleased: false },
  ...more,
});
const signIn = (more: Partial<AdmissionCommand['person']> = {}): AdmissionCommand => ({
  ...{ kind: 'sign-in', person: { ...ada, ...more }, sources: claimed },
});
const push = (more: Partial<AdmissionCommand['person']> = {}): AdmissionCommand => ({
  ...signIn(more),
  ...{ kind: 'push', sources: { username: 'administered', email: 'administered' } },
});
const doubtful = known({ isManaged: true, link: { isOwn: false, isByMerge: false, isSameUserName: false } });

describe('who a person is', () => {
  it.each<[string, AdmissionState, AdmissionCommand, Partial<AdmissionDecision>]>([
    ['a new person', state({ known: null }), signIn(), { kind: 'add', from: null }],
    ['a known person', state(), signIn(), { kind: 'in-step' }],
    ['a person without a Box user', state({ known: known({ applied: null }) }), signIn(), { kind: 'follow' }],
    [
      'a person whose Box user has an older generation',
      state({ known: known({ applied: { appliedGeneration: 2, isMissing: false } }) }),
      signIn(),
      { kind: 'follow' },
    ],
    [
      'a person whose Box user is missing',
      state({ known: known({ applied: { appliedGeneration: 3, isMissing: true } }) }),
      signIn(),
      { kind: 'follow' },
    ],
    [
      'a person with another name',
      state(),
      signIn({ name: 'Ada L.' }),
      { kind: 'change', isNewGeneration: true, needsRequest: true },
    ],
    [
      'a person whose name is administered from now on',
      state(),
      push(),
      { kind: 'change', isNewGeneration: false, needsRequest: false },
    ],
    [
      'a person with a given name for the first time',
      state(),
      signIn({ givenName: 'Ada' }),
      { kind: 'change', isNewGeneration: false, needsRequest: false },
    ],
    [
      'a person whom SCIM manages, with another name',
      state({ known: known({ isManaged: true }) }),
      signIn({ name: 'Ada L.' }),
      { kind: 'in-step' },
    ],
    [
      'a deactivated person',
      state({ known: known({ isActive: false }) }),
      signIn(),
      { kind: 'deactivated', identityId: 'a' },
    ],
    [
      'a deactivated person whom a file names',
      state({ known: known({ isActive: false }) }),
      push(),
      { kind: 'deactivated', identityId: 'a' },
    ],
    [
      'a new person with the user name of a deactivated one',
      state({ known: null, namesakeId: 'b' }),
      signIn(),
      { kind: 'hold', holderId: 'b' },
    ],
    [
      'a known person with the user name of a deactivated one',
      state({ namesakeId: 'b' }),
      signIn(),
      { kind: 'hold', holderId: 'b' },
    ],
    [
      'a person whom SCIM manages, with the user name of a deactivated one',
      state({ known: known({ isManaged: true }), namesakeId: 'b' }),
      signIn(),
      { kind: 'in-step' },
    ],
    [
      'a released person with the user name of a deactivated one',
      state({ known: null, namesakeId: 'b', isReleased: true }),
      signIn(),
      { kind: 'add', from: null },
    ],
    [
      'a pushed person with the user name of a deactivated one',
      state({ known: null, namesakeId: 'b' }),
      push(),
      { kind: 'add', from: null },
    ],
    ['an id in doubt', state({ known: doubtful }), signIn(), { kind: 'hold', holderId: 'a' }],
    [
      'a released id in doubt',
      state({ known: doubtful, isReleased: true }),
      signIn(),
      { kind: 'add', from: 'a' },
    ],
    ['a pushed id in doubt', state({ known: doubtful }), push(), { kind: 'in-step' }],
    [
      'an id of a merged person, by any name',
      state({ known: { ...doubtful, link: { ...doubtful.link, isByMerge: true } } }),
      signIn(),
      { kind: 'in-step' },
    ],
  ])('%s', (_name, before, command, expected) => {
    expect(decideAdmission(before, command)).toMatchObject(expected);
  });

  it('keeps the parts of the name that a sign-in leaves out', () => {
    const before = known({ names: { ...names, givenName: 'Ada', familyName: 'Example' } });
    const decision = decideAdmission(state({ known: before }), signIn({ name: 'Ada E.', familyName: 'E.' }));
    expect(decision).toMatchObject({ names: { name: 'Ada E.', givenName: 'Ada', familyName: 'E.' } });
  });

  it('takes a name that SCIM gave somebody else as claimed, whoever vouches for it', () => {
    const decision = decideAdmission(state({ known: null, isUserNameTaken: true }), push());
    expect(decision).toMatchObject({ names: { sources: { username: 'claimed', email: 'administered' } } });
  });

  it('never makes the source of an unchanged name worse, and gives a changed name its new source', () => {
    const administered = known({
      names: { ...names, sources: { username: 'administered', email: 'verified' } },
    });
    expect(decideAdmission(state({ known: administered }), signIn())).toEqual({ kind: 'in-step' });
    const renamed = decideAdmission(
      state({ known: administered }),
      signIn({ username: 'countess@example.com' }),
    );
    expect(renamed).toMatchObject({ names: { sources: { username: 'claimed', email: 'verified' } } });
  });
});

const source = fc.constantFrom<NameSource>('claimed', 'verified', 'administered');
const sources = fc.record({ username: source, email: source });
const word = fc.constantFrom('ada@example.com', 'ben@example.com');
const part = fc.constantFrom(null, 'Ada', 'Ben');
const anyNames = fc.record({
  ...{ username: word, email: fc.constantFrom(null, 'ada@example.com'), name: word },
  ...{ givenName: part, familyName: part, sources },
});
const anyKnown = fc.record({
  ...{ id: fc.constant('a'), isActive: fc.boolean(), isManaged: fc.boolean(), generation: fc.constant(3) },
  names: anyNames,
  applied: fc.constantFrom(
    null,
    { appliedGeneration: 3, isMissing: false },
    { appliedGeneration: 3, isMissing: true },
    { appliedGeneration: 2, isMissing: false },
  ),
  link: fc.record({ isOwn: fc.boolean(), isByMerge: fc.boolean(), isSameUserName: fc.boolean() }),
});
const anyState = fc.record({
  known: fc.option(anyKnown),
  namesakeId: fc.constantFrom(null, 'b'),
  isUserNameTaken: fc.boolean(),
  isReleased: fc.boolean(),
});
const anyCommand = fc.record({
  kind: fc.constantFrom('sign-in' as const, 'push' as const),
  person: fc.record({ username: word, name: word }).map((more) => ({ ...ada, ...more })),
  sources,
});

describe('every decision about a sign-in or a push', () => {
  it('keeps a deactivated person deactivated, and makes a second person only of a released sign-in', () => {
    fc.assert(
      fc.property(anyState, anyCommand, (before, command) => {
        const decision = decideAdmission(before, command);
        if (before.known?.isActive === false) expect(decision.kind).toBe('deactivated');
        if (decision.kind === 'add' && before.known !== null)
          expect([command.kind, before.isReleased]).toEqual(['sign-in', true]);
        if (decision.kind === 'hold') expect(command.kind).toBe('sign-in');
      }),
    );
  });

  it('changes nothing more when it is made again after its change was written', () => {
    fc.assert(
      fc.property(anyState, anyCommand, (before, command) => {
        const decision = decideAdmission(before, command);
        if (decision.kind !== 'change') return;
        const { id, ...known } = before.known!;
        const generation = known.generation + (decision.isNewGeneration ? 1 : 0);
        const after = { ...before, known: { ...known, id, generation, names: decision.names } };
        expect(decideAdmission(after, command).kind).toBe(decision.needsRequest ? 'follow' : 'in-step');
      }),
    );
  });
});
