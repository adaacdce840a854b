import { createBox } from '@foyer/box';
import { BoxTwin } from '@foyer/box/testing';
import {
  Intake,
  PrismaCallLog,
  PrismaConvergenceStore,
  PrismaGroupStore,
  ScimGroups,
} from '@foyer/persistence';
import { createTestDatabase, somebody, type TestDatabase } from '@foyer/persistence/testing';
import { createLogger, Metrics } from '@foyer/platform';
import { defaultRetryPolicy } from '@foyer/provisioning';
import type { GroupEdit } from '@foyer/scim';
import { convergeGroupHandler, convergeHandler } from './converge.handler.ts';

let test: TestDatabase;
let twin: BoxTwin;
beforeAll(async () => {
  [test, twin] = await Promise.all([createTestDatabase(), BoxTwin.start()]);
});
beforeEach(() => twin.control('POST', 'reset'));
afterAll(async () => {
  await Promise.all([test.drop(), twin.stop()]);
});

/** Hundreds of people take many calls each. */
const LONG_MS = 300_000;

interface TwinState {
  readonly users: {
    readonly id: string;
    readonly externalId: string | null;
    readonly status: string;
    readonly kind: string;
  }[];
  readonly groups: { readonly id: string; readonly name: string }[];
  readonly memberships: { readonly userId: string; readonly groupId: string }[];
}

/** A tenant with workers on the Box twin, with as many attempts as in production but without the pauses. */
async function parts() {
  const tenantId = await test.tenant();
  const { database } = test;
  const limits = { leaseMs: 30_000, relayGraceMs: 5_000 };
  const box = createBox({
    auth: twin.auth,
    baseUrl: twin.url,
    log: new PrismaCallLog(database, tenantId, 30_000),
  });
  const base = {
    ...{ box, logger: createLogger('test', 'silent'), metrics: new Metrics('test') },
    policy: { ...defaultRetryPolicy, baseMs: 1, maxMs: 1 },
    stopping: new AbortController().signal,
  };
  const handlers = {
    person: convergeHandler({ ...base, store: new PrismaConvergenceStore(database, tenantId, limits) }),
    group: convergeGroupHandler({ ...base, store: new PrismaGroupStore(database, tenantId, limits) }),
  };
  /** Works on open requests, one attempt after the other, until none is open, or for at most `most` attempts. */
  const settle = async (
    kind: keyof typeof handlers,
    requestIds: readonly string[],
    most = 500,
  ): Promise<void> => {
    let open = [...requestIds];
    for (let rounds = 0; open.length > 0 && rounds < most; rounds++) {
      const left: string[] = [];
      for (const requestId of open)
        if ((await handlers[kind]({ requestId })).kind !== 'over') left.push(requestId);
      open = left;
    }
  };
  const ends = async (): Promise<unknown[]> => {
    const { rows } = await database.pool.query<Record<string, unknown>>(
      `SELECT status, outcome, error_code AS code, count(*)::int AS count FROM provisioning_request
       WHERE tenant_id = $1 GROUP BY 1, 2, 3`,
      [tenantId],
    );
    return rows;
  };
  const intake = new Intake(database, tenantId);
  const admit = async (given: Partial<ReturnType<typeof somebody>> = {}): Promise<string> => {
    const admission = await intake.admit({ ...somebody(), ...given }, 'api');
    if (admission.kind !== 'requested') throw new Error(admission.kind);
    return admission.requestId;
  };
  return {
    tenantId,
    intake,
    box,
    settle,
    ends,
    admit,
    state: () => twin.control('GET', 'state') as Promise<TwinState>,
  };
}

/** People who have Box users, as the ids of their identities. */
async function mapped(tenantId: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `00u${at}`);
  const { users } = (await twin.control('POST', 'seed', {
    users: names.map((externalId) => ({ name: externalId, externalId })),
  })) as { users: { id: string }[] };
  const { rows } = await test.database.pool.query<{ id: string }>(
    `WITH made AS (
       INSERT INTO identity (tenant_id, issuer, subject, username, name)
       SELECT $1, 'https://example.okta.com', s, s || '@example.com', s FROM unnest($2::text[]) s RETURNING id, subject)
     INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
     SELECT made.id, $1, x.id, made.subject, 'active', 1
     FROM made JOIN unnest($2::text[], $3::text[]) AS x (subject, id) ON x.subject = made.subject RETURNING identity_id AS id`,
    [tenantId, names, users.map(({ id }) => id)],
  );
  return rows.map(({ id }) => id);
}

