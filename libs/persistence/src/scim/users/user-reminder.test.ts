import { randomUUID } from 'node:crypto';
import type { CallIntent, RecordedChange } from '@foyer/provisioning';
import type { Document } from '@foyer/scim';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../database/database.harness.ts';
import { beforeStatement, statementsOf } from '../../database/statements.harness.ts';
import { whileWaiting } from '../../requests/waiting.harness.ts';
import type { ScimUser, Written } from './user.ts';
import { ScimUsers } from './users.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const anything = (): void => undefined;
const intent: CallIntent = {
  ...{ direction: 'in', system: 'foyer', operation: 'scim_patch', method: 'PATCH', path: '/Users' },
  ...{ actor: 'okta', parameters: {} },
};
const call: RecordedChange = {
  intent: () => intent,
  outcome: () => ({ result: 'ok', status: 200, error: null, answer: null, durationMs: 1 }),
  committed: anything,
};

async function parts() {
  const tenantId = await test.tenant();
  const users = new ScimUsers(test.database, tenantId, 'https://example.okta.com');
  const sql = async (text: string, id: string) =>
    (await test.database.pool.query<Record<string, unknown>>(text, [id])).rows;
  /** A person with one request, in the state that `sets` make. */
  const person = async (sets: readonly string[]): Promise<string> => {
    const externalId = `00u${randomUUID()}`;
    const { resource } = await users.create({
      userName: `${externalId}@example.com`,
      externalId,
      active: true,
    });
    for (const set of sets) await sql(set, resource.id);
    return resource.id;
  };
  return { users, sql, person, tenantId };
}

const one = (set: string) => `UPDATE provisioning_request SET ${set} WHERE identity_id = $1`;
const failed = one(
  `status = 'failed', error_code = 'box_rejected', due_at = NULL, finished_at = clock_timestamp()`,
);
const succeeded = one(
  `status = 'succeeded', outcome = 'created', due_at = NULL, finished_at = clock_timestamp()`,
);
const account = (generation: string) =>
  `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
   SELECT id, tenant_id, '7' || abs(hashtext(id::text)), name, 'active', ${generation} FROM identity WHERE id = $1`;
const newer = 'UPDATE identity SET generation = 2 WHERE id = $1';
const missing = 'UPDATE box_account SET missing_since = clock_timestamp() WHERE identity_id = $1';
const off = `UPDATE identity SET active = false, scim = jsonb_set(scim, '{active}', 'false') WHERE id = $1`;

type Follows = 'new' | 'joined' | 'promoted' | 'none';
/** What a push that changes nothing does about the request, by the state of the person. */
const states: readonly [string, readonly string[], Follows][] = [
  ['its request is queued', [], 'joined'],
  ['its request waits in the background lane', [one('priority = 20')], 'promoted'],
  [
    'its request waits in the background lane, and was started',
    [one(`priority = 20, started_at = clock_timestamp()`)],
    'joined',
  ],
  ['its request is running', [one(`status = 'running', started_at = clock_timestamp()`)], 'joined'],
  [
    'its request will be repeated',
    [one(`status = 'retrying', priority = 10, started_at = clock_timestamp()`)],
    'joined',
  ],
  ['its request failed', [failed], 'new'],
  ['only the request of an earlier generation is open', [newer], 'new'],
  ['Box has an earlier generation', [succeeded, account('generation'), newer], 'new'],
  ['Box is in step', [succeeded, account('generation')], 'none'],
  ['Box has it all, and the user is missing', [succeeded, account('generation'), missing], 'new'],
  ['the person is inactive, and Box never had them', [failed, off], 'none'],
  ['the person is inactive, and Box is not in step', [failed, account('0'), off], 'new'],
];

/** A group of the client, and another one that was deleted, wait for the person under the id in the directory. */
const awaited = `WITH made AS (
    INSERT INTO scim_group (tenant_id, display_name, deleted_at)
    SELECT tenant_id, 'Crew ' || n || ' of ' || id, CASE n WHEN 2 THEN clock_timestamp() END
    FROM identity, generate_series(1, 2) n WHERE id = $1 RETURNING id
  ) INSERT INTO scim_group_member (group_id, tenant_id, value, type)
  SELECT made.id, i.tenant_id, i.subject, 'User' FROM made, identity i WHERE i.id = $1`;
const expected: Readonly<Record<Follows, readonly object[]>> = {
  new: [{ job: 'converge', isNew: true, wasPromoted: false }],
  joined: [{ job: 'converge', isNew: false, wasPromoted: false }],
  promoted: [{ job: 'converge', isNew: false, wasPromoted: true }],
  none: [],
};
const group = { job: 'converge-group', isNew: true, wasPromoted: false };

