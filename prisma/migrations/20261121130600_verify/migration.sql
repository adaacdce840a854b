-- Reading all of Box back (`verify`), and finding failed requests by their code.

-- One reading. The marker says where the listing goes on after an interruption; `listed` how many rows it has staged.
CREATE TABLE verify_run (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id   uuid NOT NULL REFERENCES tenant (id),
  marker      text,
  listed      integer NOT NULL DEFAULT 0,
  listed_at   timestamptz(3),
  digest      text,
  started_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  touched_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz(3)
);
CREATE INDEX verify_run_by_age ON verify_run (tenant_id, started_at DESC);

-- What Box listed. Not worth a place in the write-ahead log: it can be read again, and a crash shows in the count.
CREATE UNLOGGED TABLE verify_box_user (
  run_id      uuid NOT NULL REFERENCES verify_run (id) ON DELETE CASCADE,
  box_user_id text NOT NULL,
  external_id text,
  name        text NOT NULL,
  status      text NOT NULL,
  PRIMARY KEY (run_id, box_user_id)
);
CREATE INDEX verify_box_user_external ON verify_box_user (run_id, external_id);

-- What does not fit, until a second look has confirmed it or taken it away.
CREATE UNLOGGED TABLE verify_exception (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id          uuid NOT NULL REFERENCES verify_run (id) ON DELETE CASCADE,
  kind            text NOT NULL,
  identity_id     uuid,
  box_user_id     text,
  other_box_users text[] NOT NULL DEFAULT '{}',
  external_id     text,
  call_id         bigint,
  detail          text NOT NULL,
  confirmed       boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX verify_exception_once ON verify_exception
  (run_id, kind, coalesce(call_id::text, box_user_id, identity_id::text));
CREATE INDEX verify_exception_by_kind ON verify_exception (run_id, kind, id);

-- Failed requests of one code; those that went well have none and cost nothing here.
CREATE INDEX provisioning_request_by_error ON provisioning_request (tenant_id, error_code, created_at DESC, id DESC)
  WHERE error_code IS NOT NULL;
