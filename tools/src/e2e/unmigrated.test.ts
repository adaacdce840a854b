import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { gatewayEnvironment, provisionerEnvironment, type Wiring } from '../stack/settings.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';
const admin = new pg.Client({ connectionString: server });
const names: string[] = [];

async function databaseFrom(template: string): Promise<string> {
  const name = `unmigrated_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  names.push(name);
  return Object.assign(new URL(server), { pathname: `/${name}` }).href;
}

async function change(databaseUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** Runs a program to its end, which comes soon because it cannot use the database. */
function said(
  file: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, file), ...args],
      { cwd: '/', env: { PATH: process.env.PATH, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, text: `${stdout}${stderr}`.trim() }),
    );
  });
}

const wiring = (databaseUrl: string): Wiring => ({
  ports: { gateway: 1, okta: 1, box: 1, provisioners: [1] },
  databaseUrl,
  sessionSecret: 'a-secret-of-this-test-long-enough-to-be-a-key',
});
/** What each program prints about this database, by its name. */
async function allSay(databaseUrl: string): Promise<Record<string, { code: number; text: string }>> {
  const gateway = gatewayEnvironment(wiring(databaseUrl));
  const provisioner = provisionerEnvironment(wiring(databaseUrl), 0);
  return {
    gateway: await said('apps/gateway/dist/main.js', [], gateway),
    provisioner: await said('apps/provisioner/dist/main.js', [], provisioner),
    operator: await said('apps/operator/dist/main.js', ['dead', 'list'], { ...gateway, ...provisioner }),
  };
}

function expectAll(answers: Record<string, { code: number; text: string }>, sentence: RegExp): void {
  for (const [program, { code, text }] of Object.entries(answers)) {
    expect(`${program} ${code}: ${text}`).toMatch(/^(gateway|provisioner) 1|^operator 2/);
    expect(text).toMatch(sentence);
    expect(text.split('\n')).toHaveLength(1);
  }
}

beforeAll(() => admin.connect());
afterAll(async () => {
  for (const name of names) await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.end();
});

describe('a program that finds an unusable database reports it in one sentence', () => {
  it('when it is not migrated', async () => {
    expectAll(await allSay(await databaseFrom('template0')), /the database is not migrated.*npm run migrate/);
  });

  it('when a migration was changed after it had been applied', async () => {
    const databaseUrl = await databaseFrom('foyer_template');
    await change(
      databaseUrl,
      `UPDATE _prisma_migrations SET checksum = repeat('0', 64) WHERE migration_name = '20261121130200_lanes'`,
    );
    expectAll(await allSay(databaseUrl), /prisma\/migrations\/20261121130200_lanes\/migration\.sql/);
  });
});