describe.each<[string, Document]>([
  ['a push that changes nothing', {}],
  ['a change', { title: 'Countess', active: false }],
])('%s', (_push, to) => {
  const isChange = Object.keys(to).length > 0;

  it.each(states)('is one statement with its request and its record, if %s', async (_name, sets, follows) => {
    const { users, sql, person } = await parts();
    const id = await person(sets);
    const { generation } = (await users.find(id))!;
    let written: Written<ScimUser> | null = null;
    const seen = await statementsOf(test.database, async () => {
      written = await users.update(id, ({ document }) => ({ ...document, ...to }), call);
    });
    expect(seen.some(({ text }) => text.startsWith('BEGIN'))).toBe(false);
    expect(written).toMatchObject({ requests: expected[isChange ? 'new' : follows] });
    expect(written).toMatchObject({ resource: (await users.find(id))! });
    const records = await sql('SELECT request_id FROM api_call WHERE identity_id = $1', id);
    expect(records).toEqual(written!.requests.map(({ requestId }) => ({ request_id: requestId })));
    expect(written!.resource.generation).toBe(generation + (isChange ? 1 : 0));
  });

  it.each(states.filter(([, , follows]) => isChange || follows !== 'none'))(
    'lets the person join the groups that wait, if %s',
    async (_name, sets, follows) => {
      const { users, person } = await parts();
      const id = await person([...sets, awaited]);
      const written = await users.update(id, ({ document }) => ({ ...document, ...to }), call);
      expect(written?.requests).toMatchObject([...expected[isChange ? 'new' : follows], group, group]);
      expect(written?.resource).toEqual(await users.find(id));
    },
  );
});

describe('a push that changes nothing while Box is not in step', () => {
  const ended = (client: pg.PoolClient, id: string, sets: readonly string[]) => async () => {
    await client.query('SELECT FROM identity WHERE id = $1 FOR NO KEY UPDATE', [id]);
    for (const set of sets) await client.query(set, [id]);
  };

  it.each<[string, readonly string[], readonly object[]]>([
    ['failed', [failed], [{ isNew: true }]],
    ['succeeded', [succeeded, account('generation')], []],
  ])('is decided again if the open request has %s meanwhile', async (_name, sets, requests) => {
    const { users, person } = await parts();
    const id = await person([]);
    const written = await whileWaiting(
      test.database,
      (client) => ended(client, id, sets)(),
      () => users.update(id, ({ document }) => ({ ...document }), call),
    );
    expect(written?.requests).toMatchObject(requests);
    expect(written?.requests).toHaveLength(requests.length);
  });

  it('opens no request if Box is in step when it is written', async () => {
    const { users, sql, person, tenantId } = await parts();
    const id = await person([]);
    const raced = beforeStatement(test.database, 'remind-user', async () => {
      for (const set of [succeeded, account('generation')]) await sql(set, id);
    });
    const again = new ScimUsers(raced, tenantId, 'https://example.okta.com');
    const written = await again.update(id, ({ document }) => ({ ...document }), call);
    expect(written).toMatchObject({ resource: { inStep: true }, requests: [] });
    expect(await users.find(id)).toEqual(written?.resource);
    expect(await sql('SELECT FROM provisioning_request WHERE identity_id = $1', id)).toHaveLength(1);
  });

  it('opens one request, however many pushes arrive at once', async () => {
    const { users, sql, person } = await parts();
    const id = await person([failed]);
    const pushes = Array.from({ length: 8 }, () =>
      users.update(id, ({ document }) => ({ ...document }), call),
    );
    const written = await Promise.all(pushes);
    expect(written.flatMap((each) => each?.requests ?? []).filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(await sql(`SELECT FROM provisioning_request WHERE identity_id = $1`, id)).toHaveLength(2);
    expect(await sql(`SELECT FROM api_call WHERE identity_id = $1`, id)).toHaveLength(8);
  });

  it('lets the person join a waiting group once, however many pushes arrive at once', async () => {
    const { users, sql, person } = await parts();
    const id = await person([awaited]);
    const pushes = Array.from({ length: 8 }, (_, n) =>
      users.update(id, ({ document }) => (n % 2 === 0 ? { ...document } : { ...document, [`x${n}`]: n })),
    );
    const written = await Promise.all(pushes);
    const jobs = written
      .flatMap((each) => each?.requests ?? [])
      .filter(({ job }) => job === 'converge-group');
    const crews = await sql(`SELECT generation FROM scim_group WHERE display_name LIKE '%' || $1::uuid`, id);
    expect(crews).toEqual([{ generation: 2 }, { generation: 2 }]);
    expect(jobs).toHaveLength(2);
    expect(await sql('SELECT generation FROM identity WHERE id = $1', id)).toEqual([{ generation: 5 }]);
  });
});
