import fc from 'fast-check';
import { converge } from '../people/converge.ts';
import { FakeBox } from '../people/fake-box.harness.ts';
import { foresee, type BoxView } from './foresee.ts';
import type { BoxAccount, BoxUser, Desired, LastCreate } from '../people/model.ts';
import type { SaveResult } from '../people/store-port.ts';

const me = 'identity-1';
const desiredAs = (difference: Partial<Desired> = {}): Desired => ({
  identityId: me,
  externalId: '00u1',
  name: 'Ada',
  active: true,
  generation: 2,
  ...difference,
});
const userAs = (difference: Partial<BoxUser> = {}): BoxUser => ({
  id: '11',
  name: 'Ada',
  login: 'a@example.com',
  status: 'active',
  externalId: '00u1',
  isAppUser: true,
  ...difference,
});
const accountAs = (difference: Partial<BoxAccount> = {}): BoxAccount => ({
  boxUserId: '11',
  name: 'Ada',
  status: 'active',
  appliedGeneration: 1,
  ...difference,
});

function viewOf(users: readonly BoxUser[], owners: Readonly<Record<string, string>> = {}): BoxView {
  return {
    user: (id) => users.find((user) => user.id === id) ?? null,
    userWith: (externalId) => users.find((user) => user.externalId === externalId) ?? null,
    ownerOf: (id) => owners[id] ?? null,
  };
}
const of = (account: BoxAccount | null, users: readonly BoxUser[], lastCreate: LastCreate | null = null) =>
  foresee({ desired: desiredAs(), account, lastCreate }, viewOf(users));
const outcome = (text: string) => ({ kind: 'outcome', outcome: text });

describe('what a request would do', () => {
  it.each([
    ['create somebody new', null, [], null, outcome('created')],
    ['adopt whom Box has', null, [userAs({ name: 'Other' })], null, outcome('adopted')],
    ['find its own create whose answer was lost', null, [userAs()], 'unsettled', outcome('created')],
    ['bring a new name', accountAs({ name: 'Old' }), [userAs({ name: 'Old' })], null, outcome('updated')],
    ['confirm what is the same in Box', accountAs(), [userAs()], null, outcome('unchanged')],
    [
      'activate again',
      accountAs({ status: 'inactive' }),
      [userAs({ status: 'inactive' })],
      null,
      outcome('reactivated'),
    ],
    [
      'fail on a user that is gone',
      accountAs({ name: 'Old' }),
      [],
      null,
      { kind: 'fault', code: 'box_user_missing', detail: 'Box user 11 was deleted in Box.' },
    ],
    ['find a user that was gone', accountAs({ isMissing: true }), [userAs()], null, outcome('unchanged')],
  ] as const)('is to %s', async (_, account, users, lastCreate, foreseen) => {
    expect(await of(account, users, lastCreate)).toEqual(foreseen);
  });

  it('is to fail on a Box user that belongs to another person', async () => {
    const view = viewOf([userAs()], { '11': 'identity-2' });
    expect(await foresee({ desired: desiredAs(), account: null, lastCreate: null }, view)).toEqual({
      kind: 'fault',
      code: 'box_user_mismatch',
      detail: 'Box user 11 already belongs to another identity.',
    });
  });
});

it('is what a worker then does, in every state', async () => {
  const name = fc.constantFrom('Ada', 'Bob');
  const status = fc.constantFrom('active', 'inactive');
  const users = fc.uniqueArray(
    fc.record({
      id: fc.constantFrom('11', '12'),
      name,
      login: fc.constant(''),
      status,
      externalId: fc.constantFrom('00u1', '00u2', null),
      isAppUser: fc.constant(true),
    }),
    { selector: ({ externalId }) => externalId, maxLength: 2 },
  );
  const account = fc.record({
    boxUserId: fc.constantFrom('11', '12'),
    name,
    status,
    appliedGeneration: fc.integer({ min: 0, max: 2 }),
    isMissing: fc.boolean(),
  });
  const cases = fc.record({
    users: users.map((all) => all.filter((one, at) => all.findIndex(({ id }) => id === one.id) === at)),
    account: fc.option(account),
    active: fc.boolean(),
    lastCreate: fc.constantFrom<LastCreate | null>(null, 'refused', 'conflict', 'unsettled'),
    owners: fc.dictionary(fc.constantFrom('11', '12'), fc.constantFrom(me, 'identity-2')),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ users: there, account: mapped, active, lastCreate, owners }) => {
      const desired = desiredAs({ active });
      const foreseen = await foresee({ desired, account: mapped, lastCreate }, viewOf(there, owners));
      const box = new FakeBox();
      for (const user of there) box.users.set(user.id, user);
      const store = {
        saveAccount: async (_lease: unknown, { boxUserId }: BoxAccount): Promise<SaveResult> =>
          (owners[boxUserId] ?? me) === me ? 'saved' : 'belongs-to-another',
        markMissing: async () => {},
        restoreAccount: async () => {},
        forgetAccount: async () => {},
      };
      const lease = { identityId: me, requestId: 'request-1', token: 1n };
      const taken = { lease, desired, account: mapped, lastCreate, attempts: 1, failures: 0, effect: null };
      const ending = await converge(taken, { box, store, stopping: new AbortController().signal });
      expect(foreseen).toEqual(
        ending.kind === 'converged'
          ? { kind: 'outcome', outcome: ending.outcome }
          : {
              kind: 'fault',
              code: ending.kind === 'faulted' ? ending.fault.code : '',
              detail: expect.any(String) as string,
            },
      );
    }),
    { numRuns: 500 },
  );
});
