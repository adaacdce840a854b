import { randomUUID } from 'node:crypto';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { untilWaiting, whileWaiting } from '../requests/waiting.harness.ts';
import { anything, change, mergeFixture } from './merges.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const merged = { kind: 'decided', decision: { kind: 'merge' } };
const conflict = (kind: string, other: string | null = null) => ({
  ...{ kind: 'decided', decision: { kind: 'conflict', conflict: kind, with: other } },
});

describe('a merge is refused', () => {
  it('for ids that do not exist, and for an identity of another tenant', async () => {
    const { person, merge } = await mergeFixture(test);
    const [a, elsewhere] = [await person(), await (await mergeFixture(test)).person()];
    const nobody = randomUUID();
    expect(await merge(a.id, nobody)).toEqual({ kind: 'not-found', missing: [nobody] });
    expect(await merge(nobody, nobody)).toEqual({ kind: 'not-found', missing: [nobody] });
    expect(await merge(a.id, elsewhere.id)).toEqual({ kind: 'not-found', missing: [elsewhere.id] });
    expect(await merge(a.id, a.id)).toMatchObject(conflict('same-identity'));
  });

  it('for one that was merged elsewhere, and who was merged into the other follows', async () => {
    const { person, merge, identity } = await mergeFixture(test);
    const [a, b, c] = [await person(), await person(), await person()];
    await merge(b.id, c.id);
    expect(await merge(a.id, c.id)).toMatchObject(conflict('already-merged', b.id));
    expect(await merge(c.id, a.id)).toMatchObject(conflict('already-merged', b.id));
    expect(await merge(a.id, b.id)).toMatchObject(merged);
    expect(await identity(c.id)).toMatchObject({ mergedInto: a.id });
    expect(await merge(a.id, c.id)).toMatchObject({ decision: { kind: 'done' } });
  });

  it('while a create of a Box user has no known result, and nothing is half-done', async () => {
    const { person, signIn, merge, box, work, identity } = await mergeFixture(test);
    const a = await person();
    const b = await signIn(samplePerson({ username: 'lost@example.com' }));
    box.meet('createUser', 'cut-after');
    await work();
    const before = await identity(b.id);
    expect(await merge(a.id, b.id)).toMatchObject(conflict('unsettled-create'));
    expect(await merge(b.id, a.id)).toMatchObject(conflict('unsettled-create'));
    expect(await identity(b.id)).toEqual(before);
    await work();
    expect(await merge(a.id, b.id)).toMatchObject(merged);
  });

  it('if the one that stays is deactivated, unless the operator reactivates it', async () => {
    const { pushed, users, merge, identity, work, activeBoxUsers } = await mergeFixture(test);
    const [a, b] = [await pushed(), await pushed()];
    await users.update(a.id, ({ document }) => ({ ...document, active: false }));
    await work();
    expect(await merge(a.id, b.id)).toMatchObject(conflict('staying-deactivated'));
    expect(await merge(a.id, b.id, true)).toMatchObject(merged);
    await work();
    expect(activeBoxUsers()).toEqual([(await identity(a.id)).boxAccount!.boxUserId]);
    expect((await users.find(a.id))?.document).toMatchObject({ active: true });
  });
});

describe('a merge at the same time as', () => {
  it('the same merge, or the reverse one, happens once', async () => {
    for (const reverse of [false, true]) {
      const { person, merge, merges, work, activeBoxUsers, rows } = await mergeFixture(test);
      const [a, b] = [await person(), await person()];
      const [one, two] = reverse ? [b.id, a.id] : [a.id, b.id];
      const results = await Promise.all([
        merge(a.id, b.id),
        merges.apply({ staying: one, other: two }, { reactivate: false, by: 'operator:otto' }, change),
      ]);
      const kinds = results.map((result) => result.kind === 'decided' && result.decision.kind).sort();
      expect(kinds).toEqual([reverse ? 'conflict' : 'done', 'merge']);
      await work();
      expect(activeBoxUsers()).toHaveLength(1);
      expect(await rows('SELECT 1 AS n FROM identity WHERE tenant_id = $1 AND active')).toHaveLength(1);
    }
  });

  it('a worker that has taken one of them leaves one active Box user, and its request ends', async () => {
    for (const side of ['staying', 'other'] as const) {
      const { person, signIn, merge, store, work, rows, activeBoxUsers } = await mergeFixture(test);
      const b = await person();
      const a = await signIn(samplePerson({ username: `${side}@example.com` }));
      const [staying, other] = side === 'staying' ? [a, b] : [b, a];
      const [open] = await rows<{ id: string }>(
        'SELECT id FROM provisioning_request WHERE tenant_id = $1 AND identity_id = $2',
        a.id,
      );
      const taken = await store.take(open!.id);
      if (taken.kind !== 'taken') throw new Error(taken.kind);
      expect(await merge(staying.id, other.id)).toMatchObject(merged);
      const late = { boxUserId: '999', name: 'Late', status: 'active', appliedGeneration: 1 } as const;
      await expect(store.saveAccount(taken.taken.lease, late, 'created')).rejects.toThrow();
      await work();
      expect(activeBoxUsers()).toHaveLength(1);
      expect(
        await rows('SELECT 1 AS n FROM provisioning_request WHERE tenant_id = $1 AND finished_at IS NULL'),
      ).toEqual([]);
    }
  });

  it('a POST of the externalId of the other never makes a second person', async () => {
    const { pushed, users, document, merge, rows } = await mergeFixture(test);
    const [a, b] = [await pushed(), await pushed()];
    let posted: Promise<unknown> = Promise.resolve();
    const both = async () => {
      const merging = merge(a.id, b.id);
      // The POST has read whom the id leads to, and waits behind the merge for that person's row.
      await untilWaiting(test.database, 1, merging);
      posted = users.create(document(b.externalId));
      posted.catch(anything);
      return merging;
    };
    const hold = 'SELECT 1 FROM identity WHERE id = $1 FOR UPDATE';
    await whileWaiting(test.database, (client) => client.query(hold, [b.id]), both, 2);
    await expect(posted).rejects.toMatchObject({ name: 'KeyConflict', keys: ['externalId'], self: null });
    await users.create(document(b.externalId));
    expect(await rows('SELECT id FROM identity WHERE tenant_id = $1 AND active')).toEqual([{ id: a.id }]);
  });
});
