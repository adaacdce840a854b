-- Box was asked to make the group under this name, and what came of it is not on record: there may be one.
ALTER TABLE scim_group ADD COLUMN begun_name text;
