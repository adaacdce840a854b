import { ApiCalls, Intake } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { listHeldSignIns, releaseHeldSignIn } from './held.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

it('releases a sign-in on hold, records who did it, and knows no other subject', async () => {
  const sources = { database: test.database, tenantId: await test.tenant() };
  const intake = new Intake(sources.database, sources.tenantId);
  const person = samplePerson();
  const admission = await intake.admit(person, 'api');
  if (admission.kind !== 'requested') throw new Error(admission.kind);
  await test.database.pool.query('UPDATE identity SET active = false WHERE id = $1', [admission.identity.id]);
  const namesake = { ...person, subject: '00uNamesake' };
  expect((await intake.admit(namesake, 'sign-in')).kind).toBe('held');
  expect(await listHeldSignIns(sources)).toMatchObject([{ subject: '00uNamesake', releasedBy: null }]);
  expect(await releaseHeldSignIn(sources, '00uNobody', 'operator:ada')).toBeNull();
  expect(await releaseHeldSignIn(sources, '00uNamesake', 'operator:ada')).toMatchObject({
    releasedBy: 'operator:ada',
  });
  const { items } = await new ApiCalls(sources.database, sources.tenantId).list({ limit: 10 });
  expect(items.filter(({ path }) => path === 'held release')).toMatchObject([
    { operation: 'release_held_sign_in', actor: 'operator:ada', parameters: { subject: '00uNamesake' } },
  ]);
  expect((await intake.admit(namesake, 'sign-in')).kind).toBe('requested');
});
