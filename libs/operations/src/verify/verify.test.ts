import { ApiCalls, Intake, openVerifyStore, PrismaCallLog } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { discrepancyKinds, type BoxUser, type VerifyRun } from '@foyer/provisioning';
import { FakeBox } from '@foyer/provisioning/testing';
import { verifyTenant, type VerifiedRun, type VerifyOptions } from './index.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const operator = 'operator:ada@example.com';
const going = new AbortController().signal;

/** A tenant, and the Box that it has alone. */
async function world() {
  const tenant = { database: test.database, tenantId: await test.tenant() };
  const box = new FakeBox(new PrismaCallLog(tenant.database, tenant.tenantId, 0));
  const sources = { ...tenant, box, callTimeoutMs: 1_000 };
  const intake = new Intake(tenant.database, tenant.tenantId);
  let people = 0;
  /** A person with their Box user, an hour old, and no open request. `change`: what differs in Box. */
  async function person(change: Partial<BoxUser> | 'gone' = {}) {
    const subject = `00u${++people}`;
    const boxUserId = String(9_000 + people);
    const admission = await intake.admit(samplePerson({ subject, name: `Person ${people}` }), 'api');
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    const identityId = admission.identity.id;
    await test.database.pool.query(
      `WITH ended AS (
         UPDATE provisioning_request SET status = 'succeeded', outcome = 'created', due_at = NULL, finished_at = now()
         WHERE identity_id = $1)
       INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation, created_at)
       VALUES ($1, $2, $3, $4, 'active', 1, now() - interval '1 hour')`,
      [identityId, tenant.tenantId, boxUserId, `Person ${people}`],
    );
    const user: BoxUser = {
      ...{ id: boxUserId, externalId: subject, name: `Person ${people}`, login: `${subject}@box` },
      status: 'active',
      isAppUser: true,
    };
    if (change !== 'gone') box.users.set(boxUserId, { ...user, ...change });
    return { identityId, boxUserId, subject };
  }
  const recorded = async () =>
    (await new ApiCalls(tenant.database, tenant.tenantId).list({ limit: 50 })).items.map(
      ({ operation, actor, parameters }) => ({ operation, actor, parameters }),
    );
  return { sources, box, person, recorded };
}

const optionsOf = (given: Partial<VerifyOptions> = {}): VerifyOptions => ({
  ...{ resume: 'if-possible', stopping: going },
  ...{ onProgress: () => undefined, onRemark: () => undefined, onResumed: () => undefined, ...given },
});

/** What a run has found, read while it holds the tenant. */
async function found({ total, run, certificate, former, pages, count }: VerifiedRun) {
  const all = [];
  for (const kind of discrepancyKinds)
    for await (const page of pages(kind)) all.push(...page.map((each) => ({ ...each, of: count(kind) })));
  return { total, run, certificate, former, all };
}
async function verify(
  { sources }: Pick<Awaited<ReturnType<typeof world>>, 'sources'>,
  given?: Partial<VerifyOptions>,
) {
  const result = await verifyTenant(sources, optionsOf(given), found);
  if (result.kind !== 'verified') throw new Error(result.kind);
  return result.value;
}

describe('a verification', () => {
  it('certifies what matches, records its calls, and gives the same digest again', async () => {
    const here = await world();
    await here.person();
    await here.person();
    const first = await verify(here);
    expect(first).toMatchObject({
      ...{ total: 0, all: [], former: null },
      certificate: { identities: 2, boxUsers: 2, mapped: 2, inProgress: 0 },
    });
    expect(await here.recorded()).toMatchObject([{ operation: 'list_users', actor: null }]);
    const second = await verify(here);
    expect(second.certificate.digest).toBe(first.certificate.digest);
    expect(second.former).toMatchObject({ digest: first.certificate.digest });
  });

  it('names each difference with its remedy, and repairs none', async () => {
    const here = await world();
    const renamed = await here.person({ name: 'Mallory' });
    const gone = await here.person('gone');
    const given = await here.person({ externalId: 'somebody-else' });
    const { total, all } = await verify(here);
    expect(total).toBe(3);
    expect(all).toMatchObject([
      {
        kind: 'missing',
        identityId: gone.identityId,
        boxUserId: gone.boxUserId,
        docs: 'docs/operate.md#missing',
      },
      {
        kind: 'drifted',
        identityId: renamed.identityId,
        confirmed: true,
        remedy: expect.stringContaining('--repair') as string,
      },
      { kind: 'mismatched', identityId: given.identityId, of: { count: 1, unconfirmed: 0 } },
    ]);
    expect((await here.recorded()).map(({ operation }) => operation)).not.toContain('verify_repair');
  });

  it('shows at most as many as asked for', async () => {
    const here = await world();
    for (let n = 0; n < 3; n++) await here.person({ name: 'Mallory' });
    const shown = await verifyTenant(here.sources, optionsOf(), async ({ pages, count }) => {
      const some = [];
      for await (const page of pages('drifted', 2)) some.push(...page);
      return [some.length, count('drifted').count];
    });
    expect(shown).toEqual({ kind: 'verified', value: [2, 3] });
  });
});

