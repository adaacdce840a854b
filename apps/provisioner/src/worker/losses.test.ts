import { defaultRetryPolicy } from '@foyer/provisioning';
import { LONG_MS, useLosses } from './losses.harness.ts';

const losses = useLosses();

describe('a Box that loses every second call', () => {
  it.each([
    ['before the commit', 200, [{ kind: 'resetBefore', every: 2 }]],
    ['after the commit', 50, [{ kind: 'resetAfter', every: 2 }]],
    // A quarter of the calls, and then a third of the rest.
    [
      'before the commit or after it',
      100,
      [
        { kind: 'resetAfter', every: 4 },
        { kind: 'resetBefore', every: 3 },
      ],
    ],
  ])(
    '%s still gives all of %i people exactly one user',
    async (_when, count, faults) => {
      const { settle, ends, admit, state } = await losses.fixture();
      const requests: string[] = [];
      for (let people = 0; people < count; people++) requests.push(await admit());
      for (const fault of faults)
        await losses
          .twin()
          .control('POST', 'faults', { ...fault, times: null, match: { path: '/2.0/users' } });
      await settle('person', requests);
      expect(await ends()).toEqual([{ status: 'succeeded', outcome: 'created', code: null, count }]);
      const people = (await state()).users.filter(({ kind }) => kind === 'app');
      expect(people).toHaveLength(count);
      expect(new Set(people.map(({ externalId }) => externalId)).size).toBe(count);
    },
    LONG_MS,
  );
});

describe('credentials that Box refuses for a long time', () => {
  it('fail no request: all continue once Box accepts them, and a leaver is deactivated', async () => {
    const { settle, ends, admit, state, box } = await losses.fixture();
    await settle('person', [await admit({ subject: '00uLeaver' })]);
    await box.close();

    // The workers of a process that has no token yet.
    const later = await losses.fixture();
    const { rows } = await losses.database().pool.query<{ id: string }>(
      `INSERT INTO identity (tenant_id, issuer, subject, username, name, active, generation)
       VALUES ($1, 'https://example.okta.com', '00uLeaver', 'leaver@example.com', 'Leaver', false, 2) RETURNING id`,
      [later.tenantId],
    );
    const [user] = (await state()).users.filter(({ externalId }) => externalId === '00uLeaver');
    await losses.database().pool.query(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       VALUES ($1, $2, $3, 'Leaver', 'active', 1)`,
      [rows[0]!.id, later.tenantId, user!.id],
    );
    const leaving = await losses.database().pool.query<{ id: string }>(
      `INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
       VALUES ($1, $2, 2, 'scim', 5, clock_timestamp()) RETURNING id`,
      [later.tenantId, rows[0]!.id],
    );
    const requests = [leaving.rows[0]!.id, await later.admit(), await later.admit()];

    const refusal = { status: 400, code: 'invalid_grant', message: 'Grant credentials are invalid' };
    const match = { path: '/oauth2/token' };
    await losses.twin().control('POST', 'faults', { kind: 'status', ...refusal, times: null, match });
    // Three times the attempts of a request, which would take more than twenty minutes.
    await later.settle('person', requests, 3 * defaultRetryPolicy.attempts);
    expect(await later.ends()).toEqual([
      { status: 'retrying', outcome: null, code: 'box_auth_failed', count: 3 },
    ]);
    expect(later.box.credentialsProblem()).not.toBeNull();
    await losses.twin().control('DELETE', 'faults');
    await later.settle('person', requests, Infinity);
    expect(await later.ends()).toEqual(
      expect.arrayContaining([
        { status: 'succeeded', outcome: 'created', code: null, count: 2 },
        { status: 'succeeded', outcome: 'deactivated', code: null, count: 1 },
      ]),
    );
    expect((await state()).users.find(({ externalId }) => externalId === '00uLeaver')?.status).toBe(
      'inactive',
    );
    expect(await ends()).toHaveLength(1);
    expect(later.box.credentialsProblem()).toBeNull();
  });
});
