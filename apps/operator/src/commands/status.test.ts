import { ProcessHeartbeat } from '@foyer/persistence';
import { OperatorWorld, type TenantWorld } from '../operator.harness.ts';

let world: OperatorWorld;
let tenant: TenantWorld;
beforeAll(async () => {
  world = await OperatorWorld.start();
});
beforeEach(async () => {
  tenant = await world.tenant();
});
afterAll(() => world.stop());

const both = async () => {
  for (const app of ['gateway', 'provisioner'] as const)
    await new ProcessHeartbeat(world.db.database, tenant.tenantId, app).beat();
};

describe('status', () => {
  it('shows what runs, what ended, and that nothing needs attention', async () => {
    await both();
    await tenant.person();
    const { status, out } = await tenant.run('status');
    expect({ status, out }).toMatchObject({ status: 0 });
    expect(out).toContain(`Tenant ${tenant.slug}: 1 person (1 active, 1 with a Box user), 0 groups`);
    expect(out).toMatch(/^ {2}gateway +\S+:\d+ +since /m);
    expect(out).toMatch(/^ {2}last 5 min +1 succeeded +0 failed +2 calls to Box$/m);
    expect(out).toContain('Nothing needs attention.');
  });

  it('shows what waits, what failed and what is next, and ends with 1', async () => {
    await both();
    const waiting = await tenant.admit();
    const failed = await tenant.admit();
    const late = await tenant.admit('00uLate');
    const fault = (status: number) =>
      world.box('POST', 'faults', { kind: 'status', status, match: { method: 'POST', path: '/2.0/users' } });
    await fault(403);
    await tenant.work(failed.requestId);
    await world.box('POST', 'reset');
    await fault(500);
    await tenant.work(late.requestId, 5);
    const { status, out } = await tenant.run('status');
    expect(status).toBe(1);
    expect(out).toMatch(/^ {2}queued +1 /m);
    expect(out).toMatch(/^ {2}1 +box_forbidden /m);
    expect(out).toMatch(
      new RegExp(`^  in \\d+ s +${late.requestId} +00uLate@example\\.com +after 1 attempts +box_`, 'm'),
    );
    expect(out).toContain('Failed requests that no later request resolved: 1.');
    const json = JSON.parse((await tenant.run('status', '--json')).out) as {
      work: { next: { requestId: string }[]; waiting: { status: string; count: number }[] };
      problems: string[];
    };
    expect(json.work.next.map(({ requestId }) => requestId)).toEqual([late.requestId]);
    expect(json.work.waiting.map(({ status: state }) => state)).toEqual(['queued', 'retrying']);
    expect(json.problems).toHaveLength(1);
    expect(waiting.requestId).not.toBe(late.requestId);
  });

  it('reports that nothing runs, and needs no variable of Box', async () => {
    const { BOX_CLIENT_SECRET: _secret, ...environment } = tenant.environment;
    const { status, out } = await tenant.runWith({ environment }, 'status');
    expect(status).toBe(1);
    expect(out).toContain('No gateway runs');
    expect(out).toContain('No provisioner runs');
  });
});

describe('person', () => {
  it('shows the details of one person, and that no obstacle is known', async () => {
    const { identityId, subject, boxUserId } = await tenant.person();
    const { status, out } = await tenant.run('person', subject.toUpperCase() + '@EXAMPLE.com');
    expect(status).toBe(0);
    expect(out).toContain(identityId);
    expect(out).toContain(`${boxUserId}, active, in step`);
    expect(out).toContain('Foyer knows no reason why this person would have no files.');
    const json = JSON.parse((await tenant.run('person', boxUserId, '--json')).out) as {
      people: { foundBy: string; identity: { id: string } }[];
    };
    expect(json.people).toMatchObject([{ foundBy: 'Box user id', identity: { id: identityId } }]);
  });

  it('shows why there are no files: the failed request with its remedy', async () => {
    const { requestId, subject } = await tenant.admit();
    await world.box('POST', 'faults', {
      kind: 'status',
      status: 403,
      match: { method: 'POST', path: '/2.0/users' },
    });
    await tenant.work(requestId);
    const { out } = await tenant.run('person', subject);
    expect(out).toMatch(/There is no Box user yet\. Request \S+ failed \(box_forbidden: .+dead retry/);
  });

  it('lists several people with one name, one per line', async () => {
    await tenant.admit('00uOne');
    await tenant.admit('00uTwo');
    const { out } = await tenant.run('person', 'Person', '00u');
    expect(out.match(/^[0-9a-f-]{36} /gm)).toHaveLength(2);
    expect(out).toContain('person ID shows the details of one person.');
  });

  it.each([[['person']], [['person', ' ']], [['person', 'x'.repeat(321)]], [['person', 'a\0b']]])(
    'refuses what cannot be a query: %j',
    async (args) => {
      const { status, err } = await tenant.run(...args);
      expect(status).toBe(2);
      expect(err).toContain('such as: person ada@example.com');
    },
  );

  it('ends with 1 when no person matches, and writes no control characters of a name', async () => {
    expect(await tenant.run('person', 'nobody@example.com')).toMatchObject({ status: 1 });
    const { identityId } = await tenant.admit();
    await tenant.sql('UPDATE identity SET name = $2 WHERE id = $1', [
      identityId,
      'Ada\u001b[2J\nState active',
    ]);
    const { out } = await tenant.run('person', identityId);
    expect(out).not.toContain('\u001b');
    expect(out.match(/^State /gm)).toHaveLength(1);
  });
});
