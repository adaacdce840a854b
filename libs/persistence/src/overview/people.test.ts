import { randomUUID } from 'node:crypto';
import { openTenant } from '../database/database.ts';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { PEOPLE_SHOWN, PeopleOverview } from './people.ts';

let db: TestDatabase;
let tenantId: string;
let people: PeopleOverview;
beforeAll(async () => {
  db = await createTestDatabase();
});
beforeEach(async () => {
  tenantId = await openTenant(db.database, `t-${randomUUID()}`);
  people = new PeopleOverview(db.database, tenantId);
});
afterAll(() => db.drop());

interface Given {
  readonly subject: string;
  readonly username?: string;
  readonly email?: string;
  readonly name?: string;
  readonly tenant?: string;
}

async function person({
  subject,
  username = `${subject}@example.com`,
  email,
  name = subject,
  tenant,
}: Given) {
  const { rows } = await db.database.pool.query<{ id: string }>(
    `INSERT INTO identity (tenant_id, issuer, subject, username, email, name)
     VALUES ($1, 'https://example.okta.com', $2, $3, $4, $5) RETURNING id`,
    [tenant ?? tenantId, subject, username, email ?? null, name],
  );
  return rows[0]!.id;
}

const account = (identityId: string, boxUserId: string) =>
  db.database.pool.query(
    `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
     VALUES ($1, $2, $3, 'Ada', 'active', 1)`,
    [identityId, tenantId, boxUserId],
  );

describe('finding a person', () => {
  it.each([
    ['identity id', (id: string) => id],
    ['identity id', (id: string) => id.toUpperCase()],
    ['subject', () => '00uAda'],
    ['Box user id', () => '1795253999732'],
    ['user name', () => 'ADA@Example.COM'],
    ['e-mail', () => 'Ada.Mail@example.com'],
    ['name', () => 'da exa'],
  ])('works by %s', async (by, query) => {
    const id = await person({
      subject: '00uAda',
      username: 'ada@example.com',
      email: 'ada.mail@example.com',
      name: 'Ada Example',
    });
    await person({ subject: '00uGrace' });
    await account(id, '1795253999732');
    expect(await people.find(query(id))).toEqual([{ identityId: id, by }]);
  });

  it('works by a Box user that they had before', async () => {
    const id = await person({ subject: '00uAda' });
    await db.database.pool.query(
      `INSERT INTO former_box_account (tenant_id, identity_id, box_user_id, name, status, reason, mapped_at)
       VALUES ($1, $2, '42', 'Ada', 'active', 'deleted', now())`,
      [tenantId, id],
    );
    expect(await people.find('42')).toEqual([{ identityId: id, by: 'Box user id' }]);
    expect((await people.surroundings(id))?.formerBoxUsers).toMatchObject([
      { boxUserId: '42', reason: 'deleted' },
    ]);
  });

  it('treats the wildcards of LIKE as ordinary characters', async () => {
    await person({ subject: '00uAda', name: 'Ada' });
    const odd = await person({ subject: '00uOdd', name: '100%_\\ sure' });
    expect(await people.find('%')).toEqual([{ identityId: odd, by: 'name' }]);
    expect(await people.find('_\\')).toEqual([{ identityId: odd, by: 'name' }]);
  });

  it('returns one person more than are shown, and no more, for a name that many share', async () => {
    for (let at = 0; at < PEOPLE_SHOWN + 5; at += 1) await person({ subject: `00u${at}`, name: 'Twin' });
    expect(await people.find('twin')).toHaveLength(PEOPLE_SHOWN + 1);
  });

  it('finds no person of another tenant by any key', async () => {
    const other = await openTenant(db.database, `t-${randomUUID()}`);
    const id = await person({
      subject: '00uOther',
      username: 'other@example.com',
      name: 'Other',
      tenant: other,
    });
    for (const query of [id, '00uOther', 'other@example.com', 'Other'])
      expect(await people.find(query)).toEqual([]);
    expect(await people.surroundings(id)).toBeNull();
  });
});
