-- No two people share a Box user. If it is broken off: DROP INDEX identity_box_external_id, then again.
CREATE UNIQUE INDEX CONCURRENTLY identity_box_external_id ON identity (tenant_id, box_external_id)
  WHERE box_external_id IS NOT NULL;
