import { randomUUID } from 'node:crypto';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { DeadLetters } from '../requests/dead-letters.ts';
import { anything, mergeFixture } from './merges.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const merged = { kind: 'decided', decision: { kind: 'merge' } };
const takeOver = { decision: { accounts: { kind: 'take-over' } } };

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
