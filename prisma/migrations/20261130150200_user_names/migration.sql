-- User names that were two and are one by now: the oldest has it, the others keep theirs until they are changed. For 300,000
-- people this takes about six seconds, in which nobody is written; reading goes on.
LOCK TABLE identity IN SHARE ROW EXCLUSIVE MODE;

UPDATE identity i SET shares_user_name = true FROM (
  SELECT id, row_number() OVER (PARTITION BY tenant_id, scim_user_name(username) ORDER BY created_at, id) AS place
  FROM identity WHERE scim IS NOT NULL AND scim_deleted_at IS NULL) same
WHERE same.id = i.id AND same.place > 1;

CREATE UNIQUE INDEX identity_one_user_name ON identity (tenant_id, (scim_user_name(username)))
  WHERE scim IS NOT NULL AND scim_deleted_at IS NULL AND NOT shares_user_name;
