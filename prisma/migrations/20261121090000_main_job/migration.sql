-- The main job: identities, their Box accounts, the requests that converge them, and the record of every call.
-- Times are timestamptz(3): what a cursor carries through JavaScript must compare equal here.

CREATE TABLE tenant (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  slug       text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

-- The desired state. The lease columns say which worker may change Box for this identity; the token only grows.
CREATE TABLE identity (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id        uuid NOT NULL REFERENCES tenant (id),
  issuer           text NOT NULL,
  subject          text NOT NULL,
  username         text NOT NULL,
  email            text,
  name             text NOT NULL,
  active           boolean NOT NULL DEFAULT true,
  generation       integer NOT NULL DEFAULT 1 CHECK (generation > 0),
  lease_token      bigint NOT NULL DEFAULT 0,
  lease_expires_at timestamptz(3),
  created_at       timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at       timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, issuer, subject),
  UNIQUE (tenant_id, id)
);
CREATE INDEX identity_by_age ON identity (tenant_id, created_at DESC, id DESC);
CREATE INDEX identity_by_subject ON identity (tenant_id, subject, created_at DESC, id DESC);
CREATE INDEX identity_by_username ON identity (tenant_id, username, created_at DESC, id DESC);

-- The mapping. One account per identity, one identity per Box user: whoever races, the database refuses the second.
CREATE TABLE box_account (
  identity_id        uuid PRIMARY KEY,
  tenant_id          uuid NOT NULL,
  box_user_id        text NOT NULL CHECK (box_user_id ~ '^[0-9]{1,20}$'),
  name               text NOT NULL,
  status             text NOT NULL CHECK (status IN ('active', 'inactive')),
  applied_generation integer NOT NULL CHECK (applied_generation >= 0),
  created_at         timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at         timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
CREATE UNIQUE INDEX box_account_box_user ON box_account (tenant_id, box_user_id);

-- The requests, and the outbox: the relay puts into the queue whatever is open and due.
CREATE TABLE provisioning_request (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id       uuid NOT NULL,
  identity_id     uuid NOT NULL,
  generation      integer NOT NULL,
  cause           text NOT NULL CHECK (cause IN ('sign-in', 'api', 'operator')),
  status          text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'retrying', 'succeeded', 'failed')),
  outcome         text CHECK (outcome IN ('created', 'adopted', 'updated', 'unchanged', 'deactivated', 'reactivated')),
  -- What it did in Box so far; becomes the outcome. Survives a worker that dies between doing and finishing.
  effect          text CHECK (effect IN ('created', 'adopted', 'updated', 'unchanged', 'deactivated', 'reactivated')),
  priority        smallint NOT NULL,
  attempts        integer NOT NULL DEFAULT 0,
  failures        integer NOT NULL DEFAULT 0,
  retry_of        uuid REFERENCES provisioning_request (id),
  error_code      text,
  error_detail    text,
  next_attempt_at timestamptz(3),
  -- When the relay looks at it next; null once it is final.
  due_at          timestamptz(3),
  -- Grows with every change: the ETag.
  version         integer NOT NULL DEFAULT 0,
  created_at      timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  started_at      timestamptz(3),
  finished_at     timestamptz(3),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  CHECK ((status IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)),
  CHECK ((status IN ('succeeded', 'failed')) = (due_at IS NULL)),
  CHECK ((status = 'succeeded') = (outcome IS NOT NULL)),
  CHECK (status <> 'failed' OR error_code IS NOT NULL)
);
-- Everybody who waits for the same thing waits for the same request.
CREATE UNIQUE INDEX provisioning_request_open ON provisioning_request (identity_id, generation)
  WHERE status IN ('queued', 'running', 'retrying');
