import { randomUUID } from 'node:crypto';
import type { CallIntent, RecordedChange } from '@foyer/provisioning';
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

describe('a push that changes nothing', () => {
  it.each(states)('gives what it gave under the row lock, if %s', async (_name, sets) => {
    const { users, sql, person } = await parts();
    /** What is stored, with the ids of this person replaced. */
    const outcome = async (push: (id: string) => Promise<Written<ScimUser> | null>) => {
      const id = await person(sets);
      const [first] = await sql('SELECT id FROM provisioning_request WHERE identity_id = $1', id);
      const written = await push(id);
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
      const read = await users.find(id);
      const text = JSON.stringify({
        written,
        identity,
        requests,
        calls,
        isAsRead: JSON.stringify(read) === JSON.stringify(written?.resource),
      });
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
    const same = (document: object) => ({ ...document });
    const locked = await outcome((id) => users['updateLocked'](id, anything, same, call));
    const seen = await statementsOf(test.database, async () => {
      expect(await outcome((id) => users.update(id, anything, same, call))).toEqual(locked);
    });
    expect(seen.some(({ text }) => text.startsWith('BEGIN'))).toBe(false);
    expect(locked).toMatchObject({ isAsRead: true });
  });

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
});
