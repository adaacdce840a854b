import { setTimeout as moment } from 'node:timers/promises';
import { OperatorWorld, type TenantWorld } from '../../operator.harness.ts';
import { certificateOf } from './verify.harness.ts';

let world: OperatorWorld;
let tenant: TenantWorld;

beforeAll(async () => {
  world = await OperatorWorld.start();
});
afterAll(() => world.stop());
beforeEach(async () => {
  tenant = await world.tenant();
});

const certificate = (...args: string[]) => certificateOf(tenant, ...args);

describe('an interrupted verify', () => {
  const listings = async () =>
    (
      (await world.box('GET', 'calls')) as { calls: { path: string; query: { marker?: string } }[] }
    ).calls.filter(({ path }) => path === '/2.0/users');
  const until = async (condition: () => Promise<boolean>, { ended }: ReturnType<TenantWorld['start']>) => {
    const end = ended.then(({ err }) => {
      throw new Error(`It ended: ${err}`);
    });
    end.catch(() => undefined);
    while (!(await condition())) await Promise.race([moment(10), end]);
  };
  const stagedPages = async (count: number) => {
    const [run] = await tenant.sql<{ listed: number }>(
      'SELECT listed FROM verify_run WHERE tenant_id = $1 AND finished_at IS NULL',
      [tenant.tenantId],
    );
    return (run?.listed ?? 0) >= count;
  };
  /** Every repetition of the call that is held back together takes longer than a busy machine takes to see the first. */
  const patient = { BOX_TIMEOUT_MS: '5000' };
  /** Box answers no listing from now on, after the first `skip`, however often it is asked. */
  const holdBack = (skip: number) =>
    world.box('POST', 'faults', {
      ...{ kind: 'hang', times: null, skip },
      match: { method: 'GET', path: '/2.0/users' },
    });
  /** The lock of a killed process is released when the server notices its end. */
  const isReleased = async () =>
    (
      await tenant.sql(
        `SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
         WHERE l.locktype = 'advisory' AND d.datname = current_database()`,
      )
    ).length === 0;
  /** Interrupts a run after its first page, by holding back the second. */
  const breakOff = async (signal: 'SIGKILL' | 'SIGINT') => {
    await tenant.people(3000);
    await holdBack(1);
    const started = tenant.start(['verify'], patient);
    await until(() => stagedPages(1000), started);
    started.child.kill(signal);
    const end = await started.ended;
    while (!(await isReleased())) await moment(10);
    await world.box('DELETE', 'faults');
    await world.box('DELETE', 'calls');
    return end;
  };

  it('continues where it was killed', async () => {
    await breakOff('SIGKILL');
    const { status, counts, fits } = await certificate('--resume');
    expect([status, fits, counts.boxUsers, counts.identities]).toEqual([0, true, 3000, 3000]);
    const calls = await listings();
    expect(calls.length).toBe(2);
    expect(calls.every(({ query }) => query.marker !== undefined)).toBe(true);
  });

  it('says after Ctrl-C how to continue, and starts again when Box no longer accepts the marker', async () => {
    const { status, err } = await breakOff('SIGINT');
    expect([status, err]).toEqual([2, expect.stringContaining('Run verify again to continue')]);
    await tenant.sql(`UPDATE verify_run SET marker = 'stale' WHERE tenant_id = $1`, [tenant.tenantId]);
    const { status: good, out, err: remarks } = await tenant.run('verify');
    expect([good, remarks]).toEqual([0, expect.stringContaining('The listing starts again')]);
    expect(out).toContain('3,000 Box users');
    expect((await tenant.run('verify', '--resume')).err).toContain('No run was interrupted');
  });

  it('does not trust what a crash of the database has emptied', async () => {
    await breakOff('SIGKILL');
    await tenant.sql(
      'DELETE FROM verify_box_user WHERE run_id IN (SELECT id FROM verify_run WHERE tenant_id = $1)',
      [tenant.tenantId],
    );
    expect(await certificate()).toMatchObject({ status: 0, counts: { boxUsers: 3000 } });
    expect(await listings()).toHaveLength(3);
  });

  it('lets only one read at a time', async () => {
    await tenant.people(3);
    await holdBack(0);
    const started = tenant.start(['verify'], patient);
    await until(async () => (await listings()).length > 0, started);
    // Stopped, it keeps its connection and its lock, and cannot end before the other has been refused.
    started.child.kill('SIGSTOP');
    expect(await tenant.run('verify')).toMatchObject({
      status: 2,
      err: expect.stringContaining('Another verify of this tenant is running.') as string,
    });
    started.child.kill('SIGKILL');
    await started.ended;
  });

  it('waits as long as Box asks, and reports when Box stays unavailable', async () => {
    await tenant.people(3);
    await world.box('POST', 'faults', {
      kind: 'status',
      status: 429,
      retryAfter: 1,
      match: { path: '/2.0/users' },
    });
    expect((await certificate()).status).toBe(0);
    await world.box('POST', 'faults', { kind: 'status', status: 403, match: { path: '/2.0/users' } });
    expect(await tenant.run('verify')).toMatchObject({
      status: 2,
      err: expect.stringMatching(
        /Box could not be read: Box answered 403.*docs\/errors.md#box_forbidden/,
      ) as string,
    });
  });
});
