-- Reads all requests, and blocks no statement on them.
ALTER TABLE provisioning_request VALIDATE CONSTRAINT provisioning_request_outcome_check;
ALTER TABLE provisioning_request VALIDATE CONSTRAINT provisioning_request_effect_check;
