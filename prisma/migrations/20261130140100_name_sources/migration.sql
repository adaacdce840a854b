-- By whose word an identity has its user name and its e-mail address. `administered`: a directory, a machine or an operator gave
-- it. `verified`: a sign-in brought it, and the provider vouches for the address. `claimed`: a sign-in brought it and nobody
-- vouches for it: no directory may find or link a person by it. Of people whom SCIM manages both are SCIM's, whatever stands here.
ALTER TABLE identity
  ADD COLUMN username_source text NOT NULL DEFAULT 'claimed'
    CHECK (username_source IN ('claimed', 'verified', 'administered')),
  ADD COLUMN email_source text NOT NULL DEFAULT 'claimed'
    CHECK (email_source IN ('claimed', 'verified', 'administered'));

-- Who never signed in was named by a machine. Of the others nobody knows any more; their next sign-in says it.
UPDATE identity i SET username_source = 'administered', email_source = 'administered'
WHERE i.scim IS NULL AND NOT EXISTS (
  SELECT FROM provisioning_request r
  WHERE r.tenant_id = i.tenant_id AND r.identity_id = i.id AND r.cause = 'sign-in');
