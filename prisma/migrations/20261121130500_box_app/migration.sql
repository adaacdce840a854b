-- Which Box app and enterprise a tenant's accounts belong to: Box shows app users only to the app that made them.
ALTER TABLE tenant
  ADD COLUMN box_client_id     text,
  ADD COLUMN box_enterprise_id text,
  ADD COLUMN box_bound_at      timestamptz(3),
  ADD CONSTRAINT tenant_box_app CHECK (
    (box_client_id IS NULL) = (box_enterprise_id IS NULL) AND (box_client_id IS NULL) = (box_bound_at IS NULL)
  );

-- Set when Box said that the user is gone, cleared when Box shows it again.
ALTER TABLE box_account ADD COLUMN missing_since timestamptz(3);
CREATE INDEX box_account_missing ON box_account (tenant_id, missing_since) WHERE missing_since IS NOT NULL;

-- Creates up to this call were for an account that is a former one by now: they say nothing of the next.
ALTER TABLE identity ADD COLUMN creates_after bigint NOT NULL DEFAULT 0;

-- Who somebody was in Box before: another app took over, or the user was deleted and made again.
CREATE TABLE former_box_account (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id         uuid NOT NULL,
  identity_id       uuid NOT NULL,
  box_user_id       text NOT NULL,
  name              text NOT NULL,
  status            text NOT NULL,
  box_client_id     text,
  box_enterprise_id text,
  reason            text NOT NULL CHECK (reason IN ('app-changed', 'deleted')),
  mapped_at         timestamptz(3) NOT NULL,
  ended_at          timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX former_box_account_by_identity ON former_box_account (tenant_id, identity_id, id DESC);
CREATE INDEX former_box_account_by_box_user ON former_box_account (tenant_id, box_user_id);
