-- Files of people: how far each was read, what came of it, and the lines that somebody has to look at.

CREATE TABLE provisioning_batch (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id       uuid NOT NULL REFERENCES tenant (id),
  actor           text NOT NULL,
  format          text NOT NULL CHECK (format IN ('jsonl', 'csv')),
  -- A client's key stands for one body. Given up when the file was not read to its end.
  idempotency_key text,
  body_hash       text,
  -- Lines that are about somebody, and the number of the last one read, blank ones counted.
  lines           integer NOT NULL DEFAULT 0,
  last_line       integer NOT NULL DEFAULT 0,
  refused         integer NOT NULL DEFAULT 0,
  -- People who were in step when they came: no request was made for them.
  in_step         integer NOT NULL DEFAULT 0,
  stopped_line    integer,
  stopped_why     text,
  created_at      timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  -- Whoever reads the file says so every few seconds.
  heartbeat_at    timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  received_at     timestamptz(3),
  -- Final requests stay final: what was counted once all were needs no counting again.
  settled         jsonb,
  CHECK ((stopped_line IS NULL) = (stopped_why IS NULL)),
  CHECK (settled IS NULL OR received_at IS NOT NULL)
);
CREATE UNIQUE INDEX provisioning_batch_key ON provisioning_batch (tenant_id, actor, idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX provisioning_batch_by_age ON provisioning_batch (tenant_id, created_at DESC, id DESC);

-- A line that led to a request, which several batches may share, or one that was refused.
CREATE TABLE provisioning_batch_line (
  batch_id   uuid NOT NULL REFERENCES provisioning_batch (id),
  line       integer NOT NULL,
  subject    text,
  request_id uuid REFERENCES provisioning_request (id),
  code       text,
  errors     jsonb,
  PRIMARY KEY (batch_id, line),
  CHECK ((request_id IS NULL) <> (code IS NULL))
);
