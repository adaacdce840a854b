import { randomUUID } from 'node:crypto';
import type { CallIntent, RecordedChange } from '@foyer/provisioning';
import type { Document } from '@foyer/scim';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../database/database.harness.ts';
import { statementsOf } from '../database/statements.harness.ts';
import { whileWaiting } from '../requests/waiting.harness.ts';
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
  return { users, sql, person };
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
const off = `UPDATE identity SET active = false, scim = jsonb_set(scim, '{active}', 'false') WHERE id = $1`;

const states: readonly [string, readonly string[]][] = [
  ['its request is queued', []],
  ['its request waits in the background lane', [one('priority = 20')]],
  [
    'its request waits in the background lane, and was started',
    [one(`priority = 20, started_at = clock_timestamp()`)],
  ],
  ['its request is running', [one(`status = 'running', started_at = clock_timestamp()`)]],
  ['its request will be repeated', [one(`status = 'retrying', priority = 10`)]],
  ['its request failed', [failed]],
  ['only the request of an earlier generation is open', [newer]],
  ['Box has an earlier generation', [succeeded, account('generation'), newer]],
  ['Box is in step', [succeeded, account('generation')]],
  ['the person is inactive, and Box never had them', [failed, off]],
  ['the person is inactive, and Box is not in step', [failed, account('0'), off]],
];

/** A group of the client, and another one that was deleted, wait for the person under the id in the directory. */
const awaited = `WITH made AS (
    INSERT INTO scim_group (tenant_id, display_name, deleted_at)
    SELECT tenant_id, 'Crew ' || n || ' of ' || id, CASE n WHEN 2 THEN clock_timestamp() END
    FROM identity, generate_series(1, 2) n WHERE id = $1 RETURNING id
  ) INSERT INTO scim_group_member (group_id, tenant_id, value, type)
  SELECT made.id, i.tenant_id, i.subject, 'User' FROM made, identity i WHERE i.id = $1`;
const awaitedStates = states.map(
  ([name, sets]) => [`${name}, and groups wait`, [...sets, awaited]] as [string, readonly string[]],
);

describe.each<[string, Document]>([
  ['a push that changes nothing', {}],
  ['a change', { title: 'Countess', active: false }],
])('%s', (_push, to) => {
  it.each([...states, ...awaitedStates])(
    'gives what it gave under the row lock, if %s',
    async (_name, sets) => {
      const { users, sql, person } = await parts();
      /** What is stored and answered, with the ids and times of this person replaced. */
      const outcome = async (push: (id: string) => Promise<Written<ScimUser> | null>) => {
        const id = await person(sets);
        const [first] = await sql('SELECT id FROM provisioning_request WHERE identity_id = $1', id);
        const written = await push(id);
        expect(written?.resource).toEqual(await users.find(id));
        const [identity] = await sql('SELECT to_jsonb(i) AS row FROM identity i WHERE id = $1', id);
        const requests = await sql(
          `SELECT r.id, generation, cause, priority, status, due_at IS NOT NULL AS due, retry_of, e.events
         FROM provisioning_request r, LATERAL (
           SELECT array_agg(event ORDER BY e.id) AS events FROM request_event e WHERE e.request_id = r.id) e
         WHERE identity_id = $1 ORDER BY created_at`,
          id,
        );
        const calls = await sql(
          `SELECT c.request_id, c.operation, c.actor, o.result, o.status
         FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id WHERE c.identity_id = $1`,
          id,
        );
        const groups = await sql(
          `SELECT to_jsonb(g) AS row, to_jsonb(m) AS member, (
           SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('events', (
             SELECT array_agg(e.event ORDER BY e.id) FROM request_event e WHERE e.request_id = r.id)))
           FROM provisioning_request r WHERE r.group_id = g.id) AS requests
         FROM scim_group g JOIN scim_group_member m ON m.group_id = g.id
         WHERE g.tenant_id = (SELECT tenant_id FROM identity WHERE id = $1)
           AND g.display_name LIKE '%' || $1::uuid ORDER BY g.display_name`,
          id,
        );
        const text = JSON.stringify({ written, identity, requests, calls, groups });
        const names = new Map([
          [id, 'person'],
          [String(first?.['id']), 'first'],
        ]);
        return JSON.parse(
          text
            .replaceAll(/\d{4}-\d\d-\d\dT[^"]*/g, 'time')
            .replaceAll(/"7\d+"/g, '"box"')
            .replaceAll(/00u[-0-9a-f]{36}/g, 'subject')
            .replaceAll(/[0-9a-f]{8}-[-0-9a-f]{27}/g, (uuid) => names.get(uuid) ?? 'other'),
        ) as unknown;
      };
      const change = (document: Document) => ({ ...document, ...to });
      const locked = await outcome((id) => users['updateLocked'](id, anything, change, call));
      const seen = await statementsOf(test.database, async () => {
        expect(await outcome((id) => users.update(id, anything, change, call))).toEqual(locked);
      });
      expect(seen.some(({ text }) => text.startsWith('BEGIN'))).toBe(false);
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
  ])('is decided again if the open request has %s meanwhile', async (_name, sets, expected) => {
    const { users, person } = await parts();
    const id = await person([]);
    const written = await whileWaiting(
      test.database,
      (client) => ended(client, id, sets)(),
      () => users.update(id, anything, (document) => ({ ...document }), call),
    );
    expect(written?.requests).toMatchObject(expected);
    expect(written?.requests).toHaveLength(expected.length);
  });

  it('opens one request, however many pushes arrive at once', async () => {
    const { users, sql, person } = await parts();
    const id = await person([failed]);
    const pushes = Array.from({ length: 8 }, () =>
      users.update(id, anything, (document) => ({ ...document }), call),
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
      users.update(id, anything, (document) =>
        n % 2 === 0 ? { ...document } : { ...document, [`x${n}`]: n },
      ),
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
