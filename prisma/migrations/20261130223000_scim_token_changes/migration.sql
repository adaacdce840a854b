-- A gateway keeps a SCIM token that it has looked up for at most two seconds. A revocation, or any other change than of the
-- last use, is announced to all gateways, so that none accepts the token any longer.
CREATE FUNCTION scim_token_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('foyer_scim_token', OLD.tenant_id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER scim_token_changed AFTER UPDATE OF tenant_id, name, hash, expires_at, revoked_at OR DELETE ON scim_token
  FOR EACH ROW EXECUTE FUNCTION scim_token_changed();
