import { randomUUID } from 'node:crypto';
import type { Document, Member } from '@foyer/scim';
import { createTestDatabase, type TestDatabase } from '../../database/database.harness.ts';
import { whileWaiting } from '../../requests/waiting.harness.ts';
import { PrismaGroupStore } from '../../groups/group-store.ts';
import { ScimGroups } from '../groups/groups.ts';
import type { ScimUser } from './user.ts';
import { ScimUsers } from './users.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const anything = (): void => undefined;
let lastBoxUser = 8000;

async function parts() {
  const { database } = test;
  const tenantId = await test.tenant();
  const users = new ScimUsers(database, tenantId, 'https://example.okta.com');
  const groups = new ScimGroups(database, tenantId);
  const hire = async (): Promise<ScimUser> => {
    const externalId = `00u${randomUUID()}`;
    const document = { schemas: [SCHEMA], userName: `${externalId}@example.com`, externalId };
    return (await users.create(document)).resource;
  };
  const change = ({ id }: ScimUser, more: Document) =>
    users.update(id, ({ document }) => ({ ...document, ...more }));
  const signIn = async (identityId: string | null): Promise<string> => {
    const sid = randomUUID();
    await database.pool.query(
      `INSERT INTO session (sid, sess, expire) VALUES ($1, $2, clock_timestamp() + interval '1 h')`,
      [sid, { identityId, cookie: {} }],
    );
    return sid;
  };
  const sessionsOf = async (...sids: string[]): Promise<string[]> => {
    const { rows } = await database.pool.query<{ sid: string }>(
      'SELECT sid FROM session WHERE sid = ANY($1)',
      [sids],
    );
    return rows.map(({ sid }) => sid);
  };
  return { tenantId, users, groups, hire, change, signIn, sessionsOf };
}

describe('the sessions of a leaver', () => {
  it('are deleted as soon as the person is deactivated, and no other person is signed out', async () => {
    const { hire, change, signIn, sessionsOf } = await parts();
    const [ada, ben] = [await hire(), await hire()];
    const gone = [await signIn(ada.id), await signIn(ada.id)];
    const left = [await signIn(ben.id), await signIn(null)];
    await change(ada, { title: 'Keeper' });
    expect(await sessionsOf(...gone)).toHaveLength(2);
    await change(ada, { active: false });
    expect(await sessionsOf(...gone, ...left)).toEqual(expect.arrayContaining(left));
    expect(await sessionsOf(...gone)).toEqual([]);
  });

  it('are deleted when the person is deleted, too', async () => {
    const { users, hire, signIn, sessionsOf } = await parts();
    const ada = await hire();
    const sid = await signIn(ada.id);
    await users.remove(ada.id, 'deactivate', anything);
    expect(await sessionsOf(sid)).toEqual([]);
  });
});

describe('the memberships of a deleted person', () => {
  /** A person in a group. `begun`: an add was sent to Box, and its result is unknown. */
  async function inGroup({ begun }: { readonly begun: boolean }) {
    const { database } = test;
    const { tenantId, users, groups, hire } = await parts();
    const ada = await hire();
    await database.pool.query(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       VALUES ($1, $2, $3, 'Ada', 'active', 1)`,
      [ada.id, tenantId, String(++lastBoxUser)],
    );
    const member: Member = { value: ada.id, display: null, type: null };
    const { resource, requests } = await groups.create({ displayName: `Crew ${randomUUID()}` }, [member]);
    const store = new PrismaGroupStore(database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
    const result = await store.take(requests[0]!.requestId);
    if (result.kind !== 'taken') throw new Error(result.kind);
    const { lease } = result.taken;
    if (begun) await store.memberTasks(lease, null, 10);
    await users.remove(ada.id, 'deactivate', anything);
    const { rows } = await database.pool.query<{ is_wanted: boolean; is_unsettled: boolean }>(
      'SELECT is_wanted, is_unsettled FROM scim_group_member WHERE group_id = $1',
      [resource.id],
    );
    return { rows, tasks: () => store.memberTasks(lease, null, 10), boxUserId: String(lastBoxUser), ada };
  }

  it('are kept until they are read from Box, if it is unknown whether Box has them', async () => {
    const { rows, tasks, boxUserId, ada } = await inGroup({ begun: true });
    expect(rows).toEqual([{ is_wanted: false, is_unsettled: true }]);
    const whose = { value: ada.id, identityId: ada.id, boxUserId };
    const task = { kind: 'remove', ...whose, answer: null, membershipId: null };
    expect(await tasks()).toEqual([task]);
  });

  it('are deleted when no call to Box was ever sent for them', async () => {
    expect((await inGroup({ begun: false })).rows).toEqual([]);
  });
});

describe('two concurrent changes of one person', () => {
  it('are both kept: the second is applied to the result of the first', async () => {
    const { users, hire, change } = await parts();
    const ada = await hire();
    await whileWaiting(
      test.database,
      (client) => client.query('SELECT FROM identity WHERE id = $1 FOR NO KEY UPDATE', [ada.id]),
      () => Promise.all([change(ada, { title: 'Keeper' }), change(ada, { nickName: 'Countess' })]),
      2,
    );
    const { document, generation } = (await users.find(ada.id))!;
    expect(document).toMatchObject({ title: 'Keeper', nickName: 'Countess' });
    expect(generation).toBe(3);
  });

  it('are applied one after the other when one of them deactivates the person', async () => {
    const { users, hire, change } = await parts();
    const ada = await hire();
    await whileWaiting(
      test.database,
      (client) => client.query('SELECT FROM identity WHERE id = $1 FOR NO KEY UPDATE', [ada.id]),
      () => Promise.all([change(ada, { active: false }), change(ada, { title: 'Keeper' })]),
      2,
    );
    expect((await users.find(ada.id))!.document).toMatchObject({ active: false, title: 'Keeper' });
  });
});
