-- 20261122110000_scim was changed three times after it had landed. A database made from an earlier text gets what the last
-- one makes; in a database made from the last one every statement here finds nothing to do, and rebuilds nothing.

DO $do$
BEGIN
  IF to_regprocedure('scim_fold(text)') IS NULL THEN
    EXECUTE format($sql$CREATE FUNCTION scim_fold(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
      RETURN lower(t COLLATE %I)$sql$,
      CASE WHEN (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()) = 'UTF8'
        THEN 'pg_c_utf8' ELSE 'C' END);
  END IF;
END $do$;

-- The first text had NOT NULL.
ALTER TABLE box_account ALTER COLUMN external_id DROP NOT NULL;

-- The first two texts had these.
DROP INDEX IF EXISTS identity_scim_order, scim_group_order;

-- The first three texts compared names with lower(… COLLATE pg_c_utf8). What a later migration made of these indexes stays.
DO $do$
DECLARE
  earlier constant text := '%lower((% COLLATE pg_c_utf8))%';
BEGIN
  IF (SELECT pg_get_indexdef(to_regclass('identity_scim_user_name')) LIKE earlier) THEN
    DROP INDEX identity_scim_user_name;
    CREATE UNIQUE INDEX identity_scim_user_name ON identity (tenant_id, (scim_fold(username)))
      WHERE scim IS NOT NULL AND scim_deleted_at IS NULL;
  END IF;
  IF (SELECT pg_get_indexdef(to_regclass('identity_by_user_name')) LIKE earlier) THEN
    DROP INDEX identity_by_user_name;
    CREATE INDEX identity_by_user_name ON identity ((scim_fold(username)), tenant_id);
  END IF;
  IF (SELECT pg_get_indexdef(to_regclass('scim_group_name')) LIKE earlier) THEN
    DROP INDEX scim_group_name;
    CREATE UNIQUE INDEX scim_group_name ON scim_group (tenant_id, (scim_fold(display_name)))
      WHERE deleted_at IS NULL;
  END IF;
END $do$;