/** How many members each group has in Box. */
async function inBox(): Promise<Record<string, number>> {
  const { groups, memberships } = (await twin.control('GET', 'state')) as TwinState;
  return Object.fromEntries(
    groups.map(({ id, name }) => [name, memberships.filter(({ groupId }) => groupId === id).length]),
  );
}

type Opened = readonly { readonly requestId: string }[];

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
      const { settle, ends, admit, state } = await parts();
      const requests: string[] = [];
      for (let people = 0; people < count; people++) requests.push(await admit());
      for (const fault of faults)
        await twin.control('POST', 'faults', { ...fault, times: null, match: { path: '/2.0/users' } });
      await settle('person', requests);
      expect(await ends()).toEqual([{ status: 'succeeded', outcome: 'created', code: null, count }]);
      const people = (await state()).users.filter(({ kind }) => kind === 'app');
      expect(people).toHaveLength(count);
      expect(new Set(people.map(({ externalId }) => externalId)).size).toBe(count);
    },
    LONG_MS,
  );
});

describe('a Box that loses every second call about groups', () => {
  it.each([
    ['before the commit', 'resetBefore'],
    ['after the commit', 'resetAfter'],
  ])(
    '%s still applies every member, new name and deletion',
    async (_when, kind) => {
      const { tenantId, settle, ends } = await parts();
      const groups = new ScimGroups(test.database, tenantId);
      const people = await mapped(tenantId, 3);
      const members = people.map((value) => ({ value, display: null, type: null }));
      /** One group after the other, so that each meets the fault at each of its calls. */
      const done = (written: Opened) =>
        settle(
          'group',
          written.map(({ requestId }) => requestId),
        );
      const create = async (displayName: string, size: number): Promise<string> => {
        const { resource, requests } = await groups.create({ displayName }, members.slice(0, size));
        await done(requests);
        return resource.id;
      };
      const change = async (id: string, edit: GroupEdit, displayName = ''): Promise<Opened> =>
        (await groups.edit(
          id,
          () => undefined,
          [edit],
          () => ({ displayName }),
        ))!.requests;
      const rename = (id: string, to: string) => change(id, { kind: 'attributes', operations: [] }, to);
      const lose = () =>
        twin.control('POST', 'faults', { kind, every: 2, times: null, match: { path: '/2.0' } });

      // Three pages of members, whom Foyer does not know.
      const { users } = (await twin.control('POST', 'seed', {
        users: Array.from({ length: 2_100 }, (_, at) => ({ name: `Other ${at}`, externalId: `other-${at}` })),
      })) as { users: { id: string }[] };
      const others = users.map(({ id }) => id);
      await twin.control('POST', 'seed', { groups: [{ name: 'By hand', members: others }] });
      await lose();
      const ids: string[] = [];
      for (let size = 0; size <= 3; size++) ids.push(await create(`Team ${size}`, size));
      ids.push(await create('By hand', 3));
      expect(await inBox()).toEqual({ 'Team 0': 0, 'Team 1': 1, 'Team 2': 2, 'Team 3': 3, 'By hand': 2_103 });

      await done(await change(ids[3]!, { kind: 'remove-members', values: people.slice(0, 1) }));
      const first = await rename(ids[1]!, 'Between');
      const second = await rename(ids[2]!, 'Team 1');
      await done([...first, ...second, ...(await rename(ids[1]!, 'Team 2'))]);
      expect(await inBox()).toEqual({ 'Team 0': 0, 'Team 1': 2, 'Team 2': 1, 'Team 3': 2, 'By hand': 2_103 });

      for (const id of ids) await done((await groups.remove(id, () => undefined))!);
      expect(await inBox()).toEqual({});
      const statuses = (await ends()).map((end) => (end as { status: string }).status);
      expect(new Set(statuses)).toEqual(new Set(['succeeded']));
    },
    LONG_MS,
  );

  it.each(['resetBefore', 'resetAfter'])(
    'with %s keeps no person in a group who left it before their add was settled',
    async (kind) => {
      const { tenantId, settle, ends } = await parts();
      const groups = new ScimGroups(test.database, tenantId);
      const people = await mapped(tenantId, 1);
      for (const [at, value] of ['first', 'second'].entries()) {
        const { resource, requests } = await groups.create({ displayName: value }, []);
        await settle(
          'group',
          requests.map(({ requestId }) => requestId),
        );
        // The add that ends ambiguously, and then the fault counts from the first or from the second call.
        const only = { method: 'POST', path: '/2.0/group_memberships' };
        await twin.control('POST', 'faults', { kind, times: 1, match: only });
        const member = { value: people[0]!, display: null, type: null };
        const edited = (edit: GroupEdit) =>
          groups.edit(
            resource.id,
            () => undefined,
            [edit],
            (document) => document,
          );
        const added = (await edited({ kind: 'add-members', members: [member] }))!.requests;
        await settle(
          'group',
          added.map(({ requestId }) => requestId),
          1,
        );
        await twin.control('DELETE', 'faults');
        await twin.control('POST', 'faults', { kind, every: 2, times: null, match: { path: '/2.0' } });
        if (at === 1) await fetch(new URL('/2.0/users/me', twin.url));
        const removed = (await edited({ kind: 'remove-members', values: people }))!.requests;
        await settle(
          'group',
          [...added, ...removed].map(({ requestId }) => requestId),
        );
        await twin.control('DELETE', 'faults');
        expect(await inBox()).toMatchObject({ [value]: 0 });
      }
      expect(new Set((await ends()).map((end) => (end as { status: string }).status))).toEqual(
        new Set(['succeeded']),
      );
    },
    LONG_MS,
  );
});

