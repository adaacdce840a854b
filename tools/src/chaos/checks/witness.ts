import type { Admin } from '../admin.ts';
import { EPOCH } from '../clock.ts';

/**
 * What a simulated database has besides the migrations: a clock that stands still until it is moved, which the search
 * path finds before PostgreSQL's own, and triggers that record which connection changed what under which lease. Nothing
 * of the product is replaced except the time.
 */
const SETUP = `
  CREATE SCHEMA chaos;
  CREATE TABLE chaos.clock (at timestamptz NOT NULL);
  INSERT INTO chaos.clock VALUES (to_timestamp(${EPOCH / 1000}));
  CREATE FUNCTION chaos.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT at FROM chaos.clock';
  CREATE FUNCTION chaos.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM chaos.clock';
  CREATE FUNCTION chaos.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM chaos.clock';
  DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = chaos, pg_catalog, public', current_database());
  END $$;
  DO $$ DECLARE c record; BEGIN
    FOR c IN
      SELECT d.adrelid::regclass AS tbl, a.attname FROM pg_attrdef d
      JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
      WHERE pg_get_expr(d.adbin, d.adrelid) LIKE '%clock_timestamp()%'
    LOOP
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT chaos.clock_timestamp()', c.tbl, c.attname);
    END LOOP;
  END $$;

  -- Functions with a search path of their own have the same time, too.
  DO $$ DECLARE f record; BEGIN
    FOR f IN
      SELECT p.oid::regprocedure AS signature FROM pg_proc p
      WHERE p.pronamespace = 'public'::regnamespace AND p.prosrc LIKE '%clock_timestamp()%' AND p.proconfig IS NOT NULL
    LOOP
      EXECUTE format('ALTER FUNCTION %s SET search_path = chaos, pg_catalog, public, pg_temp', f.signature);
    END LOOP;
  END $$;

  -- The holder is whom or what a lease is for: a person or a group.
  CREATE TABLE chaos.written (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    pid integer NOT NULL DEFAULT pg_backend_pid(),
    what text NOT NULL,
    holder_id uuid,
    was_token bigint, token bigint, was_live boolean, is_active boolean, call_id bigint, detail text
  );
  CREATE INDEX written_by_holder ON chaos.written (holder_id, id);
  CREATE INDEX written_leases ON chaos.written (holder_id, id DESC) WHERE what = 'lease' AND token > was_token;
  CREATE FUNCTION chaos.lease_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.written (what, holder_id, was_token, token, was_live, is_active)
    VALUES ('lease', NEW.id, OLD.lease_token, NEW.lease_token,
      coalesce(OLD.lease_expires_at > chaos.clock_timestamp(), false), (to_jsonb(NEW) ->> 'active')::boolean);
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_written AFTER UPDATE OF lease_token, lease_expires_at ON identity FOR EACH ROW
    EXECUTE FUNCTION chaos.lease_written();
  CREATE TRIGGER chaos_written AFTER UPDATE OF lease_token, lease_expires_at ON scim_group FOR EACH ROW
    EXECUTE FUNCTION chaos.lease_written();
  -- A wait for the speed limit is told without a lease, and changes nothing but what people read.
  CREATE FUNCTION chaos.request_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.written (what, holder_id, detail)
    VALUES ('request', coalesce(NEW.identity_id, NEW.group_id), NEW.status);
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_written AFTER UPDATE ON provisioning_request FOR EACH ROW
    WHEN ((OLD.status, OLD.effect, OLD.outcome, OLD.attempts, OLD.failures, OLD.error_code)
      IS DISTINCT FROM (NEW.status, NEW.effect, NEW.outcome, NEW.attempts, NEW.failures, NEW.error_code))
    EXECUTE FUNCTION chaos.request_written();
  CREATE FUNCTION chaos.account_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.written (what, holder_id, detail)
    VALUES ('account', coalesce(NEW.identity_id, OLD.identity_id), TG_OP);
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_written AFTER INSERT OR UPDATE OR DELETE ON box_account FOR EACH ROW
    EXECUTE FUNCTION chaos.account_written();
  CREATE FUNCTION chaos.group_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.written (what, holder_id) VALUES ('group', NEW.id);
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_written_group AFTER UPDATE ON scim_group FOR EACH ROW
    WHEN ((OLD.box_group_id, OLD.box_name, OLD.begun_name, OLD.is_surveyed, OLD.applied_generation)
      IS DISTINCT FROM (NEW.box_group_id, NEW.box_name, NEW.begun_name, NEW.is_surveyed, NEW.applied_generation))
    EXECUTE FUNCTION chaos.group_written();
  -- What a trigger of the product does to members is part of another write.
  CREATE FUNCTION chaos.member_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.written (what, holder_id, detail)
    VALUES ('member', coalesce(NEW.group_id, OLD.group_id), TG_OP);
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_written AFTER INSERT OR UPDATE OR DELETE ON scim_group_member FOR EACH ROW
    WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION chaos.member_written();
  -- The token belongs to the whole process: nobody's lease covers it.
  CREATE FUNCTION chaos.call_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO chaos.written (what, holder_id, call_id, detail)
    VALUES (CASE NEW.operation WHEN 'token' THEN 'token' ELSE 'call' END,
      (SELECT coalesce(r.identity_id, r.group_id) FROM provisioning_request r WHERE r.id = NEW.request_id),
      NEW.id, NEW.operation);
    RETURN NULL;
  END $$;
  CREATE TRIGGER chaos_written AFTER INSERT ON api_call FOR EACH ROW EXECUTE FUNCTION chaos.call_written();
  CREATE INDEX written_calls ON chaos.written (call_id) WHERE call_id IS NOT NULL;
`;

