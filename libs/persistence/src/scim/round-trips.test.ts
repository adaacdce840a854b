import { randomUUID } from 'node:crypto';
import type { CallIntent, RecordedChange } from '@foyer/provisioning';
import type { Document } from '@foyer/scim';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { whileWaiting } from '../requests/waiting.harness.ts';
import { namesOf } from '../database/statements.harness.ts';
import { ScimGroups } from './groups/groups.ts';
import type { ScimUser, Written } from './users/user.ts';
import { ScimUsers } from './users/users.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';

const intent: CallIntent = {
  ...{ direction: 'in', system: 'foyer', operation: 'scim_patch', method: 'PATCH', path: '/Users' },
  ...{ actor: 'okta', parameters: {} },
};

/** A call that counts how often it was recorded with its change. */
function aCall() {
  let records = 0;
  const call: RecordedChange = {
    intent: () => intent,
    outcome: () => ({ result: 'ok', status: 200, error: null, answer: null, durationMs: 1 }),
    committed: () => void records++,
  };
  return { call, records: () => records };
}

async function parts() {
  const tenantId = await test.tenant();
  const users = new ScimUsers(test.database, tenantId, 'https://example.okta.com');
  const groups = new ScimGroups(test.database, tenantId);
  const hire = async (more: Document = {}): Promise<ScimUser> => {
    const externalId = `00u${randomUUID()}`;
    const document = { schemas: [SCHEMA], userName: `${externalId}@example.com`, externalId, ...more };
    return (await users.create({ active: true, ...document })).resource;
  };
  const change = (id: string, to: Document, call?: RecordedChange) =>
    users.update(id, ({ document }) => ({ ...document, ...to }), call);
  const inStep = async ({ id }: ScimUser, boxUserId: string) => {
    await test.database.pool.query(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       SELECT id, tenant_id, $2, name, 'active', generation FROM identity WHERE id = $1`,
      [id, boxUserId],
    );
  };
  return { tenantId, users, groups, hire, change, inStep };
}

const names = (work: () => Promise<unknown>): Promise<string[]> => namesOf(test.database, work);

describe('the round trips of a SCIM User', () => {
  it('are one for a new person', async () => {
    const { hire } = await parts();
    expect(await names(() => hire())).toEqual(['insert-user']);
  });

  it('are one to read a person', async () => {
    const { users, hire } = await parts();
    const { id } = await hire();
    expect(await names(() => users.find(id))).toEqual(['scim-user']);
  });

  it.each<[string, Document]>([
    ['switched off', { active: false }],
    ['given another title', { title: 'Countess' }],
    ['given another name and e-mail', { displayName: 'Ada', emails: [{ value: 'ada@example.com' }] }],
  ])('are a read and a write, both prepared, for a person who is %s, with the record', async (_name, to) => {
    const { hire, change } = await parts();
    const { id } = await hire();
    const { call, records } = aCall();
    expect(await names(() => change(id, to, call))).toEqual(['scim-user', 'change-user']);
    expect(records()).toBe(1);
  });

  it('are a read when nothing is changed and Box is in step', async () => {
    const { hire, change, inStep } = await parts();
    const ada = await hire({ title: 'Countess' });
    await inStep(ada, '7001');
    const { call, records } = aCall();
    expect(await names(() => change(ada.id, { title: 'Countess' }, call))).toEqual(['scim-user']);
    expect(records()).toBe(0);
  });

  it.each([
    [
      'the request failed',
      `UPDATE provisioning_request SET status = 'failed', error_code = 'box_rejected', finished_at = clock_timestamp(), due_at = NULL`,
    ],
    ['its request is open', 'UPDATE provisioning_request SET priority = 1'],
  ])('are a read and a write when nothing is changed and Box is not in step: %s', async (_name, set) => {
    const { hire, change } = await parts();
    const { id } = await hire({ title: 'Countess' });
    await test.database.pool.query(`${set} WHERE identity_id = $1`, [id]);
    const { call, records } = aCall();
    const push = () => change(id, { title: 'Countess' }, call);
    expect(await names(push)).toEqual(['scim-user', 'remind-user']);
    expect(records()).toBe(1);
  });
});

describe('a change in one statement', () => {
  it('answers what is read afterwards', async () => {
    const { users, groups, hire, change } = await parts();
    const ada = await hire({ 'urn:example:extension': { costCenter: '7' } });
    await groups.create({ displayName: `Crew ${randomUUID()}` }, [
      { value: ada.id, display: null, type: null },
    ]);
    const written = await change(ada.id, { title: 'Countess', active: false, nickName: undefined });
    expect(written?.resource).toEqual(await users.find(ada.id));
    expect(written?.resource).toMatchObject({ generation: 2, groups: [{}], inStep: false });
    expect(written?.requests).toMatchObject([{ requestId: written?.resource.requestId, isNew: true }]);
  });

  it('is decided again when the person was changed since they were read: no change is lost', async () => {
    const { users, hire, change } = await parts();
    const { id } = await hire();
    await Promise.all(Array.from({ length: 12 }, (_, n) => change(id, { [`x${n}`]: n })));
    const ada = await users.find(id);
    for (let n = 0; n < 12; n++) expect(ada?.document).toMatchObject({ [`x${n}`]: n });
    expect(ada?.generation).toBe(13);
  });

  const update = (set: string, id: string) => (client: pg.PoolClient) =>
    client.query(`UPDATE identity SET ${set}, generation = generation + 1 WHERE id = $1`, [id]);

  it('is checked again when the person was changed between read and write, and then refused', async () => {
    const { users, hire } = await parts();
    const { id } = await hire();
    const seen: number[] = [];
    const check = ({ generation }: ScimUser) => {
      seen.push(generation);
      if (generation !== 1) throw new Error('It is another version.');
    };
    const raced = whileWaiting(test.database, update("name = 'Other'", id), () =>
      users.update(id, (user) => {
        check(user);
        return { ...user.document, nickName: 'Ada' };
      }),
    );
    await expect(raced).rejects.toThrow('It is another version.');
    expect(seen).toEqual([1, 2]);
    expect((await users.find(id))?.document).not.toHaveProperty('nickName');
  });

  it('writes nothing for a person who was deleted between read and write', async () => {
    const { users, hire, change } = await parts();
    const { id } = await hire();
    const remove = update('active = false, scim_deleted_at = clock_timestamp()', id);
    const { call, records } = aCall();
    const raced = whileWaiting(test.database, remove, () => change(id, { active: true }, call));
    expect(await raced).toBeNull();
    expect(records()).toBe(0);
    expect(await users.find(id)).toBeNull();
  });

  it.each<[string, Document, readonly string[]]>([
    ['a change', { title: 'Countess' }, ['scim-user', 'change-user']],
    ['a push that changes nothing', {}, ['scim-user', 'remind-user']],
  ])('joins the groups that wait for the person: %s', async (_name, to, statements) => {
    const { tenantId, groups, hire, change, users } = await parts();
    const ada = await hire();
    const { resource } = await groups.create({ displayName: `Crew ${randomUUID()}` }, []);
    await test.database.pool.query(
      `INSERT INTO scim_group_member (group_id, tenant_id, value, type) VALUES ($1, $2, $3, 'User')`,
      [resource.id, tenantId, ada.document['externalId']],
    );
    let written: Written<ScimUser> | null = null;
    expect(await names(async () => (written = await change(ada.id, to)))).toEqual(statements);
    expect(written).toMatchObject({ requests: [{ job: 'converge' }, { job: 'converge-group' }] });
    expect(written).toMatchObject({ resource: { groups: [{ value: resource.id }] } });
    expect(written).toMatchObject({ resource: await users.find(ada.id) });
  });
});
