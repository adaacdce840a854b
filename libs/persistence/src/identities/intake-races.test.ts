import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from './intake.ts';
import { untilWaiting, whileWaiting } from '../requests/waiting.harness.ts';
import { beforeStatement, namesOf } from '../database/statements.harness.ts';

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
  it('belongs to the request that commits first; a concurrent one with the same key changes nothing', async () => {
    const { intake } = await parts();
    const [ada, ben] = [samplePerson(), samplePerson()];
    await intake.admit(ada, 'api');
    await intake.admit(ben, 'api');
    const [first, second] = await whileWaiting(
      test.database,
      // Delays only the intake of Ada, which has decided by then.
      (client) => client.query('SELECT FROM identity WHERE subject = $1 FOR NO KEY UPDATE', [ada.subject]),
      async () => {
        const one = intake.admit({ ...ada, name: 'Ada Renamed' }, 'api', claim('ada'));
        await untilWaiting(test.database, 1, one);
        return [one, await intake.admit({ ...ben, name: 'Ben Renamed' }, 'api', claim('ben'))] as const;
      },
      // No second statement waits, so Ada's waits until Ben's has the key.
      2,
    );
    expect(await first).toEqual({ kind: 'key-reused' });
    expect(second).toMatchObject({ kind: 'requested', isNew: true });
    const { rows } = await test.database.pool.query<{ name: string; generation: number }>(
      'SELECT name, generation FROM identity WHERE subject = $1',
      [ada.subject],
    );
    expect(rows).toEqual([{ name: ada.name, generation: 1 }]);
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

  it.each([
    ['deactivated', 'active = false, generation = generation + 1', { kind: 'deactivated' }, 'Ada Example'],
    [
      'given another name',
      "name = 'Ada L.', generation = generation + 1",
      { kind: 'requested' },
      'Ada Renamed',
    ],
  ])(
    'is decided again for a person who is %s between the read and the write',
    async (_what, set, expected, name) => {
      const { intake, tenantId } = await parts();
      const person = samplePerson();
      await intake.admit(person, 'api');
      const admission = await whileWaiting(
        test.database,
        (client) => client.query(`UPDATE identity SET ${set} WHERE tenant_id = $1`, [tenantId]),
        () => intake.admit({ ...person, name: 'Ada Renamed' }, 'sign-in'),
      );
      expect(admission).toMatchObject(expected);
      const identity = await test.database.prisma.identity.findFirstOrThrow({ where: { tenantId } });
      expect(identity.name).toBe(name);
    },
  );
});

describe('a sign-in that was decided while Box was not in step', () => {
  it.each([
    ['unchanged', {}, 'follow-person'],
    ['with a given name for the first time', { givenName: 'Ada' }, 'change-person'],
  ])('opens no request if Box is in step when it is written: %s', async (_name, more, statement) => {
    const { intake, tenantId } = await parts();
    const person = samplePerson();
    const first = await intake.admit(person, 'sign-in');
    if (first.kind !== 'requested') throw new Error(first.kind);
    const raced = beforeStatement(test.database, statement, async () => {
      await test.database.pool.query(
        `WITH ended AS (
           UPDATE provisioning_request SET status = 'succeeded', outcome = 'created', due_at = NULL,
             finished_at = clock_timestamp() WHERE id = $1 RETURNING identity_id
         ) INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
         SELECT i.id, i.tenant_id, '702', i.name, 'active', i.generation FROM identity i JOIN ended ON i.id = ended.identity_id`,
        [first.requestId],
      );
    });
    const admission = await new Intake(raced, tenantId).admit({ ...person, ...more }, 'sign-in');
    expect(admission).toMatchObject({ kind: 'in-step', identity: { boxUserId: '702' } });
    expect(await test.database.prisma.provisioningRequest.count({ where: { tenantId } })).toBe(1);
  });
});

describe('the round trips of a sign-in', () => {
  it('are two for a new person and for a changed one, and one for a person in step', async () => {
    const { intake, tenantId } = await parts();
    const person = samplePerson();
    expect(await namesOf(test.database, () => intake.admit(person, 'sign-in'))).toEqual([
      'admission',
      'add-person',
    ]);
    expect(await namesOf(test.database, () => intake.admit(person, 'sign-in'))).toEqual([
      'admission',
      'follow-person',
    ]);
    const renamed = { ...person, name: 'Ada Renamed' };
    expect(await namesOf(test.database, () => intake.admit(renamed, 'sign-in'))).toEqual([
      'admission',
      'change-person',
    ]);
    await test.database.pool.query(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       SELECT id, tenant_id, '701', name, 'active', generation FROM identity WHERE tenant_id = $1`,
      [tenantId],
    );
    expect(await namesOf(test.database, () => intake.admit(renamed, 'sign-in'))).toEqual(['admission']);
  });
});
