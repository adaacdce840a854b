import { randomUUID } from 'node:crypto';
import { GROUP, ScimTestClient, USER, type ScimReply } from '../scim/scim.harness.ts';
import type { Credentials } from './api.harness.ts';

let scim: ScimTestClient;
let writer: Credentials;
beforeAll(async () => {
  scim = await ScimTestClient.start();
  writer = await scim.house.api.machine('foyer.write');
});
afterAll(() => scim.stop());

const unique = () => randomUUID().slice(0, 8);
const sql = (text: string, values: unknown[] = []) => scim.house.api.sql(text, values);
const post = (path: string, body: unknown) => scim.house.api.call('POST', path, { as: writer, body });

/** Acts like a full log, or a gateway that dies between a change and its record: no incoming call can be recorded. */
async function withoutRecords<T>(work: () => Promise<T>): Promise<T> {
  await sql(`CREATE FUNCTION refuse_record() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$`);
  await sql(`CREATE TRIGGER refused BEFORE INSERT ON api_call FOR EACH ROW WHEN (NEW.direction = 'in')
    EXECUTE FUNCTION refuse_record()`);
  try {
    return await work();
  } finally {
    await sql('DROP TRIGGER refused ON api_call');
    await sql('DROP FUNCTION refuse_record');
  }
}

/** All desired state of the tenant. */
async function state(): Promise<string> {
  const tables = [
    ...['identity', 'scim_group', 'scim_group_member', 'provisioning_request', 'request_event'],
    ...['provisioning_batch', 'provisioning_batch_line', 'idempotency_key', 'session'],
  ];
  const rows = await Promise.all(
    tables.map((table) => sql(`SELECT to_jsonb(t)::text AS row FROM ${table} t ORDER BY 1`)),
  );
  return JSON.stringify(rows);
}

const hire = async () => (await scim.hire(`h${unique()}`)).body.id;
const crew = async () => (await scim.group(`Crew ${unique()}`)).body.id;
const rename = { op: 'replace', path: 'displayName', value: 'Another name' };

async function failed(code = 'box_forbidden'): Promise<string> {
  const { requestId } = await scim.house.api.admit();
  await scim.house.api.finish(requestId, { code });
  return requestId;
}

type Reply = Pick<ScimReply, 'status'>;
/**
 * Sets up the data, and returns the call that changes something and the name of the operation that must be recorded for
 * it.
 */
const changes: [name: string, operation: string, prepare: () => Promise<() => Promise<Reply>>][] = [
  [
    'a request over the REST API',
    'create_provisioning_request',
    async () => () =>
      post('/v1/provisioning-requests', { subject: unique(), username: 'ada@example.com', name: 'Ada' }),
  ],
  [
    'a retry',
    'retry_provisioning_request',
    async () => {
      const id = await failed();
      return () => post(`/v1/provisioning-requests/${id}/retry`, undefined);
    },
  ],
  ['a user over SCIM', 'scim_create', async () => () => scim.hire(`a${unique()}`)],
  [
    'a user whom a group waits for',
    'scim_create',
    async () => {
      const name = unique();
      await scim.group(`Waits ${name}`, [`00u${name}`]);
      return () => scim.hire(name);
    },
  ],
  [
    'a user replaced',
    'scim_replace',
    async () => {
      const id = await hire();
      return () => scim.put(`/Users/${id}`, { schemas: [USER], userName: `p${unique()}@example.com` });
    },
  ],
  [
    'a user changed',
    'scim_patch',
    async () => {
      const id = await hire();
      return () => scim.patch(`/Users/${id}`, rename);
    },
  ],
  [
    'a user switched off',
    'scim_patch',
    async () => {
      const id = await hire();
      return () => scim.patch(`/Users/${id}`, { op: 'replace', value: { active: false } });
    },
  ],
  [
    'a user deleted',
    'scim_delete',
    async () => {
      const id = await hire();
      return () => scim.delete(`/Users/${id}`);
    },
  ],
  ['a group', 'scim_create', async () => () => scim.group(`Crew ${unique()}`)],
  [
    'a group replaced',
    'scim_replace',
    async () => {
      const id = await crew();
      return () => scim.put(`/Groups/${id}`, { schemas: [GROUP], displayName: `Crew ${unique()}` });
    },
  ],
  [
    'a group changed',
    'scim_patch',
    async () => {
      const [id, value] = [await crew(), await hire()];
      return () => scim.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value }] });
    },
  ],
  [
    'a group deleted',
    'scim_delete',
    async () => {
      const id = await crew();
      return () => scim.delete(`/Groups/${id}`);
    },
  ],
  [
    'a bulk request',
    'scim_create',
    async () => () =>
      scim.post('/Bulk', {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations: [1, 2].map((n) => ({
          ...{ method: 'POST', path: '/Users', bulkId: `b${n}` },
          data: { schemas: [USER], userName: `bulk${n}-${unique()}@example.com` },
        })),
      }),
  ],
];

