import fc from 'fast-check';
import type { BoxAccount, BoxUser, Desired, Known, LastWord, Step } from './model.ts';
import { desired, user } from './plan.harness.ts';
import { plan } from './plan.ts';

/** A Box that follows its documented rules: unique external ids, look-ups that may lag, answers that may be lost. */
class Model {
  users: BoxUser[] = [];
  creates = 0;

  constructor(
    readonly world: { preexisting: boolean; lag: boolean; named: boolean },
    readonly externalId: string,
  ) {
    if (world.preexisting) this.users.push({ ...user, id: '99' });
  }

  create(name: string): BoxUser | null {
    if (this.users.length > 0) return null;
    this.users.push({ ...user, id: String(++this.creates), name });
    return this.users[0]!;
  }
}

/** What the call log and the account table contain for the next worker. */
interface Records {
  account: BoxAccount | null;
  lastCreate: Known['lastCreate'];
  lastWord?: LastWord;
  mayRecreate?: boolean;
  former?: string[];
}

type Cut = 'none' | 'before' | 'after' | 'unsaved';

/** What happens at each step, in order; a list applies whatever the step is. */
interface Cuts {
  shift(step: Step): Cut | undefined;
}

/**
 * One worker's attempt; it crashes where the schedule says: before or after Box's commit, or with Box's answer in the
 * call log and nothing done about it. Returns the last step.
 */
function turn(model: Model, records: Records, want: Desired, cuts: Cuts): Step | 'died' {
  const { account: mapped, lastCreate, lastWord, mayRecreate = false } = records;
  let known: Known = { account: mapped, lastCreate, lastWord, observed: {}, effect: null, mayRecreate };
  for (let steps = 0; steps < 14; steps++) {
    const step = plan(want, known);
    if (step.kind === 'finish' || step.kind === 'fail') return step;
    if (step.kind === 'create') records.lastCreate = 'unsettled';
    if (step.kind === 'update') records.account = { ...records.account!, isUncertain: true };
    const cut = cuts.shift(step) ?? 'none';
    if (cut === 'before') return 'died';
    const next = act(model, records, known, step, want);
    if (cut === 'after') return 'died';
    const isAnswered = step.kind === 'create' || step.kind === 'find' || step.kind === 'read';
    if (cut === 'unsaved' && !isAnswered) return 'died';
    const before = records.account;
    const after = next();
    const { conflict, found } = after.observed;
    const made = records.account?.boxUserId ?? null;
    if (step.kind === 'create')
      records.lastWord = { kind: 'taken', boxUserId: conflict ? conflict.id : made };
    else if (isAnswered && records.lastCreate !== null)
      records.lastWord = found ? { kind: 'taken', boxUserId: found.id } : { kind: 'nobody' };
    if (cut === 'unsaved') {
      records.account = before;
      return 'died';
    }
    known = after;
  }
  throw new Error('The plan does not end.');
}

function act(model: Model, records: Records, known: Known, step: Step, want: Desired): () => Known {
  const save = (account: BoxAccount): Known => {
    records.account = account;
    return { ...known, account };
  };
  switch (step.kind) {
    case 'create': {
      const created = model.create(step.name);
      return () => {
        if (created)
          return save({
            boxUserId: created.id,
            name: step.name,
            status: 'active',
            appliedGeneration: want.generation,
          });
        records.lastCreate = known.lastCreate === 'unsettled' ? 'unsettled' : 'conflict';
        const id = model.world.named ? model.users[0]!.id : null;
        return { ...known, lastCreate: records.lastCreate, observed: { conflict: { id } } };
      };
    }
    case 'find':
      return () => ({
        ...known,
        observed: { ...known.observed, found: model.world.lag ? null : (model.users[0] ?? null) },
      });
    case 'read':
      return () => ({
        ...known,
        observed: { ...known.observed, found: model.users.find(({ id }) => id === step.boxUserId) ?? null },
      });
    case 'adopt':
      return () =>
        save({
          boxUserId: step.user.id,
          name: step.user.name,
          status: step.user.status,
          appliedGeneration: 0,
        });
    case 'update': {
      if (!model.users.some(({ id }) => id === step.boxUserId))
        return () => ({ ...known, observed: { ...known.observed, isGone: true } });
      model.users = model.users.map((one) => (one.id === step.boxUserId ? { ...one, ...step.change } : one));
      const { isUncertain: _settled, ...certain } = known.account!;
      return () => save({ ...certain, ...step.change, appliedGeneration: want.generation });
    }
    case 'confirm':
      return () => save({ ...known.account!, appliedGeneration: want.generation });
    // Our own records are one statement each, so a crash is before it or after it.
    case 'mark-missing':
      records.account = { ...known.account!, isMissing: true };
      return () => ({ ...known, account: records.account });
    case 'restore':
      records.account = {
        boxUserId: step.user.id,
        name: step.user.name,
        status: step.user.status,
        appliedGeneration: 0,
      };
      return () => ({ ...known, account: records.account });
    case 'forget':
      records.former = [...(records.former ?? []), step.boxUserId];
      records.account = null;
      records.lastCreate = null;
      records.lastWord = undefined;
      return () => ({ ...known, account: null, lastCreate: null, lastWord: undefined, observed: {} });
    default:
      throw new Error(`No such call: ${step.kind}`);
  }
}

