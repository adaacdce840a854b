-- What `verify` finds is a discrepancy in code and documents, and so in the database. The rows stay: a run that was
-- interrupted before can be continued. A run of the former version that is in progress ends with an error.
ALTER TABLE verify_exception RENAME TO verify_discrepancy;
ALTER SEQUENCE verify_exception_id_seq RENAME TO verify_discrepancy_id_seq;
ALTER INDEX verify_exception_once RENAME TO verify_discrepancy_once;
ALTER INDEX verify_exception_by_kind RENAME TO verify_discrepancy_by_kind;

-- PostgreSQL 18 names the constraints NOT NULL, earlier versions do not.
DO $$
DECLARE
  former text;
BEGIN
  FOR former IN
    SELECT conname FROM pg_constraint
    WHERE conrelid = 'verify_discrepancy'::regclass AND starts_with(conname, 'verify_exception_')
  LOOP
    EXECUTE format('ALTER TABLE verify_discrepancy RENAME CONSTRAINT %I TO %I', former,
      replace(former, 'verify_exception_', 'verify_discrepancy_'));
  END LOOP;
END $$;
