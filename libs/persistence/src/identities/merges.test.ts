import { randomUUID } from 'node:crypto';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { DeadLetters } from '../requests/dead-letters.ts';
import { untilWaiting, whileWaiting } from '../requests/waiting.harness.ts';
import { anything, change, mergeFixture } from './merges.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const merged = { kind: 'decided', decision: { kind: 'merge' } };
const takeOver = { decision: { accounts: { kind: 'take-over' } } };
const conflict = (kind: string, other: string | null = null) => ({
  ...{ kind: 'decided', decision: { kind: 'conflict', conflict: kind, with: other } },
});

describe('a merge of two people with Box users', () => {
  it('moves the links, keeps both Box users on record, and deactivates that of the other', async () => {
    const { person, merge, identity, work, activeBoxUsers, rows, box } = await mergeFixture(test);
    const [a, b] = [await person(), await person({ issuer: 'https://login.example.com' })];
    const before = { a: await identity(a.id), b: await identity(b.id) };
    expect(await merge(a.id, b.id)).toMatchObject({
      decision: { warnings: ['both-active-in-different-directories'] },
    });
    await work();
    const after = { a: await identity(a.id), b: await identity(b.id) };
    expect(after.a.links).toMatchObject([
      { subject: a.person.subject, rule: 'same_subject' },
      {
        subject: b.person.subject,
        directoryKey: 'https://login.example.com',
        rule: 'operator_merge',
        madeBy: 'operator:olga',
      },
    ]);
    expect(after.b).toMatchObject({ active: false, mergedInto: a.id, links: [{ rule: 'stand_in' }] });
    expect(after.a.boxAccount?.boxUserId).toBe(before.a.boxAccount?.boxUserId);
    expect(after.b.boxAccount).toMatchObject({
      boxUserId: before.b.boxAccount?.boxUserId,
      status: 'inactive',
    });
    expect(after.b.boxExternalId).toBe(before.b.boxExternalId);
    expect(activeBoxUsers()).toEqual([before.a.boxAccount?.boxUserId]);
    expect(box.users.size).toBe(2);
    expect(
      await rows('SELECT box_user_id, identity_id, reason FROM former_box_account WHERE tenant_id = $1'),
    ).toEqual([{ box_user_id: before.b.boxAccount?.boxUserId, identity_id: a.id, reason: 'merged' }]);
  });

  it('ends the sessions of both, and is on record with who did it', async () => {
    const { person, merge, identity, rows } = await mergeFixture(test);
    const [a, b] = [await person(), await person()];
    for (const { id } of [a, b])
      await test.database.pool.query(
        `INSERT INTO session (sid, sess, expire) VALUES ($1, $2, clock_timestamp() + interval '1 h')`,
        [randomUUID(), { identityId: id, cookie: {} }],
      );
    expect(await merge(a.id, b.id)).toMatchObject({ staying: { sessions: 1 }, other: { sessions: 1 } });
    const { rows: left } = await test.database.pool.query(
      `SELECT 1 FROM session WHERE sess ->> 'identityId' = ANY($1)`,
      [[a.id, b.id]],
    );
    expect(left).toEqual([]);
    expect((await identity(a.id)).sessionEpoch).toBeGreaterThan(a.epoch);
    expect((await identity(b.id)).sessionEpoch).toBeGreaterThan(b.epoch);
    expect(
      await rows(
        `SELECT actor, identity_id FROM api_call WHERE tenant_id = $1 AND operation = 'merge_identities'`,
      ),
    ).toEqual([{ actor: 'operator:olga', identity_id: a.id }]);
  });

  it('is done already when it is repeated, and records nothing again', async () => {
    const { person, merge, rows, identity } = await mergeFixture(test);
    const [a, b] = [await person(), await person()];
    await merge(a.id, b.id);
    const once = await identity(a.id);
    expect(await merge(a.id, b.id)).toMatchObject({ decision: { kind: 'done' }, requests: [] });
    expect(await identity(a.id)).toEqual(once);
    expect(
      await rows(`SELECT 1 AS n FROM api_call WHERE tenant_id = $1 AND operation = 'merge_identities'`),
    ).toHaveLength(1);
  });

  it('does not delete a Box user that SCIM wanted deleted', async () => {
    const { pushed, users, merge, work, box, identity } = await mergeFixture(test);
    const [a, b] = [await pushed(), await pushed()];
    await users.remove(b.id, 'delete', anything);
    expect(await merge(a.id, b.id)).toMatchObject(merged);
    await work();
    expect(box.users.size).toBe(2);
    expect((await identity(b.id)).boxAccount).toMatchObject({ status: 'inactive' });
  });
});

