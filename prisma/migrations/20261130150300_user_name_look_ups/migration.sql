-- Look-ups by user name. Nobody waits while it is built. If it is broken off: DROP INDEX identity_by_user_name_form, then
-- again. Not by tenant first: of an empty table PostgreSQL would take it for as good as the key, and keep to that while it grows.
CREATE INDEX CONCURRENTLY identity_by_user_name_form ON identity ((scim_user_name(username)), tenant_id);
