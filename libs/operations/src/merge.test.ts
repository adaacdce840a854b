import { ApiCalls, Intake } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { mergeIdentities } from './merge.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const operator = 'operator:ada@example.com';

/** A tenant with two people, one of them under each of two ids. */
async function twoPeople() {
  const sources = { database: test.database, tenantId: await test.tenant() };
  const intake = new Intake(sources.database, sources.tenantId);
  const ids: string[] = [];
  for (const subject of ['00uone', '00utwo']) {
    const admission = await intake.admit(
      samplePerson({ subject, username: `${subject}@example.com` }),
      'api',
    );
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    ids.push(admission.identity.id);
  }
  const [staying, other] = ids as [string, string];
  const recorded = async () =>
    (await new ApiCalls(sources.database, sources.tenantId).list({ limit: 10 })).items;
  return { sources, pair: { staying, other, reactivate: false }, recorded };
}

it('plans a merge without a change, carries it out once, and records who did it', async () => {
  const { sources, pair, recorded } = await twoPeople();
  const plan = await mergeIdentities(sources, { ...pair, operator: null });
  expect(plan).toMatchObject({ kind: 'planned', conflict: null, requestIds: [] });
  expect(plan.sentences).toContain(`Ids that lead to ${pair.staying} from then on: 00utwo.`);
  expect(await recorded()).toEqual([]);
  expect(await mergeIdentities(sources, { ...pair, operator })).toMatchObject({ kind: 'merged' });
  expect(await mergeIdentities(sources, { ...pair, operator })).toMatchObject({ kind: 'done' });
  expect(await recorded()).toMatchObject([
    {
      ...{ operation: 'merge_identities', path: 'identity merge', actor: operator, identityId: pair.staying },
      parameters: { staying: pair.staying, other: pair.other },
    },
  ]);
});

it('names both sides of a conflict, changes nothing, and records nothing', async () => {
  const { sources, pair, recorded } = await twoPeople();
  await test.database.pool.query('UPDATE identity SET active = false WHERE id = $1', [pair.staying]);
  const { kind, conflict, sentences } = await mergeIdentities(sources, { ...pair, operator });
  expect({ kind, conflict }).toEqual({ kind: 'conflict', conflict: 'staying-deactivated' });
  for (const id of [pair.staying, pair.other]) expect(sentences.join(' ')).toContain(id);
  expect(await recorded()).toEqual([]);
  const done = await mergeIdentities(sources, { ...pair, reactivate: true, operator });
  expect(done.kind).toBe('merged');
  expect(await recorded()).toMatchObject([{ actor: operator, parameters: { reactivate: true } }]);
});

it('refuses an identity of another tenant', async () => {
  const { sources, pair } = await twoPeople();
  const { pair: elsewhere } = await twoPeople();
  await expect(mergeIdentities(sources, { ...pair, other: elsewhere.other, operator })).rejects.toMatchObject(
    { code: 'not_found' },
  );
});
