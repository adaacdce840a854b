import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { sealAll, verify } from '../audit/audit.harness.ts';
import { createTestDatabase } from '../database/database.harness.ts';
import { findTenant, openDatabase } from '../database/database.ts';
import { RelayStore } from '../requests/relay-store.ts';
import { ScimUsers } from '../scim/users/users.ts';
import { checksumOf, migrationsDirectory, readLanded } from './files.ts';
import { buildEarlier, formerTexts, history } from './history.harness.ts';
import { buildPrunedChain, removeCall } from './pruned-chain.harness.ts';
import { migrate, migrationProblem, pendingMigrations } from './migrate.ts';
import { schemaSnapshot } from './schema-snapshot.harness.ts';

const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';
const admin = new pg.Client({ connectionString: server });
const databases: string[] = [];

async function newDatabase(): Promise<string> {
  const name = `upgrade_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name}`);
  databases.push(name);
  return Object.assign(new URL(server), { pathname: `/${name}` }).href;
}

async function on<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return work(client).finally(() => client.end());
}

/** The schema that this version creates in an empty database. */
let fresh: string[] = [];

beforeAll(async () => {
  await admin.connect();
  const copy = await createTestDatabase();
  fresh = await on(copy.url, schemaSnapshot).finally(() => copy.drop());
});
afterEach(async () => {
  for (const name of databases.splice(0)) await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
});
afterAll(() => admin.end());

const versions = history.map((landings, at) => [`${at + 1}. ${landings.at(-1) ?? ''}`, landings] as const);

describe('an upgrade of a database made by an earlier version', () => {
  it.each(versions)('has the schema of a new database and all of its data: %s', async (_last, landings) => {
    const url = await newDatabase();
    await buildEarlier(url, landings);
    await migrate({ databaseUrl: url });
    expect(await on(url, schemaSnapshot)).toEqual(fresh);
    expect(await on(url, async (client) => migrationProblem(await pendingMigrations(client)))).toBeNull();
    expect(await migrate({ databaseUrl: url })).toEqual({ applied: [] });

    const groups = landings.some((landing) => landing.includes('_scim.') || landing.endsWith('_scim'))
      ? 1
      : 0;
    expect(await on(url, held)).toEqual({
      people: 60,
      accounts: 50,
      calls: 120,
      groups,
      members: groups * 41,
      sessions: 1,
      lines: landings.length > 1 ? 3 : 0,
    });
    expect(await on(url, linked)).toEqual({ linked: 60, links: 60, directories: 1, fixed: 50, asInBox: 50 });
    await goesOn(url, groups);
  });
});

/** Everybody is reached by the id that they had, and keeps the Box user's external id. */
async function linked(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query<Record<string, number>>(`SELECT
    (SELECT count(*)::int FROM identity i JOIN identity_link l ON l.tenant_id = i.tenant_id AND l.identity_id = i.id
      AND l.directory = i.issuer AND l.subject = i.subject AND l.rule = 'migrated') AS linked,
    (SELECT count(*)::int FROM identity_link) AS links, (SELECT count(*)::int FROM directory) AS directories,
    (SELECT count(*)::int FROM identity WHERE box_external_id IS NOT NULL) AS fixed,
    (SELECT count(*)::int FROM identity i JOIN box_account a ON a.identity_id = i.id
      WHERE i.box_external_id = coalesce(a.external_id, i.subject)) AS "asInBox"`);
  return rows[0];
}

async function held(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query<Record<string, number>>(`SELECT
    (SELECT count(*)::int FROM identity) AS people, (SELECT count(*)::int FROM box_account) AS accounts,
    (SELECT count(*)::int FROM api_call) AS calls, (SELECT count(*)::int FROM scim_group) AS groups,
    (SELECT count(*)::int FROM scim_group_member) AS members,
    (SELECT count(*)::int FROM session s JOIN identity i ON i.id::text = s.sess ->> 'identityId') AS sessions,
    (SELECT count(*)::int FROM provisioning_batch b JOIN provisioning_batch_line l ON l.batch_id = b.id
      JOIN provisioning_request r ON r.id = l.request_id) AS lines`);
  return rows[0];
}

/** Runs this version's own statements: the relay takes the backlog, and Okta can push a person. */
async function goesOn(url: string, groups: number): Promise<void> {
  const database = openDatabase({ url, poolSize: 2 });
  try {
    const tenantId = (await findTenant(database, 'acme')) ?? '';
    const relay = new RelayStore(database, tenantId, 5_000);
    const due = [...(await relay.due('interactive', 100)), ...(await relay.due('background', 100))];
    expect(due).toHaveLength(10 + groups);
    const users = new ScimUsers(database, tenantId, 'https://example.okta.com');
    const created = await users.create({ userName: 'new@example.com', externalId: '00uNEW', active: true });
    expect(created.requests).toHaveLength(1);
  } finally {
    await database.close();
  }
}

describe('an audit chain that an earlier version has pruned', () => {
  const MONTH = '2026-01';
  const withSeal = versions.filter(([, landings]) => landings.includes('20261121130400_audit_seal'));

  it.each([withSeal.at(0)!, withSeal.at(-1)!])('is intact after the upgrade: %s', async (_last, landings) => {
    const url = await newDatabase();
    await buildEarlier(url, landings);
    const { head, keptCall } = await buildPrunedChain(url, MONTH);
    await migrate({ databaseUrl: url });
    const database = openDatabase({ url, poolSize: 4 });
    try {
      const tenantId = (await findTenant(database, 'acme')) ?? '';
      await sealAll(database, tenantId);
      expect(await verify(database, tenantId, head)).toMatchObject({
        ...{ findings: 0, first: [], waiting: 0, prunedMonths: [MONTH] },
        // Six calls and six outcomes, of which one call with its outcome was kept.
        prunings: [{ actor: 'migration', rows: 10 }],
      });
      await removeCall(url, keptCall);
      expect((await verify(database, tenantId, head)).findings).toBeGreaterThan(0);
    } finally {
      await database.close();
    }
  });
});

describe('the former texts of migrations', () => {
  it('are all present, and all known by their checksums', async () => {
    const texts = await formerTexts();
    const known = [...(await readLanded(migrationsDirectory()))].flatMap(([name, { superseded }]) =>
      superseded.map((checksum) => [`${name}.${checksum.slice(0, 8)}`, checksum]),
    );
    expect([...texts].map(([name, text]) => [name, checksumOf(text)]).sort()).toEqual(known.sort());
    expect(history.flat().filter((landing) => landing.includes('.'))).toEqual(
      expect.arrayContaining([...texts.keys()]),
    );
  });
});
