import { randomUUID } from 'node:crypto';
import { OperatorWorld, type TenantWorld } from '../../operator.harness.ts';
import { certificateOf, type Certificate } from './verify.harness.ts';

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
const summary = ({ discrepancies }: Certificate) =>
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