describe('the repair', () => {
  it('opens one request for each person who differs, and records who did it', async () => {
    const here = await world();
    const renamed = await here.person({ name: 'Mallory' });
    const given = await here.person({ externalId: 'somebody-else' });
    const result = await verifyTenant(here.sources, optionsOf(), async ({ run, repair }) => ({
      ...{ run, first: await repair(operator), second: await repair(operator) },
    }));
    if (result.kind !== 'verified') throw new Error(result.kind);
    const { run, first, second } = result.value;
    expect([first, second]).toEqual([1, 1]);
    const { rows } = await test.database.pool.query<{ identity_id: string }>(
      'SELECT identity_id FROM provisioning_request WHERE tenant_id = $1 AND due_at IS NOT NULL',
      [here.sources.tenantId],
    );
    expect(rows).toEqual([{ identity_id: renamed.identityId }]);
    const repairs = (await here.recorded()).filter(({ operation }) => operation === 'verify_repair');
    expect(repairs).toEqual(
      Array(2).fill({
        operation: 'verify_repair',
        actor: operator,
        parameters: { run: run.id, kind: 'drifted' },
      }),
    );
    expect(given.identityId).not.toBe(renamed.identityId);
  });
});

describe('two verifications of a tenant', () => {
  it('do not run at the same time, also not while the first is read', async () => {
    const here = await world();
    const outer = await verifyTenant(here.sources, optionsOf(), async () =>
      verifyTenant(here.sources, optionsOf(), found),
    );
    expect(outer).toEqual({ kind: 'verified', value: { kind: 'busy' } });
    expect((await verify(here)).total).toBe(0);
  });

  it('free the tenant when reading the result fails', async () => {
    const here = await world();
    await expect(
      verifyTenant(here.sources, optionsOf(), () => Promise.reject(new Error('the pipe is closed'))),
    ).rejects.toThrow('the pipe is closed');
    expect((await verify(here)).total).toBe(0);
  });
});

describe('an interrupted verification', () => {
  const fault = { code: 'box_forbidden', detail: 'no', ambiguous: false } as const;

  it('names the fault of Box, and is continued unless it must not be', async () => {
    const here = await world();
    here.box.meet('listUsers', fault);
    expect(await verifyTenant(here.sources, optionsOf(), found)).toEqual({ kind: 'box-failed', fault });
    const resumed: VerifyRun[] = [];
    const onResumed = (run: VerifyRun) => void resumed.push(run);
    expect(
      await verifyTenant(here.sources, optionsOf({ stopping: AbortSignal.abort(), onResumed }), found),
    ).toEqual({
      kind: 'stopped',
    });
    const { run } = await verify(here, { resume: 'only', onResumed });
    expect(resumed.map(({ id }) => id)).toEqual([run.id, run.id]);
    expect(await verifyTenant(here.sources, optionsOf({ resume: 'only' }), found)).toEqual({
      kind: 'nothing-to-resume',
    });
  });

  it('is replaced by a new one when asked', async () => {
    const here = await world();
    const store = (await openVerifyStore(here.sources.database, here.sources.tenantId))!;
    const { id } = await store.begin();
    await store.close();
    expect((await verify(here, { resume: 'never' })).run.id).not.toBe(id);
  });
});
