-- Sign-ins that are held for an operator: somebody who is switched off has the same user name under another id.
CREATE TABLE held_sign_in (
  tenant_id   uuid NOT NULL REFERENCES tenant (id),
  issuer      text NOT NULL,
  subject     text NOT NULL,
  username    text NOT NULL,
  name        text NOT NULL,
  -- Whose user name it is.
  identity_id uuid NOT NULL,
  attempts    integer NOT NULL DEFAULT 1,
  first_at    timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  last_at     timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  -- An operator said that it is another person: the subject signs in as one of their own from then on.
  released_at timestamptz(3),
  released_by text,
  PRIMARY KEY (tenant_id, issuer, subject),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE INDEX held_sign_in_by_age ON held_sign_in (tenant_id, last_at DESC);

-- The states of sign-ins that have come back, for as long as their cookies last: each is taken once. Unlogged: after a crash of
-- PostgreSQL the provider alone refuses a code that was used before.
CREATE UNLOGGED TABLE used_sign_in (
  tenant_id  uuid NOT NULL,
  state_hash bytea NOT NULL,
  expires_at timestamptz(3) NOT NULL,
  PRIMARY KEY (tenant_id, state_hash)
);
CREATE INDEX used_sign_in_by_expiry ON used_sign_in (expires_at);
