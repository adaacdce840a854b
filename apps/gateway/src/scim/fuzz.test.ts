import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { requests, type FuzzedRequest } from './fuzz.harness.ts';
import { fuzzRuns } from './generated.harness.ts';
import { ScimTestClient, type ScimReply } from './scim.harness.ts';

let scim: ScimTestClient;
/** Placeholders for people and groups in the requests: a deleted one is replaced by a new one. */
const stand = Array.from({ length: 5 }, () => randomUUID());
const standsFor = new Map<string, string>();
let strangerIds: readonly string[] = [];

beforeAll(async () => {
  scim = await ScimTestClient.start();
  await succeed();
  strangerIds = await strangers();
});
afterAll(() => scim.stop());

/** Creates the resources that requests name; some were deleted, and some never existed. */
async function succeed(): Promise<void> {
  const { rows } = await scim.house.api.context.database.pool.query<{ id: string }>(
    `SELECT id FROM identity WHERE scim_deleted_at IS NULL AND id = ANY($1)
     UNION ALL SELECT id FROM scim_group WHERE deleted_at IS NULL AND id = ANY($1)`,
    [[...standsFor.values()]],
  );
  const alive = new Set(rows.map(({ id }) => id));
  for (const [n, each] of stand.entries()) {
    if (alive.has(standsFor.get(each) ?? '')) continue;
    const name = randomUUID();
    const { body } =
      n < 3 ? await scim.hire(name) : await scim.group(name, [standsFor.get(stand[0]!)!, 'unknown']);
    standsFor.set(each, body.id);
  }
}

const inserted = (text: string): string =>
  [...standsFor].reduce((all, [each, id]) => all.replaceAll(each, id), text);

/** A person and a group of another tenant in the same database. */
async function strangers(): Promise<string[]> {
  const [tenant, person, group] = [randomUUID(), randomUUID(), randomUUID()];
  const { api } = scim.house;
  await api.sql(`INSERT INTO tenant (id, slug) VALUES ($1, 'other')`, [tenant]);
  await api.sql(
    `INSERT INTO identity (id, tenant_id, issuer, subject, username, name) VALUES ($1, $2, 'https://i.example.com', '00uother', 'other@example.com', 'Other')`,
    [person, tenant],
  );
  await api.sql(`INSERT INTO scim_group (id, tenant_id, display_name) VALUES ($1, $2, 'Others')`, [
    group,
    tenant,
  ]);
  return [person, group];
}

/** Counts of everything that a SCIM call may write. */
const snapshot = async (): Promise<string> => {
  const sums = ['identity', 'scim_group', 'scim_group_member', 'provisioning_request', 'request_event'].map(
    (table) => `(SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM ${table} t)`,
  );
  const { rows } = await scim.house.api.context.database.pool.query<{ all: string }>(
    `SELECT ${sums.join(` || ' ' || `)} AS all`,
  );
  return rows[0]!.all;
};

const scimTypes: Readonly<Record<number, readonly unknown[]>> = {
  400: [
    ...['invalidFilter', 'invalidSyntax', 'invalidPath', 'noTarget', 'invalidValue', 'mutability', 'tooMany'],
    ...['invalidCursor', 'invalidCount', undefined],
  ],
  403: ['sensitive', undefined],
  409: ['uniqueness', undefined],
};

/** What is wrong with a response, whatever the request was; null when it is correct. */
function problemOf({ status, body, headers, type }: ScimReply, path: string): string | null {
  const allowed = [200, 201, 204, 304, 400, 403, 404, 405, 409, 412, 413, 415];
  if (!allowed.includes(status) && !(status === 501 && /^\/me/i.test(path))) return `status ${status}`;
  if (headers.has('x-injected')) return 'a header of the client’s';
  if (status === 204 || status === 304) return null;
  if (!type?.startsWith('application/scim+json')) return `type ${type}`;
  const schemas = body['schemas'] as readonly string[] | undefined;
  if (status < 300) return schemas === undefined ? 'no schemas' : null;
  if (schemas?.[0] !== 'urn:ietf:params:scim:api:messages:2.0:Error') return 'no SCIM error';
  if (body['status'] !== String(status)) return `its status is ${String(body['status'])}`;
  const known = scimTypes[status] ?? [undefined];
  return known.includes(body.scimType) ? null : `scimType ${body.scimType}`;
}

const tallied = new Map<number, number>();

async function send({ method, path, headers, body }: FuzzedRequest): Promise<ScimReply> {
  const answer = await scim.send(method, inserted(path), body === undefined ? body : inserted(body), {
    ...headers,
  });
  tallied.set(answer.status, (tallied.get(answer.status) ?? 0) + 1);
  return answer;
}

it('answers every input with the result or with a SCIM error, and a refusal changes nothing', async () => {
  const numRuns = fuzzRuns(400);
  let before = await snapshot();
  await fc.assert(
    fc.asyncProperty(requests([...stand, ...stand, ...strangerIds]), async (request) => {
      const answer = await send(request);
      expect([problemOf(answer, request.path), answer.body]).toEqual([null, answer.body]);
      if (request.method === 'GET') return;
      if (answer.status >= 400) expect([answer.status, await snapshot()]).toEqual([answer.status, before]);
      else {
        await succeed();
        before = await snapshot();
      }
    }),
    { numRuns },
  );
  const [stranger] = await scim.house.api.sql(
    `SELECT username, active, generation FROM identity WHERE id = $1`,
    [strangerIds[0]],
  );
  expect(stranger).toEqual({ username: 'other@example.com', active: true, generation: 1 });
  const [others] = await scim.house.api.sql(
    `SELECT display_name, version, deleted_at FROM scim_group WHERE id = $1`,
    [strangerIds[1]],
  );
  expect(others).toEqual({ display_name: 'Others', version: 1, deleted_at: null });
  const told = [...tallied].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
  if (numRuns >= 10_000) process.stderr.write(`fuzz: ${numRuns} requests; ${told.join(', ')}\n`);
  // If all requests succeeded or all were refused, the test would have covered little.
  const done = [...tallied].reduce((sum, [status, times]) => sum + (status < 300 ? times : 0), 0);
  expect(done).toBeGreaterThan(numRuns / 20);
  expect(done).toBeLessThan((numRuns * 19) / 20);
}, 1_800_000);
