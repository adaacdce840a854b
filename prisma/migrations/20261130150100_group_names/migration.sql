-- Names of groups that were two and are one by now: the oldest has it, the others keep theirs until they are renamed. Groups
-- can be neither read nor written meanwhile, for about three seconds with 50,000 of them.
DROP INDEX IF EXISTS scim_group_name;

-- Names and external ids of groups are kept without white space around them, as those of people are, and never empty.
DO $do$
DECLARE
  blank constant text := CASE
    WHEN (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()) = 'UTF8'
    THEN '[\u0009-\u000d\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]' ELSE '[\t-\r ]' END;
  around constant text := format('^%1$s+|%1$s+$', blank);
BEGIN
  UPDATE scim_group SET display_name = regexp_replace(display_name, around, '', 'g')
  WHERE display_name ~ around AND regexp_replace(display_name, around, '', 'g') <> '';
  UPDATE scim_group SET external_id = nullif(regexp_replace(external_id, around, '', 'g'), '')
  WHERE external_id = '' OR external_id ~ around;
END $do$;

UPDATE scim_group g SET shares_name = true FROM (
  SELECT id, row_number() OVER (PARTITION BY tenant_id, scim_group_name(display_name) ORDER BY created_at, id) AS place
  FROM scim_group WHERE deleted_at IS NULL) same
WHERE same.id = g.id AND same.place > 1;

CREATE UNIQUE INDEX scim_group_one_name ON scim_group (tenant_id, (scim_group_name(display_name)))
  WHERE deleted_at IS NULL AND NOT shares_name;
-- For look-ups, which find those that share a name, too.
CREATE INDEX scim_group_by_name ON scim_group (tenant_id, (scim_group_name(display_name))) WHERE deleted_at IS NULL;
