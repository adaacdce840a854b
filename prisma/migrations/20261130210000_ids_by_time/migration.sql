-- Ids that grow with the time. Lists order by created_at, in milliseconds, and then by id: of two rows of one millisecond the
-- later one now has the greater id. New rows also go to the end of each index on an id, which writes less WAL.
-- PostgreSQL 18 has uuidv7(); earlier versions get one: 48 bits of milliseconds, 12 bits of their fraction (RFC 9562, 6.2).
DO $$
BEGIN
  IF to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN
    CREATE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $f$
      SELECT encode(
        substring(int8send(floor(t.ms)::bigint) FROM 3)
          || substring(int8send((7 << 12) | floor((t.ms - floor(t.ms)) * 4096)::bigint) FROM 7)
          || substring(uuid_send(gen_random_uuid()) FROM 9),
        'hex')::uuid
      FROM (SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms) t
    $f$;
  END IF;
END $$;
ALTER TABLE tenant ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE identity ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE connection ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE provisioning_request ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE scim_group ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE provisioning_batch ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE verify_run ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE scim_token ALTER COLUMN id SET DEFAULT uuidv7();
