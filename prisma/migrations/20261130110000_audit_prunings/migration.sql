-- Pruning the audit log is an act of its own, sealed in the chain before any row goes; and what the log says of the time is
-- the database's.

-- The time of a row, and its transaction, whatever the statement says. Not ALWAYS: a subscriber of logical replication keeps
-- the publisher's. Only a role that may delete rows may say that they were pruned.
CREATE FUNCTION api_call_stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.operation = 'prune_audit_log' AND NOT has_table_privilege(current_user, 'public.api_call', 'DELETE') THEN
    RAISE EXCEPTION 'prune_audit_log is for a role that may prune' USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.at := clock_timestamp();
  NEW.tx := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER stamped BEFORE INSERT ON api_call FOR EACH ROW EXECUTE FUNCTION api_call_stamp();

-- An outcome is kept with its call: that one's tenant and time are the call's own. Of a call that is not there the foreign key
-- says so.
CREATE FUNCTION api_call_outcome_stamp() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  call record;
BEGIN
  SELECT c.at, c.tenant_id INTO call FROM public.api_call c WHERE c.id = NEW.call_id;
  IF FOUND THEN
    NEW.call_at := call.at;
    NEW.tenant_id := call.tenant_id;
  END IF;
  NEW.at := clock_timestamp();
  NEW.tx := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER stamped BEFORE INSERT ON api_call_outcome FOR EACH ROW EXECUTE FUNCTION api_call_outcome_stamp();

-- Which act a block was pruned by: the id of its call.
ALTER TABLE audit_block ADD COLUMN pruned_by bigint;

-- What was pruned before pruning was sealed: one act for each tenant, as of now. The next round seals it.
WITH pruned AS (
  SELECT tenant_id, seq, hash, count, call_ids, outcome_ids, entries FROM audit_block WHERE pruned_at IS NOT NULL
), kept AS (
  SELECT p.tenant_id,
    (SELECT range_agg(int8range(c.id, c.id + 1)) FROM pruned q JOIN api_call c ON q.call_ids @> c.id
     WHERE q.tenant_id = p.tenant_id AND q.entries IS NOT NULL) AS calls,
    (SELECT range_agg(int8range(o.call_id, o.call_id + 1)) FROM pruned q JOIN api_call_outcome o ON q.outcome_ids @> o.call_id
     WHERE q.tenant_id = p.tenant_id AND q.entries IS NOT NULL) AS outcomes,
    (SELECT count(*) FROM pruned q JOIN api_call c ON q.call_ids @> c.id
     WHERE q.tenant_id = p.tenant_id AND q.entries IS NOT NULL)
    + (SELECT count(*) FROM pruned q JOIN api_call_outcome o ON q.outcome_ids @> o.call_id
       WHERE q.tenant_id = p.tenant_id AND q.entries IS NOT NULL) AS rows
  FROM (SELECT DISTINCT tenant_id FROM pruned) p
), acts AS (
  INSERT INTO api_call (tenant_id, direction, system, operation, method, path, actor, parameters)
  SELECT k.tenant_id, 'in', 'foyer', 'prune_audit_log', 'RUN', 'migrate', 'migration',
    jsonb_build_object(
      'before', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM'),
      'blocks', (SELECT range_agg(int8range(seq, seq + 1))::text FROM pruned p WHERE p.tenant_id = k.tenant_id),
      'rows', (SELECT sum(count) FROM pruned p WHERE p.tenant_id = k.tenant_id) - k.rows,
      'head', (SELECT jsonb_build_object('seq', seq, 'hash', encode(hash, 'hex')) FROM pruned p
               WHERE p.tenant_id = k.tenant_id ORDER BY seq DESC LIMIT 1),
      'kept', jsonb_build_object('calls', coalesce(k.calls, '{}')::text, 'outcomes', coalesce(k.outcomes, '{}')::text))
  FROM kept k RETURNING id, tenant_id, at
)
INSERT INTO api_call_outcome (call_id, tenant_id, call_at, result, duration_ms) SELECT id, tenant_id, at, 'ok', 0 FROM acts;

-- A block goes to the end of its chain, and says itself when it was sealed. It may only be marked as pruned: by an act that
-- names it and is sealed behind it, and only one month after its rows' month and its sealing have ended.
CREATE OR REPLACE FUNCTION audit_block_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  cutoff timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '1 month';
  last record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT seq, hash INTO last FROM public.audit_block WHERE tenant_id = NEW.tenant_id ORDER BY seq DESC LIMIT 1;
    IF NEW.pruned_at IS NULL AND NEW.pruned_by IS NULL
      AND NEW.sealed_at BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() + interval '1 hour'
      AND NEW.seq = coalesce(last.seq, 0) + 1
      AND NEW.previous = coalesce(last.hash, decode(repeat('00', 32), 'hex'))
    THEN RETURN NEW; END IF;
  ELSIF TG_OP = 'UPDATE' THEN
    IF (NEW.tenant_id, NEW.seq, NEW.month, NEW.count, NEW.call_ids, NEW.outcome_ids, NEW.entries_digest, NEW.previous,
        NEW.hash, NEW.sealed_at)
      = (OLD.tenant_id, OLD.seq, OLD.month, OLD.count, OLD.call_ids, OLD.outcome_ids, OLD.entries_digest, OLD.previous,
        OLD.hash, OLD.sealed_at)
      AND NEW.pruned_at IS NOT NULL AND NEW.pruned_at = coalesce(OLD.pruned_at, NEW.pruned_at)
      AND (NEW.entries IS NULL OR NEW.entries = OLD.entries)
      AND OLD.month < to_char(cutoff, 'YYYY-MM') AND OLD.sealed_at AT TIME ZONE 'UTC' < cutoff
      AND EXISTS (
        SELECT FROM public.api_call c JOIN public.audit_block b ON b.tenant_id = c.tenant_id AND b.call_ids @> c.id
        WHERE c.id = NEW.pruned_by AND c.tenant_id = NEW.tenant_id AND c.operation = 'prune_audit_log' AND b.seq > NEW.seq
          AND (c.parameters ->> 'blocks')::int8multirange @> NEW.seq)
    THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
