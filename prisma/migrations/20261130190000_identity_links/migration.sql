-- A person may have several ids: each is a link, made by a named rule. The Box external id is the person's own, and never
-- changes once a create may have used it. Takes no time, however many rows there are: a later file links the people.

-- Where people's ids are unique. The key is an issuer today.
CREATE TABLE directory (
  tenant_id  uuid NOT NULL REFERENCES tenant (id),
  key        text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, key)
);

-- One way in from a directory. Several may share a directory.
CREATE TABLE connection (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id  uuid NOT NULL,
  directory  text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('oidc', 'saml', 'scim')),
  name       text NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, directory) REFERENCES directory (tenant_id, key)
);
CREATE INDEX connection_by_directory ON connection (tenant_id, directory, kind);

-- Whom an id leads to. The rule and `made_by` say why and by whose word; null: by a version that recorded none.
CREATE TABLE identity_link (
  tenant_id   uuid NOT NULL,
  directory   text NOT NULL,
  subject     text NOT NULL,
  identity_id uuid NOT NULL,
  rule        text NOT NULL CHECK (rule IN
    ('same_subject', 'pushed_user_name', 'administered', 'stand_in', 'operator_release', 'operator_merge', 'migrated')),
  made_at     timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  made_by     text,
  PRIMARY KEY (tenant_id, directory, subject),
  FOREIGN KEY (tenant_id, directory) REFERENCES directory (tenant_id, key),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX identity_link_by_identity ON identity_link (tenant_id, identity_id);
CREATE INDEX identity_link_by_subject ON identity_link (tenant_id, subject);

-- Null: no worker has taken the person yet.
ALTER TABLE identity ADD COLUMN box_external_id text;

CREATE FUNCTION box_external_id_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the Box external id of identity % never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER box_external_id_is_fixed BEFORE UPDATE OF box_external_id ON identity
  FOR EACH ROW WHEN (OLD.box_external_id IS NOT NULL AND OLD.box_external_id IS DISTINCT FROM NEW.box_external_id)
  EXECUTE FUNCTION box_external_id_is_fixed();

-- The id that stands in the row of a person always leads to them. Statements make their links themselves; this makes those of
-- gateways of the version before, which know of none, and refuses an id that leads to another person.
CREATE FUNCTION identity_is_linked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  holder uuid;
BEGIN
  SELECT l.identity_id INTO holder FROM identity_link l
  WHERE l.tenant_id = NEW.tenant_id AND l.directory = NEW.issuer AND l.subject = NEW.subject;
  IF holder = NEW.id THEN
    RETURN NULL;
  END IF;
  IF holder IS NOT NULL THEN
    RAISE EXCEPTION 'the subject % leads to the identity %', NEW.subject, holder
      USING ERRCODE = 'unique_violation', TABLE = 'identity_link', CONSTRAINT = 'identity_link_subject';
  END IF;
  INSERT INTO directory (tenant_id, key) VALUES (NEW.tenant_id, NEW.issuer) ON CONFLICT DO NOTHING;
  INSERT INTO identity_link (tenant_id, directory, subject, identity_id, rule)
  VALUES (NEW.tenant_id, NEW.issuer, NEW.subject, NEW.id, CASE WHEN NEW.subject LIKE 'scim:%' THEN 'stand_in'
    WHEN TG_OP = 'INSERT' THEN 'same_subject' ELSE 'administered' END);
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM identity_link
    WHERE tenant_id = OLD.tenant_id AND directory = OLD.issuer AND subject = OLD.subject AND identity_id = OLD.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER identity_is_linked_new AFTER INSERT ON identity FOR EACH ROW EXECUTE FUNCTION identity_is_linked();
CREATE TRIGGER identity_is_linked_moved AFTER UPDATE OF issuer, subject ON identity
  FOR EACH ROW WHEN (OLD.issuer IS DISTINCT FROM NEW.issuer OR OLD.subject IS DISTINCT FROM NEW.subject)
  EXECUTE FUNCTION identity_is_linked();

-- An id that leads to somebody else, or to nobody, from now on: the sessions of whom it led to end, whoever writes it.
CREATE FUNCTION identity_link_ends_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE identity SET session_epoch = session_epoch + 1 WHERE tenant_id = OLD.tenant_id AND id = OLD.identity_id;
  RETURN NULL;
END $$;
CREATE TRIGGER identity_link_moved AFTER UPDATE OF identity_id ON identity_link
  FOR EACH ROW WHEN (OLD.identity_id IS DISTINCT FROM NEW.identity_id) EXECUTE FUNCTION identity_link_ends_sessions();
CREATE TRIGGER identity_link_ended AFTER DELETE ON identity_link
  FOR EACH ROW EXECUTE FUNCTION identity_link_ends_sessions();
