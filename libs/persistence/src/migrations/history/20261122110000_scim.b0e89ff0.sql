-- Okta drives the whole life: people and groups as SCIM resources, and their groups in Box.

ALTER TABLE identity
  -- What the SCIM client said of the person, in canonical names; null: no SCIM client manages them, a sign-in does.
  ADD COLUMN scim jsonb,
  -- A SCIM client deleted the resource: it is shown to none any more. The person, deactivated, stays.
  ADD COLUMN scim_deleted_at timestamptz(3),
  -- What Box should know of the person besides name and status; see BoxProfile.
  ADD COLUMN box_profile jsonb NOT NULL DEFAULT '{}',
  -- The Box user is to be deleted, if it owns nothing.
  ADD COLUMN is_removed boolean NOT NULL DEFAULT false,
  ADD CHECK (NOT (is_removed AND active)),
  ADD CHECK (scim_deleted_at IS NULL OR (scim IS NOT NULL AND NOT active));

-- RFC 7643, section 4.1.1: userName is unique and its case does not matter. People who only signed in claim none: Okta
-- has renamed whoever had it before.
CREATE UNIQUE INDEX identity_scim_user_name ON identity (tenant_id, (lower(username COLLATE pg_c_utf8)))
  WHERE scim IS NOT NULL AND scim_deleted_at IS NULL;
CREATE INDEX identity_by_user_name ON identity (tenant_id, (lower(username COLLATE pg_c_utf8)));
-- The order of SCIM's lists.
CREATE INDEX identity_scim_order ON identity (tenant_id, created_at, id) WHERE scim_deleted_at IS NULL;

-- A person as a SCIM resource. Of whoever only signed in it says what the sign-in said. A subject that begins with "scim:"
-- is a stand-in for an external id that nobody gave.
CREATE FUNCTION scim_document(i identity) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('active', i.active) || coalesce(i.scim, jsonb_strip_nulls(jsonb_build_object(
  'schemas', jsonb_build_array('urn:ietf:params:scim:schemas:core:2.0:User'),
  'userName', i.username,
  'externalId', i.subject,
  'displayName', i.name,
  'emails', CASE WHEN i.email IS NOT NULL
    THEN jsonb_build_array(jsonb_build_object('value', i.email, 'type', 'work', 'primary', true)) END)));

ALTER TABLE box_account
  -- As last applied. Null: what the identity has.
  ADD COLUMN external_id text,
  ADD COLUMN profile jsonb NOT NULL DEFAULT '{}';
UPDATE box_account a SET external_id = i.subject FROM identity i WHERE i.id = a.identity_id;

CREATE TABLE scim_group (
  id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id          uuid NOT NULL REFERENCES tenant (id),
  display_name       text NOT NULL,
  external_id        text,
  -- As identity's: grows whenever Box has something to do again.
  generation         integer NOT NULL DEFAULT 1 CHECK (generation > 0),
  -- Grows with every change that a SCIM client makes: the ETag.
  version            integer NOT NULL DEFAULT 1,
  deleted_at         timestamptz(3),
  lease_token        bigint NOT NULL DEFAULT 0,
  lease_expires_at   timestamptz(3),
  -- The Box group, as last applied.
  box_group_id       text CHECK (box_group_id ~ '^[0-9]{1,20}$'),
  box_name           text,
  applied_generation integer NOT NULL DEFAULT 0,
  -- The Box group was there before: whom it had as members is still to be read.
  is_surveyed        boolean NOT NULL DEFAULT true,
  created_at         timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  updated_at         timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, id),
  CHECK ((box_group_id IS NULL) = (box_name IS NULL))
);
-- Box has one group of a name.
CREATE UNIQUE INDEX scim_group_name ON scim_group (tenant_id, (lower(display_name COLLATE pg_c_utf8)))
  WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX scim_group_box_group ON scim_group (tenant_id, box_group_id) WHERE box_group_id IS NOT NULL;
