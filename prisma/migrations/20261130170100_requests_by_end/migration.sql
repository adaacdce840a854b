-- How many requests ended in the last minutes, read without going through all of them.
CREATE INDEX CONCURRENTLY provisioning_request_by_end ON provisioning_request (tenant_id, finished_at)
  WHERE finished_at IS NOT NULL;