const batch = () =>
  scim.house.api.call('POST', '/v1/provisioning-batches', {
    as: writer,
    headers: { 'content-type': 'application/x-ndjson' },
    body: [1, 2].map((n) => `{"subject":"${n}${unique()}","username":"u","name":"n"}`).join('\n'),
  });

describe('a change and its record', () => {
  it.each(changes)('are both stored or neither: %s', async (_name, _operation, prepare) => {
    const call = await prepare();
    const before = await state();
    const refused = await withoutRecords(call);
    expect(refused.status).toBe(503);
    expect(await state()).toBe(before);
    const { status } = await call();
    expect([200, 201, 202, 204]).toContain(status);
    expect(await state()).not.toBe(before);
  });

  it.each(changes)('are one transaction: %s', async (_name, operation, prepare) => {
    const call = await prepare();
    const [{ last } = { last: 0 }] = await sql('SELECT max(id) AS last FROM api_call');
    await call();
    const rows = await sql(
      `SELECT c.operation, c.actor, o.result, o.status, c.request_id IS NOT NULL AS "hasRequest",
         EXISTS (SELECT FROM provisioning_request r WHERE r.id = c.request_id AND r.xmin = c.tx::xid) AS "isOne"
       FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id AND o.tx = c.tx
       WHERE c.id > $1 AND c.operation <> 'scim_bulk' ORDER BY c.id`,
      [last],
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row).toMatchObject({ operation, result: 'ok', hasRequest: true, isOne: true });
      expect(row.actor).not.toBeNull();
      expect(row.status).toBeLessThan(300);
    }
  });

  it('are both stored or neither: a file of people', async () => {
    const before = await state();
    expect((await withoutRecords(batch)).status).toBe(503);
    expect(await state()).toBe(before);
  });

  it('are both stored or neither: a retry of all requests with one code', async () => {
    await failed('box_user_mismatch');
    const before = await state();
    const retry = () => post('/v1/provisioning-requests/retries', { errorCode: 'box_user_mismatch' });
    expect((await withoutRecords(retry)).status).toBe(503);
    expect(await state()).toBe(before);
    expect((await retry()).status).toBe(202);
    expect(await state()).not.toBe(before);
  });

  it('begin with the record of a file, so that the record exists even if the process stops while it reads the file', async () => {
    // The outcome is written after everything was read, so failing here is like a gateway that died before.
    await sql(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'gone' USING ERRCODE = 'admin_shutdown'; END $$`);
    await sql(`CREATE TRIGGER died BEFORE INSERT ON api_call_outcome FOR EACH ROW EXECUTE FUNCTION die()`);
    expect((await batch()).status).toBe(503);
    await sql('DROP TRIGGER died ON api_call_outcome');
    const people = await sql(
      `SELECT l.subject, c.id IS NOT NULL AS recorded FROM provisioning_batch b
       JOIN provisioning_batch_line l ON l.batch_id = b.id
       LEFT JOIN api_call c ON c.parameters ->> 'batchId' = b.id::text`,
    );
    expect(people).toHaveLength(2);
    expect(people.every(({ recorded }) => recorded)).toBe(true);
  });

  it('are one line, and a refusal has its own', async () => {
    const name = `once${unique()}`;
    await scim.hire(name);
    expect((await scim.hire(name)).status).toBe(409);
    expect((await scim.patch('/Users/nobody', rename)).status).toBe(404);
    const rows = await sql(
      `SELECT o.result, o.status FROM api_call c JOIN api_call_outcome o ON o.call_id = c.id
       WHERE c.parameters ->> 'userName' = $1 ORDER BY c.id`,
      [`${name}@example.com`],
    );
    expect(rows).toEqual([
      { result: 'ok', status: 201 },
      { result: 'refused', status: 409 },
    ]);
  });

  it('are separate from the line of a call that changes nothing', async () => {
    const id = await hire();
    const off = { op: 'replace', value: { active: false } };
    await scim.patch(`/Users/${id}`, off);
    const count = async () =>
      (await sql(`SELECT count(*)::int AS n FROM api_call WHERE identity_id = $1`, [id]))[0]!.n;
    expect(await count()).toBe(2);
    expect((await scim.patch(`/Users/${id}`, off)).status).toBe(200);
    expect((await scim.get(`/Users/${id}`)).status).toBe(200);
    expect(await count()).toBe(4);
  });
});
