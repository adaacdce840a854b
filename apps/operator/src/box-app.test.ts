import { randomUUID } from 'node:crypto';
import { TwoApps } from './box-app.harness.ts';

let world: TwoApps;
beforeAll(async () => {
  world = await TwoApps.start();
});
afterAll(() => world.stop());
const { first, second } = TwoApps;
const outcome = ({ status, out }: { status: number; out: string }) => [status, out];

describe('npm run foyer -- box-app', () => {
  it('shows both apps, and ends with 1 while they differ', async () => {
    const tenant = await world.tenant();
    await tenant.mapped();
    expect(await tenant.foyer(first, ['box-app'])).toMatchObject({ status: 0, err: '' });
    const { status, out, err } = await tenant.foyer(second, ['box-app']);
    expect(status).toBe(1);
    expect(out).toMatch(/bound: +twin-box-client.*\nconfigured: second-client.*DIFFERENT/);
    expect(out).toMatch(/accounts: +1,/);
    expect(err).toMatch(/box-app accept[\s\S]*box-app migrate/);
    const json = JSON.parse((await tenant.foyer(second, ['box-app', '--json'])).out) as object;
    expect(json).toMatchObject({ differs: true, accounts: 1, bound: { clientId: 'twin-box-client' } });
  });

  it('refuses to accept an app that cannot read the users, reports the counts, and changes nothing', async () => {
    const tenant = await world.tenant();
    for (let n = 0; n < 3; n++) await tenant.mapped();
    for (const args of [
      ['box-app', 'accept'],
      ['box-app', 'accept', '--sample', '3'],
    ]) {
      const { status, out } = await tenant.foyer(second, args);
      expect(status).toBe(1);
      expect(out).toMatch(/Refused: 3 of 3 checked accounts.*Nothing was changed/);
      expect(out).toMatch(/is not visible to this app/);
    }
    expect((await tenant.foyer(second, ['box-app', 'accept', '--sample', '1'])).out).toMatch(
      /Refused: 1 of 1/,
    );
    expect((await tenant.foyer(first, ['box-app'])).status).toBe(0);
  });

  it('accepts an app that reads the same users, and provisioning continues with it', async () => {
    const tenant = await world.tenant();
    const { identityId, boxUserId } = await tenant.mapped();
    // The state after an upgrade whose first start had the wrong client id.
    await world.test.database.prisma.tenant.update({
      where: { id: tenant.tenantId },
      data: { boxClientId: 'mistaken-client' },
    });
    const waiting = await tenant.newcomer();
    expect(await tenant.work(first)).toEqual([]);
    const { status, out } = await tenant.foyer(first, ['box-app', 'accept']);
    expect([status, out]).toEqual([
      0,
      expect.stringMatching(/1 of 1 accounts were checked at Box, and all of them match/),
    ]);
    expect(await tenant.work(first)).toEqual(['succeeded']);
    expect(await tenant.account(identityId)).toMatchObject({ boxUserId });
    expect(await world.usersOf(waiting.subject)).toHaveLength(1);
  });

  it('does not accept a user that has the external id of another person', async () => {
    const tenant = await world.tenant();
    const { boxUserId } = await tenant.mapped();
    await world.changeExternalId(first, boxUserId, '00uElse');
    await world.test.database.prisma.tenant.update({
      where: { id: tenant.tenantId },
      data: { boxClientId: 'mistaken-client' },
    });
    const { status, out } = await tenant.foyer(first, ['box-app', 'accept']);
    expect([status, out]).toEqual([1, expect.stringMatching(/has another external id/)]);
  });

  it('migrates only with --yes, and creates each person again exactly once', async () => {
    const [tenant, other] = [await world.tenant(), await world.tenant()];
    const people = [await tenant.mapped(), await tenant.mapped()];
    const bystander = await other.mapped();
    const dry = await tenant.foyer(second, ['box-app', 'migrate']);
    expect(outcome(dry)).toEqual([
      0,
      expect.stringMatching(/2 accounts become former.*\n.*Nothing was changed/),
    ]);
    expect(await tenant.work(second)).toEqual([]);

    const done = await tenant.foyer(second, ['box-app', 'migrate', '--yes']);
    expect(outcome(done)).toEqual([0, expect.stringMatching(/2 accounts are former ones, 2 requests/)]);
    // The old provisioner, still running, changes nothing; two new ones at the same time make each change once.
    expect(await tenant.work(first)).toEqual([]);
    await Promise.all([tenant.work(second), tenant.work(second)]);
    for (const { subject, identityId, boxUserId } of people) {
      const users = await world.usersOf(subject);
      expect(users.map(({ clientId }) => clientId).sort()).toEqual(['second-client', 'twin-box-client']);
      const now = users.find(({ clientId }) => clientId === 'second-client');
      expect(await tenant.account(identityId)).toMatchObject({ boxUserId: now!.id });
      expect(now!.id).not.toBe(boxUserId);
    }
    expect(await other.account(bystander.identityId)).toMatchObject({ boxUserId: bystander.boxUserId });
    expect((await tenant.foyer(second, ['box-app', 'migrate', '--yes'])).out).toMatch(
      /no decision is needed/,
    );
  });

  it('creates a new user for one person when Box confirms that the old one was deleted', async () => {
    const tenant = await world.tenant();
    const { identityId, boxUserId, subject } = await tenant.mapped();
    const recreate = () => tenant.foyer(first, ['box-app', 'recreate', identityId]);
    expect(outcome(await recreate())).toEqual([1, expect.stringMatching(/Refused: Box shows user/)]);
    await world.deleteUser(first, boxUserId);
    expect(outcome(await recreate())).toEqual([0, expect.stringMatching(/creates a new one/)]);
    expect(await tenant.work(first)).toEqual(['succeeded']);
    const [user, ...more] = await world.usersOf(subject);
    expect(more).toEqual([]);
    expect(await tenant.account(identityId)).toMatchObject({ boxUserId: user!.id });
    expect((await tenant.foyer(second, ['box-app', 'recreate', identityId])).err).toMatch(
      /belong to the Box app/,
    );
  });

  it.each([
    [['box-app', 'accept', '--sample', '0'], /--sample must be a whole number/],
    [['box-app', 'accept', '--sample', '1e3'], /--sample must be a whole number/],
    [['box-app', 'accept', '--sample=-1'], /--sample must be a whole number/],
    [['box-app', 'accept', 'everybody'], /everybody/],
    [['box-app', 'bogus'], /bogus/],
    [['box-app', 'migrate', '--force'], /--force/],
    [['box-app', 'recreate'], /id of one identity/],
    [['box-app', 'recreate', "'; DROP TABLE tenant; --"], /id of one identity/],
    [['box-app', 'recreate', randomUUID(), randomUUID()], /id of one identity/],
    [['box-app', 'recreate', randomUUID()], /There is no identity/],
    [['box-app', '--tenant', 'no-such-tenant'], /There is no tenant "no-such-tenant"/],
    [['box-app', '--tenant', 'NOT A TENANT'], /FOYER_TENANT must be/],
  ])('answers %j with one sentence and 2', async (args, sentence) => {
    const tenant = await world.tenant();
    const { status, err } = await tenant.foyer(first, args);
    expect([status, err]).toEqual([2, expect.stringMatching(sentence)]);
  });

  it('reports that it could not check when Box refuses the credentials or is unavailable, and changes nothing', async () => {
    const tenant = await world.tenant();
    await tenant.mapped();
    for (const env of [{ BOX_CLIENT_SECRET: 'wrong' }]) {
      const { status, out } = await tenant.foyer(second, ['box-app', 'accept'], env);
      expect([status, out]).toEqual([2, expect.stringMatching(/Box did not answer.*Nothing was changed/)]);
    }
    const { status, err } = await tenant.foyer(first, ['box-app'], { BOX_CLIENT_ID: '' });
    expect([status, err]).toEqual([2, expect.stringMatching(/BOX_CLIENT_ID is missing/)]);
    const away = await tenant.foyer(first, ['box-app'], { DATABASE_URL: 'postgresql://x:y@127.0.0.1:1/z' });
    expect([away.status, away.err]).toEqual([2, expect.not.stringMatching(/\n\s+at /)]);
  });
});