/** Prepares a migrated database for the simulation; connections opened from now on see its clock. */
export async function installWitness(admin: Admin): Promise<void> {
  await admin.query(SETUP);
}

export async function setDatabaseClock(admin: Admin, now: number): Promise<void> {
  await admin.query('UPDATE chaos.clock SET at = to_timestamp($1::float8 / 1000)', [EPOCH + now]);
}

/**
 * One change, as a trigger saw it. `lease`: whether the token grew or the expiry was set; `wasLive`: whether the lease
 * had not expired before.
 */
export interface Written {
  readonly tx: string;
  readonly pid: number;
  readonly what: 'lease' | 'request' | 'account' | 'group' | 'member' | 'call' | 'token';
  readonly holderId: string;
  readonly wasToken: string | null;
  readonly token: string | null;
  readonly wasLive: boolean | null;
  readonly detail: string | null;
}

/** The writes to people and groups of a tenant, in order. */
export function readWritten(admin: Admin, tenantId: string): Promise<Written[]> {
  return admin.query<Written>(
    `SELECT w.tx::text, w.pid, w.what, w.holder_id AS "holderId", w.was_token::text AS "wasToken",
       w.token::text AS token, w.was_live AS "wasLive", w.detail
     FROM chaos.written w WHERE w.holder_id IN (
       SELECT id FROM identity WHERE tenant_id = $1 UNION ALL SELECT id FROM scim_group WHERE tenant_id = $1)
     ORDER BY w.id`,
    [tenantId],
  );
}

/** The current holder of the lease: the connection that took it, and whether the person was to be active then. */
export interface Holder {
  readonly pid: number;
  readonly isLive: boolean;
  readonly isActive: boolean | null;
}

/** Null when no lease was ever taken on it. */
export async function holderOf(admin: Admin, holderId: string): Promise<Holder | null> {
  const [row] = await admin.query<Holder>(
    `SELECT w.pid, w.is_active AS "isActive", coalesce((
       SELECT x.lease_expires_at FROM (
         SELECT id, lease_expires_at FROM identity UNION ALL SELECT id, lease_expires_at FROM scim_group) x
       WHERE x.id = $1) > chaos.clock_timestamp(), false) AS "isLive"
     FROM chaos.written w WHERE w.holder_id = $1 AND w.what = 'lease' AND w.token > w.was_token
     ORDER BY w.id DESC LIMIT 1`,
    [holderId],
  );
  return row ?? null;
}
