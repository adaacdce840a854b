-- How much of Box's speed limit is left, one row per service account; tenants that share a Box app share it.
-- Unlogged: a permit costs no write to disk. What a crash of PostgreSQL takes away begins again empty, which never allows
-- more than before; only a pause that Box asked for is forgotten, and learnt anew from the next refusal.
CREATE UNLOGGED TABLE box_budget (
  client_id     text NOT NULL,
  enterprise_id text NOT NULL,
  -- Calls that may be made now, as of refilled_at.
  level         double precision NOT NULL DEFAULT 0 CHECK (level >= 0),
  refilled_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  paused_until  timestamptz,
  -- Refusals without a time of their own, one pause after the other.
  refusals      integer NOT NULL DEFAULT 0,
  PRIMARY KEY (client_id, enterprise_id)
) WITH (fillfactor = 10);
