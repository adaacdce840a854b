import { ApiCalls, Intake } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { adviceOn } from './explain.ts';
import {
  countDeadLetters,
  deadLetterPages,
  explainRequest,
  planRetries,
  retryDeadLetters,
  retryRequest,
} from './index.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const code = 'box_forbidden';
const operator = 'operator:ada@example.com';

/** A tenant with this many people whose request failed. */
async function failures(count: number) {
  const sources = { database: test.database, tenantId: await test.tenant() };
  const intake = new Intake(sources.database, sources.tenantId);
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const admission = await intake.admit(samplePerson({ subject: `00u${n}` }), 'api');
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    ids.push(admission.requestId);
  }
  await test.database.pool.query(
    `UPDATE provisioning_request SET status = 'failed', error_code = $2, due_at = NULL, finished_at = clock_timestamp()
     WHERE tenant_id = $1`,
    [sources.tenantId, code],
  );
  const recorded = async () => {
    const { items } = await new ApiCalls(sources.database, sources.tenantId).list({ limit: 10 });
    return items.filter(({ path }) => path === 'dead retry');
  };
  return { sources, ids, recorded };
}

it('counts and pages dead letters with what their code means', async () => {
  const { sources, ids } = await failures(3);
  expect(await countDeadLetters(sources, null)).toMatchObject([
    { code, count: 3, title: expect.any(String) as string, remedy: expect.stringMatching(/\.$/) as string },
  ]);
  expect(await countDeadLetters(sources, 'box_conflict')).toEqual([]);
  const found: string[] = [];
  for await (const page of deadLetterPages(sources, code, 2))
    found.push(...page.map(({ requestId }) => requestId));
  expect(found).toEqual([ids[2], ids[1]]);
});

it('retries one request once, and records who did it', async () => {
  const { sources, ids, recorded } = await failures(1);
  expect(await retryRequest(sources, ids[0]!, operator)).toMatchObject({ kind: 'requested', isNew: true });
  expect(await retryRequest(sources, ids[0]!, operator)).toMatchObject({ kind: 'requested', isNew: false });
  expect((await recorded())[0]).toMatchObject({ operation: 'retry_provisioning_request', actor: operator });
});

it('plans a retry of all without a change, carries it out, and records who did it', async () => {
  const { sources, recorded } = await failures(2);
  expect(await planRetries(sources, code)).toEqual({ retried: 2, leftOut: 0 });
  expect(await recorded()).toEqual([]);
  const seen: number[] = [];
  const { signal: stopping } = new AbortController();
  const onProgress = (processed: number) => void seen.push(processed);
  const done = await retryDeadLetters(sources, code, { operator, stopping, onProgress });
  expect([done, seen]).toEqual([{ retried: 2, deactivated: 0 }, [2]]);
  expect(await recorded()).toMatchObject([
    {
      operation: 'retry_provisioning_requests',
      actor: operator,
      parameters: { errorCode: code },
      result: 'ok',
    },
  ]);
  expect(await planRetries(sources, code)).toEqual({ retried: 0, leftOut: 0 });
});

it('explains a request of this tenant only', async () => {
  const { sources, ids } = await failures(1);
  const other = { ...sources, tenantId: await test.tenant() };
  expect(await explainRequest(other, ids[0]!)).toBeNull();
  expect(await explainRequest(sources, ids[0]!)).toMatchObject({
    isDead: true,
    isCut: false,
    calls: [],
    group: null,
  });
  await retryRequest(sources, ids[0]!, operator);
  expect(await explainRequest(sources, ids[0]!)).toMatchObject({
    isDead: false,
    advice: expect.stringMatching(/^No action is needed: a newer request, \S+, is queued\.$/) as string,
  });
});

const standing = { boxAccount: null, mergedInto: null };
it.each([
  ['succeeded', { ...standing, active: true }, 'No action is needed: the request is succeeded.'],
  ['failed', { ...standing, active: false }, 'Okta deactivated this person. Do nothing, or reactivate'],
  [
    'failed',
    { ...standing, active: false, mergedInto: 'two' },
    'No action is needed: the identity that stays',
  ],
  ['failed', { ...standing, active: true }, 'Then: dead retry one'],
] as const)('advises on a %s request of %j', (status, identity, advice) => {
  const request = { id: 'one', status, error: null };
  expect(adviceOn(request, identity, request)).toContain(advice);
});
