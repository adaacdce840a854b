-- The bearer tokens that Okta may present to the SCIM server. Of a token only its SHA-256 is kept: 256 random bits need no salt.
CREATE TABLE scim_token (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id    uuid NOT NULL REFERENCES tenant (id),
  name         text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
  hash         bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  -- Its last four characters: by them an operator knows it in Okta.
  hint         text NOT NULL CHECK (length(hint) = 4),
  created_at   timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz(3) NOT NULL,
  last_used_at timestamptz(3),
  revoked_at   timestamptz(3)
);
-- A name means one token at a time; whoever makes two at once, the database refuses the second.
CREATE UNIQUE INDEX scim_token_standing ON scim_token (tenant_id, name) WHERE revoked_at IS NULL;
