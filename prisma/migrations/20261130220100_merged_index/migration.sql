-- Which identities were merged into one. If it is broken off: DROP INDEX identity_merged, then again.
CREATE INDEX CONCURRENTLY identity_merged ON identity (tenant_id, merged_into) WHERE merged_into IS NOT NULL;