CREATE INDEX provisioning_request_due ON provisioning_request (tenant_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX provisioning_request_by_age ON provisioning_request (tenant_id, created_at DESC, id DESC);
CREATE INDEX provisioning_request_by_status ON provisioning_request (tenant_id, status, created_at DESC, id DESC);
CREATE INDEX provisioning_request_by_identity ON provisioning_request (tenant_id, identity_id, created_at DESC, id DESC);

CREATE TABLE request_event (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id uuid NOT NULL REFERENCES provisioning_request (id),
  at         timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  event      text NOT NULL,
  detail     text
);
CREATE INDEX request_event_by_request ON request_event (request_id, id);

-- Who waits for a request hears of each change without asking.
CREATE FUNCTION provisioning_request_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('foyer_request', NEW.id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER provisioning_request_changed AFTER UPDATE ON provisioning_request
  FOR EACH ROW WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION provisioning_request_changed();

-- The API audit log: a line when a call begins, a second when it ends. Only ever appended to.
CREATE TABLE api_call (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   uuid NOT NULL REFERENCES tenant (id),
  at          timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  direction   text NOT NULL CHECK (direction IN ('in', 'out')),
  system      text NOT NULL CHECK (system IN ('box', 'okta', 'foyer')),
  operation   text NOT NULL,
  method      text NOT NULL,
  path        text NOT NULL,
  request_id  uuid,
  identity_id uuid,
  actor       text,
  parameters  jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX api_call_by_age ON api_call (tenant_id, at DESC, id DESC);
CREATE INDEX api_call_by_request ON api_call (tenant_id, request_id, at DESC, id DESC) WHERE request_id IS NOT NULL;
CREATE INDEX api_call_by_identity ON api_call (tenant_id, identity_id, at DESC, id DESC) WHERE identity_id IS NOT NULL;
CREATE INDEX api_call_by_direction ON api_call (tenant_id, direction, at DESC, id DESC);
-- The last create of an identity: what a worker asks before it creates.
CREATE INDEX api_call_creates ON api_call (identity_id, id DESC) WHERE operation = 'create_user';

CREATE TABLE api_call_outcome (
  call_id     bigint PRIMARY KEY REFERENCES api_call (id),
  tenant_id   uuid NOT NULL,
  -- The call's own time: what a page by status is ordered by.
  call_at     timestamptz(3) NOT NULL,
  at          timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  result      text NOT NULL CHECK (result IN ('ok', 'refused', 'failed', 'ambiguous')),
  status      smallint,
  error       text,
  answer      jsonb,
  duration_ms double precision NOT NULL
);
CREATE INDEX api_call_outcome_by_status ON api_call_outcome (tenant_id, status, call_at DESC, call_id DESC);
CREATE INDEX api_call_outcome_by_result ON api_call_outcome (tenant_id, result, call_at DESC, call_id DESC);

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON api_call FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON api_call EXECUTE FUNCTION append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON api_call_outcome FOR EACH ROW EXECUTE FUNCTION append_only();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON api_call_outcome EXECUTE FUNCTION append_only();

-- A client's key stands for one body and the request it led to.
CREATE TABLE idempotency_key (
  tenant_id  uuid NOT NULL REFERENCES tenant (id),
  client     text NOT NULL,
  key        text NOT NULL,
  body_hash  text NOT NULL,
  request_id uuid NOT NULL REFERENCES provisioning_request (id),
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, client, key)
);

-- Browser sessions, as connect-pg-simple keeps them. The second index ends all sessions of one person.
CREATE TABLE session (
  sid    text PRIMARY KEY,
  sess   json NOT NULL,
  expire timestamptz(6) NOT NULL
);
CREATE INDEX session_by_expiry ON session (expire);
CREATE INDEX session_by_identity ON session ((sess ->> 'identityId')) WHERE sess ->> 'identityId' IS NOT NULL;

-- Counters of rate-limiter-flexible, shared by all gateways.
CREATE UNLOGGED TABLE rate_limit (
  key    varchar(255) PRIMARY KEY,
  points integer NOT NULL DEFAULT 0,
  expire bigint
);
