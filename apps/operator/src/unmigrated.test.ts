import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { commands } from './commands/index.ts';
import { run } from './run.ts';
import { Terminal } from './terminal.ts';

const server = process.env.FOYER_TEST_POSTGRES_URL ?? '';
const admin = new pg.Client({ connectionString: server });
const name = `unmigrated_${randomBytes(6).toString('hex')}`;
const ID = '7d0f6f3a-1c1e-4a53-8f3f-5f7b8d2c4e02';

/** What a command requires, by its name. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  import: ['--format', 'jsonl', '-'],
  'audit export': ['--out', '/dev/null'],
  'audit prune': ['--keep-months', '12'],
  'dead explain': [ID],
  'dead retry': [ID],
  'box-app recreate': [ID],
  'scim-token create': ['--name', 'okta'],
  'scim-token revoke': ['okta'],
  person: ['ada@example.com'],
  'identity merge': [ID, ID],
  'held release': ['00u1exampleAda'],
};

beforeAll(async () => {
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`);
});
afterAll(async () => {
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await admin.end();
});

describe('on a database that is not migrated', () => {
  const names = commands.map((command) => command.path.join(' '));

  async function foyer(path: string): Promise<{ status: number; out: string; told: string }> {
    let [out, told] = ['', ''];
    const terminal = new Terminal({ write: (text) => (out += text) }, { write: (text) => (told += text) });
    const status = await run({
      args: [...path.split(' '), ...(OPTIONS[path] ?? [])],
      commands,
      terminal,
      stopping: new AbortController().signal,
      input: (async function* () {})(),
      environment: {
        DATABASE_URL: Object.assign(new URL(server), { pathname: `/${name}` }).href,
        OKTA_ISSUER_URI: 'https://example.okta.com',
        BOX_CLIENT_ID: 'client',
        BOX_CLIENT_SECRET: 'secret',
        BOX_ENTERPRISE_ID: '900100',
      },
    });
    return { status, out, told };
  }

  // `settings` opens no database.
  it.each(names.filter((name) => name !== 'doctor' && name !== 'settings'))(
    '%s says so in one sentence',
    async (path) => {
      const { status, told } = await foyer(path);
      expect(told).toMatch(/^foyer: the database is not migrated[^\n]*npm run migrate[^\n]*\n$/);
      expect(status).toBe(2);
    },
  );

  it('doctor reports it with the other results', async () => {
    const { status, out } = await foyer('doctor');
    expect(out).toMatch(/^FAILED +migrations: the database is not migrated.*npm run migrate/m);
    expect(status).toBe(1);
  });
});
