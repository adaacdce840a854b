import fc from 'fast-check';
import { converge } from './converge.ts';
import { FakeBox } from './fake-box.harness.ts';
import type { BoxAccount, Desired } from './model.ts';
import type { SaveResult, Taken } from './store-port.ts';

const OLD = '00uOLD';
const NEW = '00uNEW';
const me = 'identity-1';
const desiredAs = (difference: Partial<Desired>): Desired => ({
  ...{ identityId: me, externalId: NEW, name: 'Ada', active: true, generation: 2 },
  ...difference,
});

/** The records of one identity between its attempts, as the database keeps them. */
class Records {
  readonly box = new FakeBox();
  account: BoxAccount | null = null;
  begun: Pick<Taken, 'begunAs' | 'lastCreate'> = { lastCreate: null };
  /** The Box users of other identities. */
  readonly others = new Set<string>();

  /** One attempt; returns how it ended. */
  async attempt(desired: Desired) {
    const updates = this.#updates;
    const store = {
      saveAccount: async (_lease: unknown, account: BoxAccount): Promise<SaveResult> => {
        if (this.others.has(account.boxUserId)) return 'belongs-to-another';
        this.account = account;
        this.#updates = 0;
        return 'saved';
      },
      markMissing: async () => {},
      restoreAccount: async () => {},
      forgetAccount: async () => void (this.account = null),
    };
    const lease = { identityId: me, requestId: 'request-1', token: 1n };
    const account = this.account && { ...this.account, ...(updates > 0 && { isUncertain: true }) };
    const taken = { lease, desired, account, ...this.begun, attempts: 1, failures: 0, effect: null };
    return converge(taken, { box: this.box, store, stopping: new AbortController().signal });
  }

  #updates = 0;

  /** The answer to the next update is lost: before or after Box carried it out. */
  loseUpdate(when: 'cut-before' | 'cut-after'): void {
    this.#updates += 1;
    this.box.meet('updateUser', when);
  }

  /** Box has the user of a create whose answer was lost. */
  async lostCreate(externalId: string): Promise<void> {
    await this.box.createUser(this.context, { externalId, name: 'Ada' });
    this.begun = { begunAs: externalId, lastCreate: 'unsettled' };
  }

  readonly context = { requestId: null, identityId: me, lease: null };
  get users() {
    return [...this.box.users.values()].map(({ id, externalId, status }) => ({ id, externalId, status }));
  }
}

describe('the external id of a Box user', () => {
  it.each([
    ['hired again', true, 'active'],
    ['still switched off', false, 'inactive'],
  ] as const)(
    'becomes the new Okta id of a person who is %s after a create under the old one',
    async (_name, active, status) => {
      const records = new Records();
      await records.lostCreate(OLD);
      expect(await records.attempt(desiredAs({ active }))).toMatchObject({ kind: 'converged' });
      expect(records.users).toMatchObject([{ externalId: NEW, status }]);
      expect(records.account).toMatchObject({ externalId: NEW, status });
      expect(await records.box.findUser(records.context, OLD)).toEqual({ ok: true, value: null });
    },
  );

  it.each(['cut-before', 'cut-after'] as const)(
    'is the last desired one of a leaver whose change to another was lost (%s)',
    async (when) => {
      const records = new Records();
      await records.attempt(desiredAs({ externalId: OLD, generation: 1 }));
      records.loseUpdate(when);
      await records.attempt(desiredAs({ externalId: NEW, generation: 2 }));
      const back = desiredAs({ externalId: OLD, active: false, generation: 3 });
      expect(await records.attempt(back)).toMatchObject({ kind: 'converged' });
      expect(records.users).toMatchObject([{ externalId: OLD, status: 'inactive' }]);
    },
  );

  it('does not lead to another person who has the old Okta id by then', async () => {
    const records = new Records();
    await records.lostCreate(OLD);
    // Whoever has the old id found that user first.
    records.others.add(records.users[0]!.id);
    expect(await records.attempt(desiredAs({}))).toMatchObject({ kind: 'converged' });
    expect(records.users).toMatchObject([{ externalId: OLD }, { externalId: NEW, status: 'active' }]);
    expect(records.account?.boxUserId).toBe(records.users[1]!.id);
  });

  it("is the person's last one, however often id and status changed and answers were lost", async () => {
    const change = fc.record({
      externalId: fc.constantFrom(OLD, NEW),
      active: fc.boolean(),
      lost: fc.constantFrom('cut-before', 'cut-after', null),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), change, async (changes, last) => {
        const records = new Records();
        let generation = 1;
        await records.attempt(desiredAs({ externalId: OLD, generation }));
        for (const { lost, ...what } of changes) {
          // Without an update on its way the trouble would meet a later one.
          if (lost !== null && records.account?.externalId !== what.externalId) records.loseUpdate(lost);
          await records.attempt(desiredAs({ ...what, generation: ++generation }));
        }
        const { externalId, active } = last;
        for (let attempts = 0; attempts < 8; attempts++)
          await records.attempt(desiredAs({ externalId, active, generation: generation + 1 }));
        expect(records.users).toMatchObject([{ externalId, status: active ? 'active' : 'inactive' }]);
      }),
      { numRuns: 500 },
    );
  });
});
