-- The newest update of the Box user that the mapping tells of. A later one that may have worked makes the mapping
-- uncertain: Box may have what it set, or what was before.
ALTER TABLE box_account ADD COLUMN settled_update bigint NOT NULL DEFAULT 0;

-- The updates of an identity: what a worker asks before it takes the mapping for what Box has.
CREATE INDEX api_call_updates ON api_call (identity_id, id DESC) WHERE operation = 'update_user';

UPDATE box_account a SET settled_update = newest.id
FROM (
  SELECT identity_id, max(id) AS id FROM api_call WHERE operation = 'update_user' GROUP BY identity_id
) newest
WHERE newest.identity_id = a.identity_id;
