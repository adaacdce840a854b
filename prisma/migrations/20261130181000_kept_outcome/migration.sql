-- A person was deleted and Box did not delete the user: an outcome of its own. Validated in the next file, without a lock.
ALTER TABLE provisioning_request
  DROP CONSTRAINT provisioning_request_outcome_check,
  ADD CONSTRAINT provisioning_request_outcome_check
    CHECK (outcome IN ('created', 'adopted', 'updated', 'unchanged', 'deactivated', 'reactivated', 'deleted', 'kept')) NOT VALID,
  DROP CONSTRAINT provisioning_request_effect_check,
  ADD CONSTRAINT provisioning_request_effect_check
    CHECK (effect IN ('created', 'adopted', 'updated', 'unchanged', 'deactivated', 'reactivated', 'deleted', 'kept')) NOT VALID;