describe('a group for which Box answers every 15th add with 503 after carrying it out', () => {
  it('has all 400 members in the end: each attempt makes progress', async () => {
    const { tenantId, settle, ends, state } = await parts();
    const people = await mapped(tenantId, 400);
    const match = { method: 'POST', path: '/2.0/group_memberships' };
    await twin.control('POST', 'faults', { kind: 'statusAfter', status: 503, every: 15, times: null, match });
    const members = people.map((value) => ({ value, display: null, type: null }));
    const { requests } = await new ScimGroups(test.database, tenantId).create(
      { displayName: 'All' },
      members,
    );
    await settle(
      'group',
      requests.map(({ requestId }) => requestId),
    );
    expect(await ends()).toEqual([{ status: 'succeeded', outcome: 'created', code: null, count: 1 }]);
    expect(new Set((await state()).memberships.map(({ userId }) => userId)).size).toBe(400);
  });
});

describe('credentials that Box refuses for a long time', () => {
  it('fail no request: all continue once Box accepts them, and a leaver is deactivated', async () => {
    const { settle, ends, admit, state, box } = await parts();
    await settle('person', [await admit({ subject: '00uLeaver' })]);
    await box.close();

    // The workers of a process that has no token yet.
    const later = await parts();
    const { rows } = await test.database.pool.query<{ id: string }>(
      `INSERT INTO identity (tenant_id, issuer, subject, username, name, active, generation)
       VALUES ($1, 'https://example.okta.com', '00uLeaver', 'leaver@example.com', 'Leaver', false, 2) RETURNING id`,
      [later.tenantId],
    );
    const [user] = (await state()).users.filter(({ externalId }) => externalId === '00uLeaver');
    await test.database.pool.query(
      `INSERT INTO box_account (identity_id, tenant_id, box_user_id, name, status, applied_generation)
       VALUES ($1, $2, $3, 'Leaver', 'active', 1)`,
      [rows[0]!.id, later.tenantId, user!.id],
    );
    const leaving = await test.database.pool.query<{ id: string }>(
      `INSERT INTO provisioning_request (tenant_id, identity_id, generation, cause, priority, due_at)
       VALUES ($1, $2, 2, 'scim', 5, clock_timestamp()) RETURNING id`,
      [later.tenantId, rows[0]!.id],
    );
    const requests = [leaving.rows[0]!.id, await later.admit(), await later.admit()];

    const refusal = { status: 400, code: 'invalid_grant', message: 'Grant credentials are invalid' };
    const match = { path: '/oauth2/token' };
    await twin.control('POST', 'faults', { kind: 'status', ...refusal, times: null, match });
    // Three times the attempts of a request, which would take more than twenty minutes.
    await later.settle('person', requests, 3 * defaultRetryPolicy.attempts);
    expect(await later.ends()).toEqual([
      { status: 'retrying', outcome: null, code: 'box_auth_failed', count: 3 },
    ]);
    expect(later.box.credentialsProblem()).not.toBeNull();
    await twin.control('DELETE', 'faults');
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
