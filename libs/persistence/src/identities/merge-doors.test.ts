import { randomUUID } from 'node:crypto';
import { readListQuery, userType } from '@foyer/scim';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { anything, mergeFixture, OKTA } from './merges.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe('the doors after a merge', () => {
  it('lead a sign-in under a moved id to the one that stays, by any user name, also if SCIM manages that one', async () => {
    const { pushed, person, signIn, merge, work, box } = await mergeFixture(test);
    const [a, b] = [await pushed(), await person()];
    await merge(a.id, b.id);
    await work();
    expect(await signIn(b.person)).toMatchObject({ id: a.id });
    await work();
    expect(box.users.size).toBe(2);
  });

  it('do not put the one that stays on hold because the other had the same user name', async () => {
    const { person, signIn, merge } = await mergeFixture(test);
    const [a, b] = [
      await person({ username: 'one@example.com' }),
      await person({ username: 'one@example.com' }),
    ];
    await merge(a.id, b.id);
    expect((await signIn(a.person)).id).toBe(a.id);
    expect((await signIn(b.person)).id).toBe(a.id);
    expect(
      (await signIn(samplePerson({ subject: `00u${randomUUID()}`, username: 'one@example.com' }))).id,
    ).not.toBe(b.id);
  });

  it('answer as if the SCIM resource of the other did not exist, so that its clean-up switches nobody off', async () => {
    const { pushed, users, merge, identity } = await mergeFixture(test);
    const [a, b] = [await pushed(), await pushed()];
    await merge(a.id, b.id);
    expect(await users.find(b.id)).toBeNull();
    expect(await users.update(b.id, ({ document }) => ({ ...document, active: false }))).toBeNull();
    expect(await users.remove(b.id, 'delete', anything)).toBeNull();
    expect((await users.list(readListQuery({}, userType))).items.map(({ id }) => id)).toEqual([a.id]);
    expect(await identity(a.id)).toMatchObject({ active: true });
  });

  it('lead a POST of the externalId of the other to the one that stays, and SCIM may go back and forth', async () => {
    const { pushed, users, document, signIn, merge, work, identity, box, activeBoxUsers } =
      await mergeFixture(test);
    const [a, b] = [await pushed(), await pushed()];
    await merge(a.id, b.id);
    await work();
    const { resource } = await users.create(document(b.externalId));
    expect(resource).toMatchObject({ id: a.id, document: { externalId: b.externalId } });
    await users.update(a.id, () => document(a.externalId));
    await users.update(a.id, () => document(b.externalId));
    await work();
    expect((await identity(a.id)).links.map(({ subject }) => subject).sort()).toEqual(
      [a.externalId, b.externalId].sort(),
    );
    for (const subject of [a.externalId, b.externalId])
      expect((await signIn(samplePerson({ issuer: OKTA, subject }))).id).toBe(a.id);
    await work();
    expect(box.users.size).toBe(2);
    expect(activeBoxUsers()).toHaveLength(1);
  });

  it('give the user name of the other to whoever is pushed with it under another id', async () => {
    const { pushed, users, document, merge } = await mergeFixture(test);
    const [a, b] = [await pushed(), await pushed()];
    await merge(a.id, b.id);
    const { resource } = await users.create(
      document(`00u${randomUUID()}`, { userName: `${b.externalId}@example.com` }),
    );
    expect([a.id, b.id]).not.toContain(resource.id);
  });
});

describe('the groups of a merge', () => {
  const member = (value: string) => ({ value, display: null, type: null });

  it.each(['keeps its Box user', 'takes over'] as const)(
    'move by value when the one that stays %s',
    async (how) => {
      const { pushed, users, document, groups, merge, rows, identity } = await mergeFixture(test);
      const b = await pushed();
      const a =
        how === 'takes over' ? (await users.create(document(`00u${randomUUID()}`))).resource : await pushed();
      const { resource } = await groups.create({ displayName: `Crew ${randomUUID()}` }, [member(b.id)]);
      const { boxUserId } = (await identity(b.id)).boxAccount!;
      await test.database.pool.query(
        `UPDATE scim_group_member SET box_membership_id = '77', box_user_id = $2 WHERE group_id = $1`,
        [resource.id, boxUserId],
      );
      const before = await rows('SELECT generation FROM scim_group WHERE tenant_id = $1');
      await merge(a.id, b.id);
      const members = await rows(
        `SELECT value, identity_id, is_wanted, box_membership_id FROM scim_group_member WHERE tenant_id = $1 ORDER BY is_wanted`,
      );
      const own = { value: a.id, identity_id: a.id, is_wanted: true };
      expect(members).toEqual(
        how === 'takes over'
          ? [{ ...own, box_membership_id: '77' }]
          : [
              { value: b.id, identity_id: b.id, is_wanted: false, box_membership_id: '77' },
              { ...own, box_membership_id: null },
            ],
      );
      expect(await rows('SELECT generation FROM scim_group WHERE tenant_id = $1')).not.toEqual(before);
    },
  );

  it('become one membership when both are members', async () => {
    for (const takesOver of [false, true]) {
      const { pushed, users, document, groups, merge, rows } = await mergeFixture(test);
      const b = await pushed();
      const a = takesOver ? (await users.create(document(`00u${randomUUID()}`))).resource : await pushed();
      await groups.create({ displayName: `Crew ${randomUUID()}` }, [member(a.id), member(b.id)]);
      expect(await merge(a.id, b.id)).toMatchObject({ decision: { kind: 'merge' } });
      const wanted = 'SELECT value FROM scim_group_member WHERE tenant_id = $1 AND is_wanted';
      expect(await rows(wanted)).toEqual([{ value: a.id }]);
    }
  });

  it('take a member under the id of the other, or its externalId, as the one that stays', async () => {
    const { pushed, groups, merge, rows } = await mergeFixture(test);
    const [a, b] = [await pushed(), await pushed()];
    await merge(a.id, b.id);
    for (const value of [b.id, b.externalId])
      await groups.create({ displayName: `Crew ${randomUUID()}` }, [member(value)]);
    expect(await rows('SELECT value, identity_id FROM scim_group_member WHERE tenant_id = $1')).toEqual([
      { value: a.id, identity_id: a.id },
      { value: a.id, identity_id: a.id },
    ]);
  });
});
