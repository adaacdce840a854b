import { randomUUID } from 'node:crypto';
import { setTimeout as moment } from 'node:timers/promises';
import { OperatorWorld, type TenantWorld } from '../../operator.harness.ts';

let world: OperatorWorld;
let tenant: TenantWorld;

beforeAll(async () => {
  world = await OperatorWorld.start();
});
afterAll(() => world.stop());
beforeEach(async () => {
  tenant = await world.tenant();
});

interface Json {
  fits: boolean;
  counts: Record<string, number>;
  digest: string;
  inProgress: number;
  passed: number;
  settled: number;
  tooNew: number;
  notProvisioned: Record<string, number>;
  former: { digest: string } | null;
  discrepancies: Record<string, unknown>[];
}
const certificate = async (...args: string[]) => {
  const { status, out, err } = await tenant.run('verify', '--json', ...args);
  if (status === 2) throw new Error(err);
  return { status, ...(JSON.parse(out) as Json) };
};
const summary = ({ discrepancies }: Json) =>
  discrepancies.map(({ kind, identityId, boxUserId, confirmed }) => [kind, identityId, boxUserId, confirmed]);
/** The twin's own API, as another program uses it. */
const behindOurBack = async (method: string, path: string, body?: unknown) => {
  const token = (await (
    await fetch(`${world.boxUrl}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'twin-box-client',
        client_secret: 'twin-box-secret',
        box_subject_type: 'enterprise',
        box_subject_id: '900100',
      }),
    })
  ).json()) as { access_token: string };
  const response = await fetch(`${world.boxUrl}/2.0/${path}`, {
    method,
    headers: { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
};
const age = (identityId: string) =>
  tenant.plant(
    `INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path, identity_id, request_id, parameters)
     SELECT tenant_id, clock_timestamp() - interval '1 minute', 'out', 'box', 'create_user', 'POST', '/2.0/users', id, gen_random_uuid(), '{}'
     FROM identity WHERE id = $1 RETURNING id::text`,
    [identityId],
  );

describe('verify', () => {
  it('certifies a matching state, twice with the same result', async () => {
    await tenant.people(30);
    await tenant.person();
    const first = await certificate();
    expect(first).toMatchObject({
      status: 0,
      fits: true,
      counts: {
        identities: 31,
        boxUsers: 31,
        mapped: 31,
        duplicate: 0,
        orphan: 0,
        missing: 0,
        unverified: 0,
        drifted: 0,
      },
      former: null,
      discrepancies: [],
    });
    expect(first.digest).toMatch(/^[0-9a-f]{64}$/);
    const second = await certificate();
    expect([second.digest, second.former?.digest]).toEqual([first.digest, first.digest]);
    await tenant.person();
    expect((await certificate()).digest).not.toBe(first.digest);
  });

  it('lists each change that was made outside Foyer, with its remedy', async () => {
    const [gone, renamed, off, given, fine] = [
      await tenant.person(),
      await tenant.person(),
      await tenant.person(),
      await tenant.person(),
      await tenant.person(),
    ];
    await behindOurBack('DELETE', `users/${gone.boxUserId}`);
    await behindOurBack('PUT', `users/${renamed.boxUserId}`, { name: 'Mallory' });
    await behindOurBack('PUT', `users/${off.boxUserId}`, { status: 'inactive' });
    await behindOurBack('PUT', `users/${given.boxUserId}`, { external_app_user_id: 'somebody-else' });
    const { users } = (await world.box('POST', 'seed', {
      users: [{ name: 'Olga Nobody', externalId: 'of-nobody' }, { name: 'Otto Nameless' }],
    })) as { users: { id: string }[] };
    const found = await certificate();
    expect(found.status).toBe(1);
    expect(summary(found).sort()).toEqual(
      [
        ['missing', gone.identityId, gone.boxUserId, true],
        ['drifted', renamed.identityId, renamed.boxUserId, true],
        ['drifted', off.identityId, off.boxUserId, true],
        ['mismatched', given.identityId, given.boxUserId, true],
        ['orphan', null, users[0]!.id, true],
        ['orphan', null, users[1]!.id, true],
      ].sort(),
    );
    expect(found.discrepancies.find(({ identityId }) => identityId === renamed.identityId)).toMatchObject({
      detail: `Box user ${renamed.boxUserId} is named "Mallory" in Box, "Person ${renamed.subject}" here.`,
      username: `${renamed.subject}@example.com`,
      requestId: renamed.requestId,
      docs: 'docs/operate.md#drifted',
    });
    const text = await tenant.run('verify');
    expect(text.status).toBe(1);
    expect(text.out).toContain('6 discrepancies need an operator, or verify --repair.');
    expect(text.out).toContain(`${gone.subject}@example.com (identity ${gone.identityId})`);
    expect(text.out).not.toContain(fine.boxUserId);
  });

  it('finds two Box users of one person, and a Box user that waits to be mapped', async () => {
    const twice = await tenant.person();
    await behindOurBack('PUT', `users/${twice.boxUserId}`, { external_app_user_id: 'moved-away' });
    const unmapped = await tenant.admit();
    await world.box('POST', 'faults', { kind: 'resetAfter', match: { method: 'POST', path: '/2.0/users' } });
    await tenant.work(unmapped.requestId);
    const { users } = (await world.box('POST', 'seed', {
      users: [{ name: 'Second', externalId: twice.subject }],
    })) as { users: { id: string }[] };
    const found = await certificate();
    expect(summary(found)).toEqual(
      expect.arrayContaining([
        ['duplicate', null, twice.boxUserId, true],
        ['unmapped', unmapped.identityId, expect.any(String), true],
        ['mismatched', twice.identityId, twice.boxUserId, true],
      ]),
    );
    expect(found.discrepancies).toHaveLength(3);
    expect(found.discrepancies[0]).toMatchObject({
      otherBoxUserIds: [users[0]!.id],
      externalId: twice.subject,
    });
    expect((await tenant.run('dead', 'retry', unmapped.requestId)).status).toBe(0);
    const [retried] = await tenant.sql<{ id: string }>(
      'SELECT id FROM provisioning_request WHERE retry_of = $1',
      [unmapped.requestId],
    );
    await tenant.work(retried!.id);
    expect((await certificate()).counts.unmapped).toBe(0);
  });

  it('names an identity without its link, and a link without an identity', async () => {
    const [unlinked, crossed, fine] = [await tenant.person(), await tenant.person(), await tenant.person()];
    const nobody = randomUUID();
    // As a restore in part leaves it: with the triggers and foreign keys off.
    await world.db.database.pool.query(`
      SET LOCAL session_replication_role = replica;
      DELETE FROM identity_link WHERE identity_id = '${unlinked.identityId}';
      UPDATE identity_link SET identity_id = '${fine.identityId}' WHERE identity_id = '${crossed.identityId}';
      INSERT INTO identity_link (tenant_id, directory, subject, identity_id, rule)
        SELECT tenant_id, issuer, '00unobody', '${nobody}', 'same_subject' FROM identity WHERE id = '${fine.identityId}'`);
    const found = await certificate();
    expect([found.status, found.counts['unlinked']]).toEqual([1, 3]);
    expect(summary(found)).toEqual(
      expect.arrayContaining([
        ['unlinked', unlinked.identityId, unlinked.boxUserId, true],
        ['unlinked', crossed.identityId, crossed.boxUserId, true],
        ['unlinked', nobody, null, true],
      ]),
    );
    expect(found.discrepancies.map(({ detail }) => detail)).toEqual(
      expect.arrayContaining([
        expect.stringContaining(fine.identityId),
        expect.stringContaining('such as the id 00unobody of https://'),
      ]),
    );
  });

  it('skips people whom a worker processes, and counts people without a Box user by reason', async () => {
    await tenant.admit();
    const refused = await tenant.admit();
    await world.box('POST', 'faults', {
      kind: 'status',
      status: 403,
      match: { method: 'POST', path: '/2.0/users' },
    });
    await tenant.work(refused.requestId);
    const left = await tenant.admit();
    await tenant.sql('UPDATE identity SET active = false WHERE id = $1', [left.identityId]);
    await tenant.work(left.requestId);
    expect(await certificate()).toMatchObject({
      status: 0,
      inProgress: 1,
      notProvisioned: { box_forbidden: 1, deactivated: 1 },
      discrepancies: [],
    });
  });

  it('lists a write without an outcome until a worker has read the state, and no recent write', async () => {
    const failed = await tenant.admit();
    await world.box('POST', 'faults', {
      kind: 'status',
      status: 403,
      match: { method: 'POST', path: '/2.0/users' },
    });
    await tenant.work(failed.requestId);
    const [call] = await age(failed.identityId);
    const found = await certificate();
    expect(found).toMatchObject({
      status: 1,
      discrepancies: [
        { kind: 'unverified', identityId: failed.identityId, callId: call!.id, requestId: failed.requestId },
      ],
    });
    expect((await certificate()).counts.unverified).toBe(1);
    await tenant.run('dead', 'retry', failed.requestId);
    const [retried] = await tenant.sql<{ id: string }>(
      'SELECT id FROM provisioning_request WHERE retry_of = $1',
      [failed.requestId],
    );
    await tenant.work(retried!.id);
    expect(await certificate()).toMatchObject({ status: 0, discrepancies: [] });
  });

  it('settles an update without an outcome by reading it back', async () => {
    const mapped = await tenant.person();
    const plant = () =>
      tenant.plant(
        `INSERT INTO api_call (tenant_id, at, direction, system, operation, method, path, identity_id, parameters)
         VALUES ($1, clock_timestamp() - interval '1 minute', 'out', 'box', 'update_user', 'PUT', '/2.0/users/1', $2, '{"status": "inactive"}')`,
        [tenant.tenantId, mapped.identityId],
      );
    await plant();
    expect(await certificate()).toMatchObject({ status: 0, settled: 1 });
    expect(await certificate()).toMatchObject({ status: 0, settled: 0 });
    await behindOurBack('PUT', `users/${mapped.boxUserId}`, { status: 'inactive' });
    await plant();
    expect((await certificate()).discrepancies.map(({ kind }) => kind)).toEqual(['unverified', 'drifted']);
  });

  it('lists a person without a Box user and without a request', async () => {
    const lost = await tenant.admit();
    await tenant.sql(
      `UPDATE provisioning_request SET status = 'succeeded', outcome = 'created', due_at = NULL, finished_at = now() WHERE id = $1`,
      [lost.requestId],
    );
    expect(summary(await certificate())).toEqual([['missing', lost.identityId, null, true]]);
  });

  it('does not report a look-up that lags', async () => {
    await world.box('PUT', 'settings', { lookupLagMs: 3_600_000 });
    await tenant.person();
    await tenant.sql(
      `UPDATE box_account SET created_at = created_at - interval '1 hour' WHERE tenant_id = $1`,
      [tenant.tenantId],
    );
    expect(await certificate()).toMatchObject({ status: 0, counts: { boxUsers: 0, mapped: 1 }, passed: 1 });
  });

  it('records its calls', async () => {
    await tenant.people(3);
    await certificate();
    const calls = await tenant.sql<{ operation: string }>(
      'SELECT operation FROM api_call WHERE tenant_id = $1 ORDER BY id',
      [tenant.tenantId],
    );
    expect(calls.map(({ operation }) => operation)).toEqual(['token', 'list_users']);
  });
});

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
