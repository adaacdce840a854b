import { createBox } from '@foyer/box';
import { BoxTwin } from '@foyer/testing';
import { Intake, PrismaCallLog, PrismaConvergenceStore, PrismaGroupStore } from '@foyer/persistence';
import { createTestDatabase, samplePerson, type TestDatabase } from '@foyer/persistence/testing';
import { createLogger, Metrics } from '@foyer/platform';
import { defaultRetryPolicy } from '@foyer/provisioning';
import { convergeGroupHandler, convergeHandler } from './converge.handler.ts';

/** Hundreds of people take many calls each. */
export const LONG_MS = 300_000;

export interface TwinState {
  readonly users: {
    readonly id: string;
    readonly externalId: string | null;
    readonly status: string;
    readonly kind: string;
  }[];
  readonly groups: { readonly id: string; readonly name: string }[];
  readonly memberships: { readonly userId: string; readonly groupId: string }[];
}

interface Servers {
  readonly test: TestDatabase;
  readonly twin: BoxTwin;
}

/** A tenant with workers on the Box twin, with as many attempts as in production but without the pauses. */
async function fixture({ test, twin }: Servers) {
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
  const admit = async (given: Partial<ReturnType<typeof samplePerson>> = {}): Promise<string> => {
    const admission = await intake.admit({ ...samplePerson(), ...given }, 'api');
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
    state: () => twin.control<TwinState>('GET', 'state'),
  };
}

/** People who have Box users, as the ids of their identities. */
async function mapped({ test, twin }: Servers, tenantId: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `00u${at}`);
  const { users } = await twin.control<{ users: { id: string }[] }>('POST', 'seed', {
    users: names.map((externalId) => ({ name: externalId, externalId })),
  });
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
async function inBox({ twin }: Servers): Promise<Record<string, number>> {
  const { groups, memberships } = await twin.control<TwinState>('GET', 'state');
  return Object.fromEntries(
    groups.map(({ id, name }) => [name, memberships.filter(({ groupId }) => groupId === id).length]),
  );
}

/** The database and the Box twin of one test file, from its first test to its last, and tenants with workers on both. */
export function useLosses() {
  let servers: Servers;
  beforeAll(async () => {
    const [test, twin] = await Promise.all([createTestDatabase(), BoxTwin.start()]);
    servers = { test, twin };
  });
  beforeEach(() => servers.twin.control('POST', 'reset'));
  afterAll(async () => {
    await Promise.all([servers.test.drop(), servers.twin.stop()]);
  });
  return {
    fixture: () => fixture(servers),
    mapped: (tenantId: string, count: number) => mapped(servers, tenantId, count),
    inBox: () => inBox(servers),
    database: () => servers.test.database,
    twin: () => servers.twin,
  };
}
