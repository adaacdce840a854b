import { defaultRetryPolicy, runAttempt } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';
import { PrismaCallLog } from '../call-log/call-log.ts';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { createTestDatabase, samplePerson, type TestDatabase } from './database.harness.ts';
import { Intake } from '../identities/intake.ts';
import { statement } from './statement.ts';
import { statementsOf } from './statements.harness.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function parts() {
  const tenantId = await test.tenant();
  const store = new PrismaConvergenceStore(test.database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const box = new FakeBox(new PrismaCallLog(test.database, tenantId, 30_000));
  const intake = new Intake(test.database, tenantId);
  const turn = { store, box, policy: defaultRetryPolicy, stopping: new AbortController().signal };
  return {
    box,
    admit: async (person = samplePerson()) => {
      const admission = await intake.admit(person, 'api');
      if (admission.kind !== 'requested') throw new Error(admission.kind);
      return admission.requestId;
    },
    turn: (requestId: string) => runAttempt(requestId, { ...turn, tell: () => undefined }),
  };
}

/** The names of the prepared statements; for an unnamed one, such as BEGIN, its text. */
const names = async (work: () => Promise<unknown>): Promise<string[]> =>
  (await statementsOf(test.database, work)).map(
    ({ name, text }) => name?.replace(/^foyer-(.*)-[0-9a-f]{12}$/, '$1') ?? text,
  );

describe('the statements of one attempt, from taking the job to its end', () => {
  it('are four for a new person, each prepared and without a transaction around it', async () => {
    const { admit, turn } = await parts();
    const requestId = await admit();
    expect(await names(() => turn(requestId))).toEqual([
      'take',
      'intend-fenced',
      'conclude',
      'save-and-succeed',
    ]);
  });

  it('are four for a change of name', async () => {
    const { admit, turn } = await parts();
    const person = samplePerson();
    await turn(await admit(person));
    const requestId = await admit({ ...person, name: 'Ada Renamed' });
    expect(await names(() => turn(requestId))).toEqual([
      'take',
      'intend-fenced',
      'conclude',
      'save-and-succeed',
    ]);
  });

  it('are two when nothing has to change in Box', async () => {
    const { admit, turn } = await parts();
    const person = samplePerson();
    await turn(await admit(person));
    const requestId = await admit({ ...person, email: 'ada.new@example.com' });
    expect(await names(() => turn(requestId))).toEqual(['take', 'save-and-succeed']);
  });

  it('are one for a job whose request is final', async () => {
    const { admit, turn } = await parts();
    const requestId = await admit();
    await turn(requestId);
    expect(await names(() => turn(requestId))).toEqual(['take']);
  });

  it('are three more for a user that already exists: the conflict is read before the user is adopted', async () => {
    const { admit, turn, box } = await parts();
    const person = samplePerson({ name: 'Ada' });
    await box.createUser(
      { requestId: null, identityId: null, lease: null },
      { externalId: person.subject, name: 'Ada' },
    );
    const requestId = await admit(person);
    const call = ['intend-fenced', 'conclude'];
    expect(await names(() => turn(requestId))).toEqual([
      'take',
      ...call,
      ...call,
      'save',
      'save-and-succeed',
    ]);
  });
});

describe('a statement', () => {
  it('has one name for one text, and another as soon as the text differs', () => {
    const one = statement('look', 'SELECT $tenant::uuid, $name::text, $tenant::uuid');
    expect(one.text).toBe('SELECT $1::uuid, $2::text, $1::uuid');
    expect(one.order).toEqual(['tenant', 'name']);
    expect(statement('look', 'SELECT $tenant::uuid, $name::text, $tenant::uuid').name).toBe(one.name);
    expect(statement('look', 'SELECT $tenant::uuid').name).not.toBe(one.name);
  });

  it('leaves a literal as it is', () => {
    const one = statement('look', "SELECT $p10 || '$ref it''s $name' || $name || '$p10'");
    expect(one.text).toBe("SELECT $1 || '$ref it''s $name' || $2 || '$p10'");
    expect(one.order).toEqual(['p10', 'name']);
  });

  it('has a name short enough for PostgreSQL', async () => {
    const { admit, turn } = await parts();
    const requestId = await admit();
    const seen = await statementsOf(test.database, () => turn(requestId));
    for (const { name } of seen) expect(Buffer.byteLength(name!)).toBeLessThanOrEqual(63);
  });
});
