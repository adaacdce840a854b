-- Marks the people whom SCIM manages: 2,000 people at a time, each time in a transaction of its own, so that nobody waits for
-- more than one of them. May be broken off and run again.
DO $do$
DECLARE
  last uuid := '00000000-0000-0000-0000-000000000000';
  chunk uuid[];
BEGIN
  LOOP
    SELECT array_agg(locked.id ORDER BY locked.id) INTO chunk FROM (
      SELECT id FROM identity WHERE id > last ORDER BY id LIMIT 2000 FOR NO KEY UPDATE) locked;
    EXIT WHEN chunk IS NULL;
    UPDATE identity SET is_managed = true WHERE id = ANY (chunk) AND scim IS NOT NULL AND NOT is_managed;
    last := chunk[array_upper(chunk, 1)];
    COMMIT;
  END LOOP;
END $do$;
