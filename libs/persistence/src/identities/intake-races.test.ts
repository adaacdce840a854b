import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from './intake.ts';
import { untilWaiting, whileWaiting } from '../requests/waiting.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function parts() {
  const tenantId = await test.tenant();
  return { tenantId, intake: new Intake(test.database, tenantId) };
}

describe('an idempotency key', () => {
  it('belongs to the first request; a concurrent one with the same key waits until that is committed', async () => {
    const { intake } = await parts();
    const [ada, ben] = [samplePerson(), samplePerson()];
    await intake.admit(ada, 'api');
    await intake.admit(ben, 'api');
    const [first, second] = await whileWaiting(
      test.database,
      // Delays only the first intake, which has the key by then.
      (client) => client.query('SELECT FROM identity WHERE subject = $1 FOR NO KEY UPDATE', [ada.subject]),
      async () => {
        const one = intake.admit({ ...ada, name: 'Ada Renamed' }, 'api', claim('ada'));
        await untilWaiting(test.database, 1, one);
        const two = intake.admit({ ...ben, name: 'Ben Renamed' }, 'api', claim('ben'));
        await untilWaiting(test.database, 2, two);
        return [one, two] as const;
      },
      2,
    );
    expect(await first).toMatchObject({ kind: 'requested', isNew: true });
    expect(await second).toEqual({ kind: 'key-reused' });
    const { rows } = await test.database.pool.query<{ name: string }>(
      'SELECT name FROM identity WHERE subject = $1',
      [ben.subject],
    );
    expect(rows).toEqual([{ name: ben.name }]);
  });

  const claim = (bodyHash: string) => ({ client: 'script', key: 'one-key', bodyHash });
});

describe('a sign-in', () => {
  it('joins a request that is created at the same time without a lock on the person', async () => {
    const { intake, tenantId } = await parts();
    const person = samplePerson();
    const earlier = await intake.admit(person, 'api');
    if (earlier.kind !== 'requested') throw new Error(earlier.kind);
    await test.database.pool.query(
      `UPDATE provisioning_request SET status = 'failed', error_code = 'box_forbidden', due_at = NULL,
         finished_at = clock_timestamp() WHERE id = $1`,
      [earlier.requestId],
    );
    let made: string | undefined;
    const admission = await whileWaiting(
      test.database,
      // As the move to another Box app does for a person who was admitted after it had locked all others.
      async (client) => {
        const { rows } = await client.query<{ id: string }>(
          `INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
           VALUES ($1, $2, 1, 'operator', 10, clock_timestamp()) RETURNING id`,
          [tenantId, earlier.identity.id],
        );
        made = rows[0]!.id;
      },
      () => intake.admit(person, 'sign-in'),
    );
    expect(admission).toMatchObject({ kind: 'requested', requestId: made, isNew: false });
  });
});
