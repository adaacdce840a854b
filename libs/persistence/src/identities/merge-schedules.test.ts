import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { mergeFixture } from './merges.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

type Fixture = Awaited<ReturnType<typeof mergeFixture>>;

const side = fc.record({
  door: fc.constantFrom('sign-in', 'scim'),
  box: fc.constantFrom('mapped', 'waiting', 'create-lost', 'update-lost'),
  isOff: fc.boolean(),
});
type Side = typeof side extends fc.Arbitrary<infer T> ? T : never;

/** A person in the state that `side` describes; returns the id of the identity and that of the directory. */
async function arrange(
  fixture: Fixture,
  { door, box, isOff }: Side,
): Promise<{ id: string; subject: string }> {
  const { users, document, signIn, work } = fixture;
  const subject = `00u${randomUUID()}`;
  const person = samplePerson({ subject, username: `${subject}@example.com` });
  const id =
    door === 'scim' ? (await users.create(document(subject))).resource.id : (await signIn(person)).id;
  if (box === 'create-lost') fixture.box.meet('createUser', 'cut-after');
  if (box !== 'waiting') await work();
  if (box === 'update-lost') {
    if (door === 'scim') await users.update(id, ({ document: found }) => ({ ...found, displayName: 'Lost' }));
    else await signIn({ ...person, name: 'Lost' });
    fixture.box.meet('updateUser', 'cut-after');
    await work();
  }
  if (isOff) await users.update(id, ({ document: found }) => ({ ...found, active: false }));
  return { id, subject };
}

/** All that a merge could change of the identities. */
const recordOf = ({ rows }: Fixture) =>
  rows(`SELECT to_jsonb(i) AS i, (SELECT jsonb_agg(l ORDER BY l.subject) FROM identity_link l WHERE l.identity_id = i.id) AS l
    FROM identity i WHERE i.tenant_id = $1 ORDER BY i.id`);

it('any merge leaves one active Box user, loses none, lets no session outlive it, and is done whole or not at all', async () => {
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(side, side, fc.boolean(), async (one, two, reactivate) => {
      const fixture = await mergeFixture(test);
      const { merge, work, identity, box, rows, intake, activeBoxUsers } = fixture;
      const [a, b] = [await arrange(fixture, one), await arrange(fixture, two)];
      const before = { records: await recordOf(fixture), a: await identity(a.id), b: await identity(b.id) };
      const result = await merge(a.id, b.id, reactivate);
      if (result.kind !== 'decided') throw new Error(result.kind);
      const { decision } = result;
      kinds.add(decision.kind === 'conflict' ? decision.conflict : decision.kind);
      if (decision.kind !== 'merge') {
        expect(await recordOf(fixture)).toEqual(before.records);
        return;
      }
      for (let turn = 0; turn < 3; turn++) await work();
      const after = { a: await identity(a.id), b: await identity(b.id) };
      expect(after.a.sessionEpoch).toBeGreaterThan(before.a.sessionEpoch);
      expect(after.b.sessionEpoch).toBeGreaterThan(before.b.sessionEpoch);
      expect(after.b.active).toBe(false);
      expect(activeBoxUsers()).toEqual(after.a.active ? [after.a.boxAccount?.boxUserId] : []);
      const kept = await rows<{ id: string }>(
        `SELECT box_user_id AS id FROM box_account WHERE tenant_id = $1
         UNION SELECT box_user_id FROM former_box_account WHERE tenant_id = $1 ORDER BY 1`,
      );
      expect(kept.map(({ id }) => id).sort()).toEqual([...box.users.keys()].sort());
      for (const { subject } of [a, b]) {
        const person = samplePerson({ subject, username: `${subject}@example.com` });
        const admission = await intake.admit(person, 'sign-in');
        const reached =
          'identity' in admission ? admission.identity.id : 'identityId' in admission && admission.identityId;
        expect(reached).toBe(a.id);
      }
    }),
    { numRuns: 60 },
  );
  expect([...kinds]).toEqual(expect.arrayContaining(['merge', 'unsettled-create', 'staying-deactivated']));
}, 60_000);
