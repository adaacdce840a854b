-- The gateways and provisioners that run: each writes its row every few seconds, and removes it when it stops. Not worth a
-- place in the write-ahead log: after a crash of the database each process writes its row again.
CREATE UNLOGGED TABLE process (
  id              uuid PRIMARY KEY,
  tenant_id       uuid NOT NULL REFERENCES tenant (id),
  app             text NOT NULL CHECK (app IN ('gateway', 'provisioner')),
  host            text NOT NULL,
  pid             integer NOT NULL,
  started_at      timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  seen_at         timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  -- The process's clock minus the database's, in milliseconds.
  clock_offset_ms double precision NOT NULL
);
CREATE INDEX process_by_tenant ON process (tenant_id, app, started_at);
