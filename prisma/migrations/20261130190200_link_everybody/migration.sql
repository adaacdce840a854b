-- Links whoever is not linked yet, and fixes the Box external ids that Box has: 2,000 people at a time, each time in a
-- transaction of its own, so that nobody waits for more than one of them. May be broken off and run again. Where two people
-- would have one external id the older keeps it; the other's next worker decides, as it does for a new person.
DO $do$
DECLARE
  last uuid := '00000000-0000-0000-0000-000000000000';
  chunk uuid[];
BEGIN
  LOOP
    SELECT array_agg(locked.id ORDER BY locked.id) INTO chunk FROM (
      SELECT id FROM identity WHERE id > last ORDER BY id LIMIT 2000 FOR NO KEY UPDATE) locked;
    EXIT WHEN chunk IS NULL;
    INSERT INTO directory (tenant_id, key)
    SELECT DISTINCT i.tenant_id, i.issuer FROM identity i WHERE i.id = ANY (chunk) ON CONFLICT DO NOTHING;
    INSERT INTO identity_link (tenant_id, directory, subject, identity_id, rule, made_at)
    SELECT i.tenant_id, i.issuer, i.subject, i.id, 'migrated', clock_timestamp() FROM identity i WHERE i.id = ANY (chunk)
    ON CONFLICT DO NOTHING;
    UPDATE identity i SET box_external_id = kept.external_id
    FROM (
      SELECT DISTINCT ON (x.tenant_id, external_id) x.tenant_id, x.id, coalesce(a.external_id, x.subject) AS external_id
      FROM identity x JOIN box_account a ON a.identity_id = x.id
      WHERE x.id = ANY (chunk) AND x.box_external_id IS NULL
      ORDER BY x.tenant_id, external_id, x.created_at, x.id
    ) kept
    -- Not NOT EXISTS, which reads the whole table for each chunk: this asks the index.
    WHERE i.id = kept.id AND (
      SELECT o.id FROM identity o WHERE o.tenant_id = kept.tenant_id AND o.box_external_id = kept.external_id LIMIT 1) IS NULL;
    last := chunk[array_upper(chunk, 1)];
    COMMIT;
  END LOOP;
END $do$;
