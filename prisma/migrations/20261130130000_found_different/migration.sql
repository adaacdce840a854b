-- What `verify` found to be different in Box, until a turn has set all of it anew. Both columns are added without a
-- rewrite: their default is null.
ALTER TABLE box_account ADD COLUMN found_different timestamptz(3);

-- Exceptions about a group.
ALTER TABLE verify_exception ADD COLUMN group_id uuid;