CREATE INDEX scim_group_order ON scim_group (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX scim_group_by_external_id ON scim_group (tenant_id, external_id) WHERE external_id IS NOT NULL;

-- Who is to be in a group, and who is. A row that is wanted by nobody and known to nobody in Box is deleted.
CREATE TABLE scim_group_member (
  group_id          uuid NOT NULL,
  tenant_id         uuid NOT NULL,
  -- The member's id; of whoever is not known, what the client gave.
  value             text NOT NULL,
  -- Null: parked until somebody with this id or external id arrives.
  identity_id       uuid,
  display           text,
  type              text CHECK (type IN ('User', 'Group')),
  is_wanted         boolean NOT NULL DEFAULT true,
  -- As last applied: the membership, and the Box user that it is of.
  box_membership_id text,
  box_user_id       text,
  -- Box was asked to add them, and what came of it is not on record.
  is_unsettled      boolean NOT NULL DEFAULT false,
  -- Why Box could not add them at the last try.
  trouble           text,
  PRIMARY KEY (group_id, value),
  FOREIGN KEY (tenant_id, group_id) REFERENCES scim_group (tenant_id, id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX scim_group_member_identity ON scim_group_member (identity_id) WHERE identity_id IS NOT NULL;
CREATE INDEX scim_group_member_parked ON scim_group_member (tenant_id, value) WHERE identity_id IS NULL;
-- What is left to do in Box: nothing of a group of ten thousand that is in step.
CREATE INDEX scim_group_member_todo ON scim_group_member (group_id, value)
  WHERE NOT is_wanted OR (box_membership_id IS NULL AND identity_id IS NOT NULL);

-- A request is about a person or about a group.
ALTER TABLE provisioning_request
  ALTER COLUMN identity_id DROP NOT NULL,
  ADD COLUMN group_id uuid,
  ADD FOREIGN KEY (tenant_id, group_id) REFERENCES scim_group (tenant_id, id),
  ADD CHECK ((identity_id IS NULL) <> (group_id IS NULL)),
  DROP CONSTRAINT provisioning_request_cause_check,
  ADD CONSTRAINT provisioning_request_cause_check CHECK (cause IN ('sign-in', 'api', 'operator', 'batch', 'scim')),
  DROP CONSTRAINT provisioning_request_outcome_check,
  ADD CONSTRAINT provisioning_request_outcome_check
    CHECK (outcome IN ('created', 'adopted', 'updated', 'unchanged', 'deactivated', 'reactivated', 'deleted')),
  DROP CONSTRAINT provisioning_request_effect_check,
  ADD CONSTRAINT provisioning_request_effect_check
    CHECK (effect IN ('created', 'adopted', 'updated', 'unchanged', 'deactivated', 'reactivated', 'deleted'));
CREATE UNIQUE INDEX provisioning_request_open_group ON provisioning_request (group_id, generation)
  WHERE group_id IS NOT NULL AND status IN ('queued', 'running', 'retrying');
CREATE INDEX provisioning_request_by_group ON provisioning_request (tenant_id, group_id, created_at DESC, id DESC)
  WHERE group_id IS NOT NULL;

-- Somebody whom groups wait for has a Box user now, another one, or one that was thought gone: their groups are looked at
-- again. A request that is under way may have looked already, so it takes a new generation. Groups first, as everybody does.
CREATE FUNCTION scim_member_arrived() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  waiting record;
BEGIN
  FOR waiting IN
    SELECT g.id, g.tenant_id, g.generation FROM scim_group g
    WHERE g.deleted_at IS NULL AND g.id IN (
      SELECT m.group_id FROM scim_group_member m WHERE m.identity_id = NEW.identity_id AND m.is_wanted
        AND (m.box_membership_id IS NULL OR m.box_user_id IS DISTINCT FROM NEW.box_user_id))
    ORDER BY g.id FOR NO KEY UPDATE OF g
  LOOP
    UPDATE scim_group_member SET box_membership_id = NULL, box_user_id = NULL, is_unsettled = false
    WHERE group_id = waiting.id AND identity_id = NEW.identity_id AND box_user_id <> NEW.box_user_id;
    CONTINUE WHEN EXISTS (
      SELECT FROM provisioning_request r WHERE r.group_id = waiting.id AND r.generation = waiting.generation
        AND r.status = 'queued' AND r.started_at IS NULL);
    UPDATE scim_group SET generation = generation + 1 WHERE id = waiting.id;
    WITH made AS (
      INSERT INTO provisioning_request (tenant_id, group_id, generation, cause, priority, due_at)
      VALUES (waiting.tenant_id, waiting.id, waiting.generation + 1, 'scim', 15, clock_timestamp() + interval '1 second')
      RETURNING id
    ) INSERT INTO request_event (request_id, event) SELECT id, 'queued' FROM made;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER scim_member_arrived AFTER INSERT ON box_account
  FOR EACH ROW EXECUTE FUNCTION scim_member_arrived();
CREATE TRIGGER scim_member_is_back AFTER UPDATE OF box_user_id, missing_since ON box_account
  FOR EACH ROW WHEN (NEW.missing_since IS NULL
    AND (OLD.missing_since IS NOT NULL OR OLD.box_user_id IS DISTINCT FROM NEW.box_user_id))
  EXECUTE FUNCTION scim_member_arrived();

-- Members that were pushed before the person was: from now on they are this person, under the id that they have here.
CREATE FUNCTION join_parked_members(arrived identity) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
  parked record;
BEGIN
  FOR parked IN
    SELECT m.group_id, m.value, m.is_wanted FROM scim_group_member m
    WHERE m.tenant_id = arrived.tenant_id AND m.identity_id IS NULL AND m.type IS DISTINCT FROM 'Group'
      AND m.value IN (arrived.id::text, arrived.subject)
    ORDER BY m.group_id
  LOOP
    PERFORM FROM scim_group WHERE id = parked.group_id FOR NO KEY UPDATE;
    DELETE FROM scim_group_member WHERE group_id = parked.group_id AND value = parked.value AND identity_id IS NULL;
    CONTINUE WHEN NOT FOUND;
    INSERT INTO scim_group_member (group_id, tenant_id, value, identity_id, type)
    VALUES (parked.group_id, arrived.tenant_id, arrived.id::text, arrived.id, 'User')
    ON CONFLICT (group_id, value) DO UPDATE SET is_wanted = true;
    RETURN NEXT parked.group_id;
  END LOOP;
END $$;
