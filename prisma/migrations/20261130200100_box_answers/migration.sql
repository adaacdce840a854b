-- What Box answered in an attempt that then failed, so that the next attempt starts with the call that is missing.
ALTER TABLE scim_group_member ADD COLUMN box_answer text;
ALTER TABLE scim_group_member ADD CONSTRAINT scim_group_member_box_answer
  CHECK (box_answer IN ('exists', 'not-shown', 'missing')) NOT VALID;
ALTER TABLE scim_group ADD COLUMN taken_name text, ADD COLUMN surveyed_to int NOT NULL DEFAULT 0;
