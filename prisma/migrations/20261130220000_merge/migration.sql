-- An operator merges two identities that are one person: one stays, and the other one leads nowhere from then on. Takes no
-- time, however many rows there are; the constraints are validated in a later file, without a lock.

ALTER TABLE identity
  ADD COLUMN merged_into uuid,
  ADD COLUMN merged_at timestamptz(3),
  -- The external id of the Box user that the identity which stays took over, because it had none itself.
  ADD COLUMN gave_box_external_id text,
  ADD CONSTRAINT identity_merged_into FOREIGN KEY (tenant_id, merged_into) REFERENCES identity (tenant_id, id) NOT VALID,
  ADD CONSTRAINT identity_merged_is_off CHECK (merged_into IS NULL OR (NOT active AND merged_into <> id)) NOT VALID,
  ADD CONSTRAINT identity_merged_when CHECK ((merged_into IS NULL) = (merged_at IS NULL)) NOT VALID;

ALTER TABLE former_box_account
  DROP CONSTRAINT former_box_account_reason_check,
  ADD CONSTRAINT former_box_account_reason_check CHECK (reason IN ('app-changed', 'deleted', 'merged')) NOT VALID;

-- The Box external id of a person still never changes, with one exception: with the Box user, in a merge. The merged identity
-- gives it up as it is merged, and only the one that stays gets it, while it has no Box user itself.
CREATE OR REPLACE FUNCTION box_external_id_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.merged_into IS NULL AND NEW.merged_into IS NOT NULL AND NEW.box_external_id IS NULL
    AND NEW.gave_box_external_id = OLD.box_external_id THEN
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM identity o WHERE o.tenant_id = NEW.tenant_id AND o.merged_into = NEW.id
      AND o.gave_box_external_id = NEW.box_external_id)
    AND NOT EXISTS (SELECT FROM box_account a WHERE a.identity_id = NEW.id) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the Box external id of identity % never changes', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
