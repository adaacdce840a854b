-- The audit log sealed into a chain of blocks: who changes, removes or slips in a row afterwards is found out.

-- Which transaction wrote a row: what a sealer needs to know that nothing can turn up any more behind what it seals.
-- Rows from before this migration get 0, without a rewrite of the table.
ALTER TABLE api_call ADD COLUMN tx xid8 NOT NULL DEFAULT '0';
ALTER TABLE api_call ALTER COLUMN tx SET DEFAULT pg_current_xact_id();
ALTER TABLE api_call_outcome ADD COLUMN tx xid8 NOT NULL DEFAULT '0';
ALTER TABLE api_call_outcome ALTER COLUMN tx SET DEFAULT pg_current_xact_id();
CREATE INDEX api_call_by_tx ON api_call (tenant_id, tx);
CREATE INDEX api_call_outcome_by_tx ON api_call_outcome (tenant_id, tx);

-- Some thousand rows of one month, hashed onto the block before. `entries` has (kind, id, digest) of each row, 41 bytes.
-- The exclusions say: a row is in one block, and only in one.
CREATE TABLE audit_block (
  tenant_id      uuid NOT NULL REFERENCES tenant (id),
  seq            bigint NOT NULL CHECK (seq > 0),
  month          text NOT NULL CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  count          integer NOT NULL CHECK (count > 0),
  call_ids       int8multirange NOT NULL,
  outcome_ids    int8multirange NOT NULL,
  entries        bytea,
  entries_digest bytea NOT NULL CHECK (length(entries_digest) = 32),
  previous       bytea NOT NULL CHECK (length(previous) = 32),
  hash           bytea NOT NULL CHECK (length(hash) = 32),
  sealed_at      timestamptz(3) NOT NULL,
  pruned_at      timestamptz(3),
  PRIMARY KEY (tenant_id, seq),
  CONSTRAINT audit_block_calls_once EXCLUDE USING gist (call_ids WITH &&),
  CONSTRAINT audit_block_outcomes_once EXCLUDE USING gist (outcome_ids WITH &&),
  CHECK (entries IS NOT NULL OR pruned_at IS NOT NULL)
);
-- Digests do not compress.
ALTER TABLE audit_block ALTER COLUMN entries SET STORAGE EXTERNAL;
CREATE INDEX audit_block_by_month ON audit_block (tenant_id, month, seq);

-- How far the sealer has come, per table. `horizon`: every row of an older transaction is sealed. `walked`: while it goes
-- through all rows by id (at first, and after a restore into another cluster, whose transactions count anew); else null.
CREATE TABLE audit_position (
  tenant_id uuid NOT NULL REFERENCES tenant (id),
  kind      text NOT NULL CHECK (kind IN ('call', 'outcome')),
  cluster   text NOT NULL,
  horizon   xid8 NOT NULL,
  walked    bigint,
  PRIMARY KEY (tenant_id, kind)
);

-- A sealed block may only be marked as pruned, and only one month after its rows' month and its sealing have ended. The
-- path is pinned: a table or operator of the session's own must not stand in for ours.
CREATE FUNCTION audit_block_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  cutoff timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '1 month';
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.pruned_at IS NULL
      AND NEW.sealed_at BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() + interval '1 hour'
    THEN RETURN NEW; END IF;
  ELSIF TG_OP = 'UPDATE' THEN
    IF (NEW.tenant_id, NEW.seq, NEW.month, NEW.count, NEW.call_ids, NEW.outcome_ids, NEW.entries_digest, NEW.previous,
        NEW.hash, NEW.sealed_at)
      = (OLD.tenant_id, OLD.seq, OLD.month, OLD.count, OLD.call_ids, OLD.outcome_ids, OLD.entries_digest, OLD.previous,
        OLD.hash, OLD.sealed_at)
      AND NEW.pruned_at IS NOT NULL AND NEW.pruned_at = coalesce(OLD.pruned_at, NEW.pruned_at)
      AND (NEW.entries IS NULL OR NEW.entries = OLD.entries)
      AND OLD.month < to_char(cutoff, 'YYYY-MM') AND OLD.sealed_at AT TIME ZONE 'UTC' < cutoff
    THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE INSERT OR UPDATE OR DELETE ON audit_block FOR EACH ROW EXECUTE FUNCTION audit_block_guard();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_block EXECUTE FUNCTION append_only();

-- A row may go once its block is marked as pruned.
CREATE FUNCTION append_only_until_pruned() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF TG_TABLE_NAME = 'api_call' THEN
      IF EXISTS (SELECT FROM public.audit_block WHERE tenant_id = OLD.tenant_id AND call_ids @> OLD.id AND pruned_at IS NOT NULL)
      THEN RETURN OLD; END IF;
    ELSE
      IF EXISTS (SELECT FROM public.audit_block WHERE tenant_id = OLD.tenant_id AND outcome_ids @> OLD.call_id AND pruned_at IS NOT NULL)
      THEN RETURN OLD; END IF;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER append_only ON api_call;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON api_call FOR EACH ROW EXECUTE FUNCTION append_only_until_pruned();
DROP TRIGGER append_only ON api_call_outcome;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON api_call_outcome FOR EACH ROW EXECUTE FUNCTION append_only_until_pruned();

-- Not to be skipped by session_replication_role either.
ALTER TABLE audit_block ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_block ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE api_call ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE api_call ENABLE ALWAYS TRIGGER append_only_truncate;
ALTER TABLE api_call_outcome ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE api_call_outcome ENABLE ALWAYS TRIGGER append_only_truncate;
