import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migration, directory, newDatabase, problemOf } from './migrate.harness.ts';
import { migrate } from './migrate.ts';

const PASSWORD = 'a-password-of-this-test';
const roles: string[] = [];
const newRole = (): string => {
  const role = `app_${randomBytes(6).toString('hex')}`;
  roles.push(role);
  return role;
};

async function as(databaseUrl: string, role: string, password = PASSWORD): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: Object.assign(new URL(databaseUrl), { username: role, password }).href,
  });
  await client.connect();
  return client;
}

/** PostgreSQL's answer to a statement: the SQLSTATE, or 'ok'. */
const answerTo = (client: pg.Client, sql: string): Promise<string> =>
  client.query(sql).then(
    () => 'ok',
    (error: unknown) => (error instanceof pg.DatabaseError ? (error.code ?? '') : String(error)),
  );
const REFUSED = '42501';

let admin: pg.Client;
beforeAll(async () => {
  admin = new pg.Client({ connectionString: process.env.FOYER_TEST_POSTGRES_URL });
  await admin.connect();
});
afterAll(async () => {
  for (const role of roles) await admin.query(`DROP ROLE IF EXISTS ${role}`);
  await admin.end();
});

describe('the role of the programs', () => {
  it('reads and writes rows, only appends to the audit log, and changes no table', async () => {
    const { databaseUrl, client } = await newDatabase();
    const role = newRole();
    await migrate({ databaseUrl, appRole: { name: role, password: PASSWORD } });
    const app = await as(databaseUrl, role);
    try {
      expect(await answerTo(app, `INSERT INTO tenant (slug) VALUES ('acme')`)).toBe('ok');
      expect(await answerTo(app, `UPDATE identity SET active = false`)).toBe('ok');
      expect(await answerTo(app, `DELETE FROM session`)).toBe('ok');
      expect(await answerTo(app, `SELECT FROM _prisma_migrations`)).toBe('ok');
      expect(await answerTo(app, `LISTEN foyer_request`)).toBe('ok');
      const log = `INSERT INTO api_call (tenant_id, direction, system, operation, method, path)
        SELECT id, 'in', 'foyer', 'x', 'GET', '/' FROM tenant`;
      expect(await answerTo(app, log)).toBe('ok');
      for (const table of ['api_call', 'api_call_outcome', 'audit_block']) {
        expect(await answerTo(app, `DELETE FROM ${table}`)).toBe(REFUSED);
        expect(await answerTo(app, `UPDATE ${table} SET tenant_id = tenant_id`)).toBe(REFUSED);
        expect(await answerTo(app, `ALTER TABLE ${table} DISABLE TRIGGER append_only`)).toBe(REFUSED);
      }
      for (const sql of [
        `UPDATE _prisma_migrations SET checksum = ''`,
        `TRUNCATE session`,
        `CREATE TABLE mine (id int)`,
        `DROP TABLE session`,
        `CREATE TRIGGER t AFTER INSERT ON session EXECUTE FUNCTION append_only()`,
        `SET session_replication_role = replica`,
        `CREATE ROLE another`,
      ])
        expect(`${sql}: ${await answerTo(app, sql)}`).toBe(`${sql}: ${REFUSED}`);
      const { rows } = await client.query(
        `SELECT relname FROM pg_class WHERE relowner = '${role}'::regrole AND relnamespace <> 'pg_toast'::regnamespace`,
      );
      expect(rows).toEqual([]);
    } finally {
      await app.end();
    }
  });

  it('gets rights on the tables of later migrations, and may only append to the append-only ones', async () => {
    const { databaseUrl } = await newDatabase();
    const appRole = { name: newRole(), password: PASSWORD };
    await migration('1_table', 'CREATE TABLE one (id int);');
    await migrate({ databaseUrl, directory, appRole });
    await migration('2_tables', 'CREATE TABLE two (id int); CREATE TABLE log (id int);');
    await migrate({ databaseUrl, directory });
    const app = await as(databaseUrl, appRole.name);
    try {
      expect(await answerTo(app, 'DELETE FROM two')).toBe('ok');
      await migration(
        '3_guard',
        `CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER append_only BEFORE UPDATE ON log FOR EACH ROW EXECUTE FUNCTION no();`,
      );
      await migrate({ databaseUrl, directory, appRole });
      expect(await answerTo(app, 'INSERT INTO log VALUES (1)')).toBe('ok');
      expect(await answerTo(app, 'DELETE FROM log')).toBe(REFUSED);
      expect(await answerTo(app, 'DELETE FROM two')).toBe('ok');
    } finally {
      await app.end();
    }
  });

  it('owns the schema of the queue, also one that another role created', async () => {
    const { databaseUrl, client } = await newDatabase();
    const name = newRole();
    await migration('1_table', 'CREATE TABLE one (id int);');
    await client.query(`CREATE SCHEMA foyer_queue; CREATE TABLE foyer_queue.job (id serial, data text);
      CREATE TYPE foyer_queue.state AS ENUM ('waiting'); CREATE VIEW foyer_queue.jobs AS SELECT * FROM foyer_queue.job;
      CREATE FUNCTION foyer_queue.add(t text) RETURNS void LANGUAGE sql AS $$ INSERT INTO foyer_queue.job (data) VALUES (t) $$`);
    await migrate({ databaseUrl, directory, appRole: { name, password: PASSWORD } });
    await migrate({ databaseUrl, directory, appRole: { name, password: PASSWORD } });
    const app = await as(databaseUrl, name);
    try {
      expect(await answerTo(app, `SELECT foyer_queue.add('x')`)).toBe('ok');
      expect(await answerTo(app, `DROP FUNCTION foyer_queue.add(text)`)).toBe('ok');
      expect(await answerTo(app, `ALTER TYPE foyer_queue.state ADD VALUE 'done'`)).toBe('ok');
      expect(await answerTo(app, `DROP VIEW foyer_queue.jobs`)).toBe('ok');
      expect(await answerTo(app, `ALTER TABLE foyer_queue.job ADD COLUMN more int`)).toBe('ok');
    } finally {
      await app.end();
    }
  });

  it('has its password changed, and no statement contains the password in plain text', async () => {
    const { databaseUrl, client } = await newDatabase();
    const name = newRole();
    await migration('1_table', 'CREATE TABLE one (id int);');
    await migrate({ databaseUrl, directory, appRole: { name, password: PASSWORD } });
    await migrate({ databaseUrl, directory, appRole: { name, password: 'another-password' } });
    const { rows } = await client.query<{ kept: string }>(
      `SELECT rolpassword AS kept FROM pg_authid WHERE rolname = $1`,
      [name],
    );
    const [, salt, stored, server] = /^SCRAM-SHA-256\$4096:(.+)\$(.+):(.+)$/.exec(rows[0]?.kept ?? '') ?? [];
    expect([salt, stored, server].map((part) => Buffer.from(part ?? '', 'base64').length)).toEqual([
      16, 32, 32,
    ]);
  });

  it.each([
    ['SUPERUSER', 'is a superuser'],
    ['CREATEROLE', 'may create roles'],
    ['BYPASSRLS', 'bypass row-level security'],
  ])('is rejected with %s', async (right, why) => {
    const { databaseUrl } = await newDatabase();
    const name = newRole();
    await admin.query(`CREATE ROLE ${name} LOGIN ${right}`);
    await migration('1_table', 'CREATE TABLE one (id int);');
    const problem = await problemOf(migrate({ databaseUrl, directory, appRole: { name } }));
    expect(problem.message).toContain(why);
  });

  it('is rejected when it may act as the owner of the tables', async () => {
    const { databaseUrl, client } = await newDatabase();
    const [owner, member] = [newRole(), newRole()];
    await admin.query(`CREATE ROLE ${owner}; CREATE ROLE ${member} LOGIN IN ROLE ${owner}`);
    await migration('1_table', `CREATE TABLE one (id int); ALTER TABLE one OWNER TO ${owner};`);
    for (const name of [owner, member]) {
      const problem = await problemOf(migrate({ databaseUrl, directory, appRole: { name } }));
      expect(problem.message).toContain('owns tables of Foyer');
    }
    await client.query('DROP TABLE one');
  });

  it.each([
    [{ name: 'Robert"; DROP' }, 'APP_DATABASE_ROLE'],
    [{ name: 'app_that_is_not_there' }, 'APP_DATABASE_PASSWORD'],
    [{ name: 'app_that_is_not_there', password: 'short' }, 'APP_DATABASE_PASSWORD'],
  ])('is rejected as %j', async (appRole, variable) => {
    const { databaseUrl } = await newDatabase();
    await migration('1_table', 'CREATE TABLE one (id int);');
    expect((await problemOf(migrate({ databaseUrl, directory, appRole }))).message).toContain(variable);
  });

  it('works with an owner who may not create roles, once an administrator has created it', async () => {
    const { databaseUrl, client } = await newDatabase();
    const [owner, name] = [newRole(), newRole()];
    const database = new URL(databaseUrl).pathname.slice(1);
    await client.query(`CREATE ROLE ${owner} LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE ${name} LOGIN PASSWORD '${PASSWORD}';
      GRANT ${name} TO ${owner}; ALTER DATABASE ${database} OWNER TO ${owner}`);
    const url = Object.assign(new URL(databaseUrl), { username: owner, password: PASSWORD }).href;
    try {
      await migrate({ databaseUrl: url, appRole: { name } });
      await migrate({ databaseUrl: url, appRole: { name } });
      const app = await as(databaseUrl, name);
      expect(await answerTo(app, 'CREATE TABLE foyer_queue.job (id int)')).toBe('ok');
      expect(await answerTo(app, `INSERT INTO tenant (slug) VALUES ('acme')`)).toBe('ok');
      expect(await answerTo(app, 'DELETE FROM api_call')).toBe(REFUSED);
      await app.end();
    } finally {
      await client.query(
        `ALTER DATABASE ${database} OWNER TO CURRENT_USER; DROP OWNED BY ${owner} CASCADE; DROP OWNED BY ${name} CASCADE`,
      );
    }
  });

  it('is reported with the remedy when the owner may not create it', async () => {
    const { databaseUrl, client } = await newDatabase();
    const owner = newRole();
    await client.query(
      `CREATE ROLE ${owner} LOGIN PASSWORD '${PASSWORD}'; ALTER SCHEMA public OWNER TO ${owner}`,
    );
    await migration('1_table', 'CREATE TABLE one (id int);');
    const url = Object.assign(new URL(databaseUrl), { username: owner, password: PASSWORD }).href;
    const problem = await problemOf(
      migrate({ databaseUrl: url, directory, appRole: { name: newRole(), password: PASSWORD } }),
    );
    expect(problem.message).toContain('let an administrator create the role');
  });
});
