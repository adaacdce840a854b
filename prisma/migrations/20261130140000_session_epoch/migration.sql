-- A session is good only under the epoch that its identity had when the session began. The epoch grows, and the rows of the
-- sessions go, in the transaction that gives the identity to another subject or switches the person off, whoever writes it.

ALTER TABLE identity ADD COLUMN session_epoch integer NOT NULL DEFAULT 1 CHECK (session_epoch > 0);

-- Null: written by a gateway of the version before. No gateway of this version takes such a session.
ALTER TABLE session ADD COLUMN tenant_id uuid REFERENCES tenant (id);

CREATE FUNCTION identity_ends_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.session_epoch := greatest(NEW.session_epoch, OLD.session_epoch + 1);
  DELETE FROM session WHERE sess ->> 'identityId' = OLD.id::text;
  RETURN NEW;
END $$;
CREATE TRIGGER identity_ends_sessions BEFORE UPDATE OF issuer, subject, active, session_epoch ON identity
  FOR EACH ROW WHEN (OLD.issuer IS DISTINCT FROM NEW.issuer OR OLD.subject IS DISTINCT FROM NEW.subject
    OR (OLD.active AND NOT NEW.active) OR OLD.session_epoch IS DISTINCT FROM NEW.session_epoch)
  EXECUTE FUNCTION identity_ends_sessions();
