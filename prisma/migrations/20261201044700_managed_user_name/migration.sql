-- A user name belongs to one person of those whom SCIM manages: as identity_one_user_name, which the next file drops, but by a
-- column that pushes do not change. If it is broken off: DROP INDEX identity_managed_user_name, then again.
CREATE UNIQUE INDEX CONCURRENTLY identity_managed_user_name ON identity (tenant_id, (scim_user_name(username)))
  WHERE is_managed AND scim_deleted_at IS NULL AND NOT shares_user_name;
