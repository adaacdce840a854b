import { KeyConflict } from '@foyer/directory';
import { ScimGroups } from '../scim/groups/groups.ts';
import { ScimUsers } from '../scim/users/users.ts';
import { findTenant, openDatabase } from '../database/database.ts';
import { buildEarlier, history } from './history.harness.ts';
import { newDatabase } from './migrate.harness.ts';
import { migrate } from './migrate.ts';

const ISSUER = 'https://example.okta.com';
const [composed, decomposed] = ['zo\u00eb@example.com', 'zoe\u0308@example.com'];

it('two names that are equal after an upgrade: the oldest person has the name, the other keeps theirs until it changes', async () => {
  const { databaseUrl, client } = await newDatabase();
  await buildEarlier(databaseUrl, history.at(-1)!);
  const { rows: people } = await client.query<{ id: string }>(
    `INSERT INTO identity (tenant_id, issuer, subject, username, name, scim, created_at)
     SELECT id, $1, 'sub' || n, name, 'Zoe', '{}', now() + n * interval '1 second' FROM tenant, unnest($2::text[]) WITH ORDINALITY AS x (name, n)
     RETURNING id`,
    [ISSUER, [composed, decomposed]],
  );
  const { rows: groups } = await client.query<{ id: string }>(
    `INSERT INTO scim_group (tenant_id, display_name, external_id, created_at)
     SELECT id, name, given, now() + n * interval '1 second'
       FROM tenant, unnest($1::text[], $2::text[]) WITH ORDINALITY AS x (name, given, n)
     RETURNING id`,
    [
      ['Sales', 'Sales\u00a0', 'a  b', 'A\tb', ' '],
      ['', ' x ', null, null, null],
    ],
  );
  await migrate({ databaseUrl });

  const database = openDatabase({ url: databaseUrl, poolSize: 2 });
  try {
    const tenantId = (await findTenant(database, 'acme')) ?? '';
    const { rows } = await client.query<Record<string, unknown>>(
      `SELECT display_name, external_id, shares_name FROM scim_group WHERE id = ANY ($1) ORDER BY array_position($1, id)`,
      [groups.map(({ id }) => id)],
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['Sales', null, false],
      ['Sales', 'x', true],
      ['a  b', null, false],
      ['A\tb', null, true],
      [' ', null, false],
    ]);

    const users = new ScimUsers(database, tenantId, ISSUER);
    const rename = (at: number, userName: string) =>
      users.update(
        people[at]!.id,

        ({ document }) => ({ ...document, userName }),
      );
    await expect(users.create({ userName: composed.toUpperCase() })).rejects.toThrow(KeyConflict);
    // A person who shares a name can be changed, and keeps it.
    await users.update(
      people[1]!.id,

      ({ document }) => ({ ...document, title: 'Keeper' }),
    );
    await rename(1, decomposed.toUpperCase());
    await rename(1, 'other@example.com');
    await expect(rename(1, decomposed)).rejects.toThrow(KeyConflict);

    const all = new ScimGroups(database, tenantId);
    const edit = (at: number, displayName: string) =>
      all.edit(
        groups[at]!.id,
        () => undefined,
        [{ kind: 'attributes', operations: [] }],
        (document) => ({ ...document, displayName }),
      );
    await edit(1, 'SALES');
    await edit(1, 'Marketing');
    await expect(edit(1, 'sales')).rejects.toThrow(KeyConflict);
  } finally {
    await database.close();
  }
});
