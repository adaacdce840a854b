import { createTestDatabase, samplePerson, type TestDatabase } from '../database/database.harness.ts';
import { Intake } from './intake.ts';
import { PrismaConvergenceStore } from '../convergence/convergence-store.ts';
import { Requests } from '../requests/requests.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

async function parts() {
  const tenantId = await test.tenant();
  const store = new PrismaConvergenceStore(test.database, tenantId, { leaseMs: 30_000, relayGraceMs: 5_000 });
  const intake = new Intake(test.database, tenantId);
  const requests = new Requests(test.database, tenantId);
  const converged = async (requestId: string, boxUserId: string) => {
    const result = await store.take(requestId);
    if (result.kind !== 'taken') throw new Error(result.kind);
    const { lease, desired } = result.taken;
    await store.saveAccount(
      lease,
      { boxUserId, name: desired.name, status: 'active', appliedGeneration: desired.generation },
      'created',
    );
    await store.succeed(lease, 'created');
  };
  const failed = async (requestId: string) => {
    const result = await store.take(requestId);
    if (result.kind !== 'taken') throw new Error(result.kind);
    await store.fail(result.taken.lease, { code: 'box_forbidden', detail: null });
  };
  return { tenantId, intake, requests, converged, failed };
}

/** Narrows an admission to the one a test expects. */
function requested(admission: Awaited<ReturnType<Intake['admit']>>) {
  if (admission.kind !== 'requested') throw new Error(`admission is ${admission.kind}`);
  return admission;
}

describe('intake', () => {
  it('creates one identity and one request for a hundred first sign-ins at once', async () => {
    const { tenantId, intake } = await parts();
    const person = samplePerson();
    const admissions = await Promise.all(Array.from({ length: 100 }, () => intake.admit(person, 'sign-in')));
    expect(new Set(admissions.map((admission) => requested(admission).requestId)).size).toBe(1);
    expect(admissions.filter((admission) => requested(admission).isNew)).toHaveLength(1);
    expect(await test.database.prisma.identity.count({ where: { tenantId } })).toBe(1);
  });

  it('creates no request for a person who is mapped and unchanged', async () => {
    const { intake, converged } = await parts();
    const person = samplePerson();
    await converged(requested(await intake.admit(person, 'sign-in')).requestId, '501');
    expect(await intake.admit(person, 'sign-in')).toMatchObject({
      kind: 'in-step',
      identity: { boxUserId: '501' },
    });
  });

  it('creates a request of a higher generation when the profile changed', async () => {
    const { intake, converged, tenantId } = await parts();
    const person = samplePerson();
    await converged(requested(await intake.admit(person, 'sign-in')).requestId, '502');
    const changed = requested(await intake.admit({ ...person, name: 'Ada Renamed' }, 'sign-in'));
    const identity = await test.database.prisma.identity.findFirstOrThrow({ where: { tenantId } });
    expect(identity).toMatchObject({ name: 'Ada Renamed', generation: 2 });
    expect(changed.isNew).toBe(true);
  });

  it('rejects a deactivated person and does not change their profile', async () => {
    const { intake, tenantId } = await parts();
    const person = samplePerson();
    await intake.admit(person, 'api');
    await test.database.prisma.identity.updateMany({ where: { tenantId }, data: { active: false } });
    expect(await intake.admit({ ...person, name: 'New' }, 'sign-in')).toMatchObject({ kind: 'deactivated' });
    expect(await test.database.prisma.identity.findFirst({ where: { tenantId } })).toMatchObject({
      name: 'Ada Example',
      generation: 1,
    });
  });

  it('keeps people of two tenants and two issuers apart', async () => {
    const [one, two] = [await parts(), await parts()];
    const person = samplePerson();
    const ids = [
      requested(await one.intake.admit(person, 'api')).identity.id,
      requested(await two.intake.admit(person, 'api')).identity.id,
      requested(await one.intake.admit({ ...person, issuer: 'https://other.okta.com' }, 'api')).identity.id,
    ];
    expect(new Set(ids).size).toBe(3);
  });

  it('returns the same request for the same idempotency key, and rejects the key for another body', async () => {
    const { intake } = await parts();
    const person = samplePerson();
    const claim = { client: 'c', key: 'k1', bodyHash: 'h1' };
    const admissions = await Promise.all(
      Array.from({ length: 10 }, () => intake.admit(person, 'api', claim)),
    );
    expect(new Set(admissions.map((admission) => requested(admission).requestId)).size).toBe(1);
    expect(await intake.admit(person, 'api', { ...claim, bodyHash: 'h2' })).toEqual({ kind: 'key-reused' });
    expect((await intake.admit(person, 'api', { ...claim, client: 'd', bodyHash: 'h2' })).kind).toBe(
      'requested',
    );
  });

  it('retries only failed requests, once regardless of how many callers ask for it', async () => {
    const { intake, failed, requests } = await parts();
    const first = requested(await intake.admit(samplePerson(), 'api')).requestId;
    expect(await intake.retry(first)).toEqual({ kind: 'not-failed' });
    await failed(first);
    const retries = await Promise.all(Array.from({ length: 10 }, () => intake.retry(first)));
    const ids = new Set(retries.map((retry) => (retry.kind === 'requested' ? retry.requestId : retry.kind)));
    expect(ids.size).toBe(1);
    const [again] = [...ids];
    expect((await requests.find(again!, {}))?.request).toMatchObject({
      cause: 'operator',
      status: 'queued',
      retryOf: first,
    });
    expect(await intake.retry('00000000-0000-4000-8000-000000000000')).toEqual({ kind: 'not-found' });
  });

  it('shows a request only within its scope', async () => {
    const { intake, requests } = await parts();
    const { requestId, identity } = requested(await intake.admit(samplePerson(), 'sign-in'));
    expect(await requests.version(requestId, { identityId: identity.id })).toMatchObject({
      status: 'queued',
    });
    const stranger = { identityId: '00000000-0000-4000-8000-000000000000' };
    expect(await requests.version(requestId, stranger)).toBeNull();
    expect(await requests.find(requestId, stranger)).toBeNull();
    expect(await new Requests(test.database, await test.tenant()).find(requestId, {})).toBeNull();
  });
});