describe('plan under any schedule of crashes', () => {
  const world = fc.record({ preexisting: fc.boolean(), lag: fc.boolean(), named: fc.boolean() });
  const schedule = fc.array(
    fc.array(fc.constantFrom<Cut>('none', 'before', 'after', 'unsaved'), { maxLength: 4 }),
    {
      maxLength: 6,
    },
  );

  it('ends in exactly one Box user, mapped, in step', () => {
    fc.assert(
      fc.property(world, schedule, (w, turns) => {
        const model = new Model(w, desired.externalId);
        const records: Records = { account: null, lastCreate: null };
        for (const cuts of turns) turn(model, records, desired, [...cuts]);
        // In the end look-ups are current, and no worker crashes any more.
        model.world.lag = false;
        const last = turn(model, records, desired, []);
        expect(last).toMatchObject({ kind: 'finish' });
        expect(model.users).toHaveLength(1);
        expect(records.account).toMatchObject({
          boxUserId: model.users[0]!.id,
          name: desired.name,
          appliedGeneration: 3,
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends in exactly one Box user when it is deleted and restored in between, by policy', () => {
    type Deed = 'delete' | 'restore' | 'nothing';
    const deeds = fc.array(fc.constantFrom<Deed>('delete', 'restore', 'nothing'), { maxLength: 8 });
    fc.assert(
      fc.property(world, schedule, deeds, fc.array(fc.boolean()), (w, turns, done, sightings) => {
        const model = new Model(w, desired.externalId);
        const records: Records = { account: null, lastCreate: null };
        let bin: BoxUser[] = [];
        let generation = desired.generation;
        for (const [at, deed] of done.entries()) {
          records.mayRecreate = sightings[at] ?? false;
          const want = { ...desired, name: `Name ${at}`, generation: ++generation };
          turn(model, records, want, [...(turns[at] ?? [])]);
          // Only one user has an external id at a time: a restored user cannot come back beside another.
          if (deed === 'delete' && model.users.length > 0) bin = model.users.splice(0);
          else if (deed === 'restore' && model.users.length === 0) model.users.push(...bin.splice(0));
        }
        model.world.lag = false;
        records.mayRecreate = true;
        const last = turn(model, records, { ...desired, generation: generation + 1 }, []);
        expect(last).toMatchObject({ kind: 'finish' });
        expect(model.users).toHaveLength(1);
        expect(records.account).toMatchObject({ boxUserId: model.users[0]!.id, name: desired.name });
        expect(records.account?.isMissing).toBeFalsy();
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends with the desired name in Box, however often it changed, and changed back, before', () => {
    fc.assert(
      fc.property(world, schedule, fc.array(fc.constantFrom('One', 'Other')), (w, turns, names) => {
        const model = new Model(w, desired.externalId);
        const records: Records = { account: null, lastCreate: null };
        model.world.lag = false;
        let { generation } = desired;
        const wanting = (name: string): Desired => ({ ...desired, name, generation: ++generation });
        for (const [at, name] of names.entries()) turn(model, records, wanting(name), [...(turns[at] ?? [])]);
        expect(turn(model, records, wanting('One'), [])).toMatchObject({ kind: 'finish' });
        expect(model.users).toMatchObject([{ name: 'One' }]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never creates while the mapping exists, whatever Box returns, unless it may', () => {
    fc.assert(
      fc.property(world, schedule, (w, turns) => {
        const model = new Model(w, desired.externalId);
        const records: Records = { account: null, lastCreate: null };
        model.world.lag = false;
        turn(model, records, desired, []);
        const made = model.creates;
        model.users = [];
        for (const cuts of turns) turn(model, records, { ...desired, name: 'Renamed' }, [...cuts]);
        expect(turn(model, records, { ...desired, name: 'Renamed' }, [])).toMatchObject({
          kind: 'fail',
          code: 'box_user_missing',
        });
        expect(model.creates).toBe(made);
        expect(records.account).toMatchObject({ isMissing: true });
        expect(records.former).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('needs only one answer of Box in each attempt to finish, however many answers are lost', () => {
    const lost = fc.constantFrom<Cut>('before', 'after');
    // A user that a 409 does not name is not shown by a lagging look-up either.
    const seen = world.filter(({ lag, named }) => named || !lag);
    fc.assert(
      fc.property(seen, fc.array(lost, { minLength: 40 }), (w, losses) => {
        const model = new Model(w, desired.externalId);
        const records: Records = { account: null, lastCreate: null };
        turn(model, records, desired, [losses.pop()!]);
        for (let attempts = 0; attempts < 5; attempts++) {
          let answers = 1;
          const shift = ({ kind }: Step): Cut =>
            !['create', 'find', 'read', 'update'].includes(kind) || answers-- > 0 ? 'none' : losses.pop()!;
          turn(model, records, desired, { shift });
        }
        expect(model.users).toHaveLength(1);
        expect(records.account).toMatchObject({ name: desired.name, appliedGeneration: 3 });
      }),
      { numRuns: 2_000 },
    );
  });

  it('never creates a second time before Box has answered once, once a create was begun', () => {
    fc.assert(
      fc.property(world, schedule, (w, turns) => {
        const model = new Model(w, desired.externalId);
        const records: Records = { account: null, lastCreate: null };
        for (const cuts of turns) {
          const begun = records.lastCreate !== null && records.account === null;
          const first = plan(desired, {
            account: records.account,
            lastCreate: records.lastCreate,
            lastWord: records.lastWord,
            observed: {},
            effect: null,
          });
          expect(begun && records.lastWord === undefined && first.kind === 'create').toBe(false);
          turn(model, records, desired, [...cuts]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