describe('a merge into a person without a Box user', () => {
  it('takes over the Box user of the other with its Box external id, which stays as it is', async () => {
    const { signIn, person, merge, work, identity, activeBoxUsers, box } = await mergeFixture(test);
    const b = await person();
    const boxUserId = (await identity(b.id)).boxAccount!.boxUserId;
    const a = await signIn(samplePerson({ username: 'new@example.com' }));
    expect(await merge(a.id, b.id)).toMatchObject({ decision: { accounts: { kind: 'take-over' } } });
    await work();
    expect(await identity(a.id)).toMatchObject({
      ...{
        boxExternalId: b.person.subject,
        boxAccount: { boxUserId, externalId: b.person.subject, status: 'active' },
      },
    });
    expect(await identity(b.id)).toMatchObject({ boxAccount: null, boxExternalId: null, mergedInto: a.id });
    expect(box.users.get(boxUserId)).toMatchObject({ externalId: b.person.subject, status: 'active' });
    expect(activeBoxUsers()).toEqual([boxUserId]);
    await signIn({ ...a.person, name: 'Ada Renamed' });
    await work();
    expect(box.users.size).toBe(1);
    expect(box.users.get(boxUserId)?.name).toBe('Ada Renamed');
  });

  it('also when a worker has fixed another external id for it, and Box refused the create', async () => {
    const { signIn, person, merge, work, identity, box } = await mergeFixture(test);
    const b = await person();
    const a = await signIn(samplePerson({ username: 'refused@example.com' }));
    await test.database.pool.query('UPDATE identity SET box_external_id = subject WHERE id = $1', [a.id]);
    expect(await merge(a.id, b.id)).toMatchObject(merged);
    await work();
    expect(await identity(a.id)).toMatchObject({ boxExternalId: b.person.subject });
    expect(box.users.size).toBe(1);
    await expect(
      test.database.pool.query(`UPDATE identity SET box_external_id = 'else' WHERE id = $1`, [a.id]),
    ).rejects.toThrow('never changes');
  });

  it('sets every field again, because an update for the other may have no known result', async () => {
    const { signIn, person, merge, work, box, identity } = await mergeFixture(test);
    const b = await person();
    await signIn({ ...b.person, name: 'Lost Update' });
    box.meet('updateUser', 'cut-after');
    await work();
    // The name that Box had before the update, as far as the records know.
    const a = await signIn(samplePerson({ username: 'certain@example.com', name: b.person.name }));
    expect(await merge(a.id, b.id)).toMatchObject(takeOver);
    await work();
    const { boxUserId } = (await identity(a.id)).boxAccount!;
    expect(box.users.get(boxUserId)).toMatchObject({ name: b.person.name, status: 'active' });
  });

  it('counts no call for an earlier Box user of the one that stays as a change of the new one', async () => {
    const { tenantId, signIn, person, merge, merges } = await mergeFixture(test);
    const [b, c] = [await person(), await person()];
    const a = await signIn(samplePerson({ username: 'earlier@example.com' }));
    await new PrismaCallLog(test.database, tenantId, 0).record(
      { requestId: null, identityId: a.id, lease: null },
      {
        ...{
          direction: 'out',
          system: 'box',
          operation: 'delete_user',
          method: 'DELETE',
          path: '/2.0/users/1',
        },
        ...{ actor: null, parameters: {} },
      },
      { result: 'ok', status: 204, error: null, answer: null, durationMs: 1 },
    );
    expect(await merge(a.id, b.id)).toMatchObject(takeOver);
    expect(await merges.plan({ staying: a.id, other: c.id }, { reactivate: false })).toMatchObject({
      ...{ decision: { kind: 'merge' }, staying: { mayBeDeleted: false } },
    });
  });

  it('leaves nothing to retry for the other, whose create made the Box user that is the other’s no more', async () => {
    const { signIn, person, merge, rows, intake } = await mergeFixture(test);
    const b = await person();
    await signIn({ ...b.person, name: 'Ada Open' });
    const a = await signIn(samplePerson({ username: 'retry@example.com' }));
    expect(await merge(a.id, b.id)).toMatchObject(takeOver);
    const [failed] = await rows<{ id: string }>(
      `SELECT id FROM provisioning_request WHERE tenant_id = $1 AND identity_id = $2 AND status = 'failed'`,
      b.id,
    );
    expect(await intake.retry(failed!.id)).toEqual({ kind: 'merged', mergedInto: a.id });
  });
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

it('ended requests are no dead letters, and point to the one that stays', async () => {
  const { tenantId, person, signIn, merge, rows } = await mergeFixture(test);
  const a = await person();
  const b = await signIn(samplePerson({ username: 'open@example.com' }));
  expect(await merge(a.id, b.id)).toMatchObject({ other: { openRequests: 1 } });
  expect(
    await rows(
      'SELECT status, error_code, error_detail FROM provisioning_request WHERE tenant_id = $1 AND identity_id = $2',
      b.id,
    ),
  ).toEqual([
    {
      ...{ status: 'failed', error_code: 'identity_merged' },
      error_detail: `This identity was merged into ${a.id}.`,
    },
  ]);
  expect(await new DeadLetters(test.database, tenantId).counts()).toEqual([]);
});
