import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { codeOf } from './database.ts';
import { MigrationError } from './error.ts';

/** The role of gateway, provisioner and operators' commands; it owns no table, so that it cannot disable a trigger. */
export interface AppRole {
  readonly name: string;
  /**
   * Set on the role, which is created if it does not exist. Absent: an administrator manages the role and its password.
   */
  readonly password?: string;
}

const QUEUE_SCHEMA = 'foyer_queue';
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Grants the role exactly what the programs need in this database, and revokes everything else: read and write rows,
 * read the applied migrations, only read and append where tables are append-only (they have a trigger `append_only`),
 * and own the queue's schema. Default privileges cover the tables of later migrations.
 * @throws MigrationError for a role that the programs must not use, or that this user may not create
 */
export async function grantAppRole(client: pg.Client, { name, password }: AppRole): Promise<void> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name))
    throw problem(`APP_DATABASE_ROLE is "${name}", but must be lower-case letters, digits and underscores`);
  const exists = await refuseMighty(client, name);
  if (!exists && password === undefined)
    throw problem(
      `there is no role "${name}": set APP_DATABASE_PASSWORD to let this command create it, or create it yourself`,
    );
  const verifier = password === undefined ? '' : verifierOf(password);
  await client.query(
    `SELECT set_config('foyer.app_role', $1, false), set_config('foyer.app_verifier', $2, false)`,
    [name, verifier],
  );
  await privileged(client, MAKE, `may not create the role "${name}" or set its password`, name);
  await privileged(client, GRANT, `may not grant the role "${name}" the rights that it needs`, name);
  await privileged(
    client,
    GIVE_QUEUE,
    `may not grant the schema ${QUEUE_SCHEMA} to the role "${name}"`,
    name,
  );
}

/** Whether the role exists. @throws MigrationError when it could bypass the guards of the tables */
async function refuseMighty(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ super: boolean; more: boolean; owner: boolean }>(
    `SELECT rolsuper AS super, rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS more,
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
         AND pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owner
     FROM pg_roles r WHERE rolname = $1`,
    [name],
  );
  const [role] = rows;
  if (!role) return false;
  const why = role.super
    ? 'is a superuser'
    : role.owner
      ? 'owns tables of Foyer, or is a member of the role that owns them'
      : role.more
        ? 'may create roles or databases, replicate, or bypass row-level security'
        : undefined;
  if (why !== undefined)
    throw problem(`the role "${name}" ${why}: give the programs their own role (APP_DATABASE_ROLE)`);
  return true;
}

async function privileged(client: pg.Client, sql: string, what: string, name: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    throw problem(
      `the user of DATABASE_URL ${what}: let an administrator create the role (CREATE ROLE ${name} LOGIN PASSWORD '…'; ` +
        `GRANT ${name} TO the user of DATABASE_URL), and do not set APP_DATABASE_PASSWORD`,
      error,
    );
  }
}

const problem = (message: string, cause?: unknown): MigrationError =>
  new MigrationError('role', message, cause);

/**
 * PostgreSQL's stored form of a password (RFC 5802, RFC 7677), sent instead of the password because statements may be
 * logged.
 */
function verifierOf(password: string): string {
  if (!/^[\x21-\x7e]{8,}$/.test(password))
    throw problem('APP_DATABASE_PASSWORD must be 8 or more printable ASCII characters without spaces');
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
}

const MAKE = `DO $foyer$
DECLARE
  app constant text := current_setting('foyer.app_role');
  verifier constant text := current_setting('foyer.app_verifier');
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = app) THEN
    EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L', app, verifier);
  ELSIF verifier <> '' THEN
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', app, verifier);
  END IF;
END $foyer$`;

const GRANT = `DO $foyer$
DECLARE
  app constant text := current_setting('foyer.app_role');
  t record;
BEGIN
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), app);
  EXECUTE format('REVOKE ALL ON SCHEMA public FROM %I', app);
  EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', app);
  EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', app);
  FOR t IN
    SELECT c.oid, c.relname, EXISTS (
      SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'append_only') AS append_only
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
  LOOP
    EXECUTE format('GRANT %s ON public.%I TO %I', CASE
      WHEN t.relname = '_prisma_migrations' THEN 'SELECT'
      WHEN t.append_only THEN 'SELECT, INSERT'
      ELSE 'SELECT, INSERT, UPDATE, DELETE' END, t.relname, app);
  END LOOP;
  EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM %I', app);
  EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', app);
  EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', app);
  EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO %I', app);
END $foyer$`;

/**
 * The queue library manages its own schema, so the role must own it, and everything that an earlier user created in it.
 */
const GIVE_QUEUE = `DO $foyer$
DECLARE
  app constant text := current_setting('foyer.app_role');
  given record;
BEGIN
  IF to_regnamespace('${QUEUE_SCHEMA}') IS NULL THEN
    EXECUTE format('CREATE SCHEMA ${QUEUE_SCHEMA} AUTHORIZATION %I', app);
    RETURN;
  END IF;
  FOR given IN
    SELECT format('ALTER SCHEMA ${QUEUE_SCHEMA} OWNER TO %I', app) AS sql FROM pg_namespace
    WHERE nspname = '${QUEUE_SCHEMA}' AND pg_get_userbyid(nspowner) <> app
    UNION ALL
    SELECT format('ALTER TABLE %s OWNER TO %I', c.oid::regclass, app) FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('${QUEUE_SCHEMA}') AND c.relkind IN ('r', 'p', 'v', 'm')
      AND pg_get_userbyid(c.relowner) <> app
    UNION ALL
    SELECT format('ALTER SEQUENCE %s OWNER TO %I', c.oid::regclass, app) FROM pg_class c
    WHERE c.relnamespace = to_regnamespace('${QUEUE_SCHEMA}') AND c.relkind = 'S' AND pg_get_userbyid(c.relowner) <> app
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
    UNION ALL
    SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, app) FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace('${QUEUE_SCHEMA}') AND pg_get_userbyid(p.proowner) <> app
    UNION ALL
    SELECT format('ALTER TYPE %s OWNER TO %I', y.oid::regtype, app) FROM pg_type y
    WHERE y.typnamespace = to_regnamespace('${QUEUE_SCHEMA}') AND y.typtype IN ('e', 'd')
      AND pg_get_userbyid(y.typowner) <> app
  LOOP
    EXECUTE given.sql;
  END LOOP;
END $foyer$`;
