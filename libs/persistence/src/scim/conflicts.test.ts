import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { whileWaiting } from '../requests/waiting.harness.ts';
import { ScimGroups } from './groups/groups.ts';
import { ScimUsers } from './users/users.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function parts() {
  const tenantId = await test.tenant();
  const users = new ScimUsers(test.database, tenantId, 'https://example.okta.com');
  const groups = new ScimGroups(test.database, tenantId);
  const person = (name: string) => ({
    ...{ userName: `${name}@example.com`, externalId: `00u${name}${randomUUID()}`, active: true },
  });
  const rows = async () =>
    (
      await test.database.pool.query<object>('SELECT * FROM identity WHERE tenant_id = $1 ORDER BY id', [
        tenantId,
      ])
    ).rows;
  return { users, groups, person, rows };
}

describe('a conflict', () => {
  it('names both people when one gets the user name of the other, and changes nothing', async () => {
    const { users, person, rows } = await parts();
    const ada = (await users.create(person('ada'))).resource;
    const ben = (await users.create(person('ben'))).resource;
    const before = await rows();
    const { userName } = person('ada');
    await expect(users.update(ben.id, ({ document }) => ({ ...document, userName }))).rejects.toMatchObject({
      ...{ name: 'KeyConflict', of: 'user', keys: ['userName'], self: ben.id, holder: ada.id },
    });
    expect(await rows()).toEqual(before);
  });

  it('names the holder of the keys of a new person', async () => {
    const { users, person } = await parts();
    const ada = (await users.create(person('ada'))).resource;
    const { externalId, userName } = ada.document;
    for (const [more, keys] of [
      [{ externalId }, ['externalId']],
      [{ userName }, ['userName']],
      [{ externalId, userName }, ['userName', 'externalId']],
    ] as const)
      await expect(users.create({ ...person('ben'), ...more })).rejects.toMatchObject({
        ...{ name: 'KeyConflict', keys, self: null, holder: ada.id },
      });
  });

  it('names who got the user name while the other call waited', async () => {
    const { users, person } = await parts();
    const [ada, ben] = [
      (await users.create(person('ada'))).resource,
      (await users.create(person('ben'))).resource,
    ];
    const userName = 'countess@example.com';
    const raced = whileWaiting(
      test.database,
      (client) =>
        client.query(
          `UPDATE identity SET username = $2::text, scim = jsonb_set(scim, '{userName}', to_jsonb($2::text)) WHERE id = $1`,
          [ada.id, userName],
        ),
      () => users.update(ben.id, ({ document }) => ({ ...document, userName })),
    );
    await expect(raced).rejects.toMatchObject({ keys: ['userName'], self: ben.id, holder: ada.id });
    expect((await users.find(ben.id))?.document).toMatchObject({ userName: 'ben@example.com' });
  });

  it('names both groups when one gets the name of the other, or a new one does', async () => {
    const { groups } = await parts();
    const crew = (await groups.create({ displayName: 'Crew' }, [])).resource;
    const staff = (await groups.create({ displayName: 'Staff' }, [])).resource;
    const conflict = { name: 'KeyConflict', of: 'group', keys: ['displayName'], holder: crew.id };
    await expect(groups.create({ displayName: 'crew' }, [])).rejects.toMatchObject({
      ...conflict,
      self: null,
    });
    const rename = groups.edit(staff.id, null, [{ kind: 'attributes', operations: [] }], (document) => ({
      ...document,
      displayName: 'CREW',
    }));
    await expect(rename).rejects.toMatchObject({ ...conflict, self: staff.id });
  });
});

describe('a change of a group', () => {
  it('is decided again when the group was changed between read and write: no change is lost', async () => {
    const { groups } = await parts();
    const { id } = (await groups.create({ displayName: 'Crew' }, [])).resource;
    const names = Array.from({ length: 8 }, (_, n) => `Crew ${n}`);
    const seen: string[] = [];
    await Promise.all(
      names.map((displayName) =>
        groups.edit(id, null, [{ kind: 'attributes', operations: [] }], (document) => {
          seen.push(String(document['displayName']));
          return { ...document, displayName };
        }),
      ),
    );
    const group = await groups.find(id, false);
    expect(group?.version).toBe(9);
    // Each of the eight was decided from the name that another one had written, or from the first.
    expect(new Set(seen).size).toBe(8);
    expect(names).toContain(group?.displayName);
  });

  it('with a condition is refused when the group was changed between read and write', async () => {
    const { groups } = await parts();
    const { id, version } = (await groups.create({ displayName: 'Crew' }, [])).resource;
    const check = (group: { readonly version: number }) => {
      if (group.version !== version) throw new Error('It is another version.');
    };
    const raced = whileWaiting(
      test.database,
      (client) => client.query('UPDATE scim_group SET version = version + 1 WHERE id = $1', [id]),
      () => groups.edit(id, check, [{ kind: 'remove-members', values: ['x'] }], (document) => document),
    );
    await expect(raced).rejects.toThrow('It is another version.');
  });
});
