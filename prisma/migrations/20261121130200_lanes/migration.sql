-- People of a file wait behind everybody else.
ALTER TABLE provisioning_request DROP CONSTRAINT provisioning_request_cause_check,
  ADD CONSTRAINT provisioning_request_cause_check CHECK (cause IN ('sign-in', 'api', 'operator', 'batch'));

-- The relay takes one lane's requests as they are due, the most urgent first, and only so many at a time.
CREATE INDEX provisioning_request_due_by_priority ON provisioning_request (tenant_id, priority, due_at)
  WHERE due_at IS NOT NULL;
DROP INDEX provisioning_request_due;
