-- User names are compared as PRECIS says, and names of groups as Box does; names of people in parts. Takes no time, however
-- many rows there are.

-- The same as `userNameForm` and `groupNameForm` of libs/scim. A name in ASCII, as nearly all are, takes the short way. A
-- database that is not in UTF-8 has neither the characters nor the functions: there only the case of ASCII does not matter.
DO $do$
DECLARE
  wide text;
  narrow text;
BEGIN
  IF (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()) <> 'UTF8' THEN
    CREATE OR REPLACE FUNCTION scim_user_name(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
      RETURN lower(t COLLATE "C");
    CREATE OR REPLACE FUNCTION scim_group_name(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
      RETURN lower(regexp_replace(t, E'[\\t-\\r ]+', ' ', 'g') COLLATE "C");
    RETURN;
  END IF;
  -- Unicode's decompositions of the types wide and narrow: first, last, and what the first becomes.
  WITH ranges (first, last, target) AS (VALUES
      (12288, 12288, 32), (65281, 65374, 33), (65375, 65376, 10629), (65440, 65440, 12644), (65441, 65470, 12593),
      (65474, 65479, 12623), (65482, 65487, 12629), (65490, 65495, 12635), (65498, 65500, 12641), (65504, 65505, 162),
      (65506, 65506, 172), (65507, 65507, 175), (65508, 65508, 166), (65509, 65509, 165), (65510, 65510, 8361),
      (65512, 65512, 9474), (65513, 65516, 8592), (65517, 65517, 9632), (65518, 65518, 9675)),
    pairs (was, becomes) AS (
      SELECT chr(first + n), chr(target + n) FROM ranges, generate_series(0, last - first) n
      UNION ALL SELECT chr(c), normalize(chr(c), NFKC) FROM generate_series(65377, 65439) c)
  SELECT string_agg(was, '' ORDER BY was COLLATE "C"), string_agg(becomes, '' ORDER BY was COLLATE "C")
    INTO wide, narrow FROM pairs;
  EXECUTE format($sql$CREATE OR REPLACE FUNCTION scim_user_name(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN octet_length(t) = char_length(t) THEN lower(t COLLATE pg_c_utf8)
      ELSE normalize(lower(normalize(
        CASE WHEN t ~ %L THEN translate(t, %L, %L) ELSE t END, NFC) COLLATE pg_c_utf8), NFC) END$sql$,
    '[\u3000\uff01-\uffee]', wide, narrow);
  EXECUTE format($sql$CREATE OR REPLACE FUNCTION scim_group_name(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(regexp_replace(t, %L, ' ', 'g') COLLATE pg_c_utf8)$sql$,
    '[\u0009-\u000d\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+');
END $do$;

ALTER TABLE identity
  -- Somebody older has a user name that is the same by now: this one keeps theirs until it is changed.
  ADD COLUMN shares_user_name boolean NOT NULL DEFAULT false,
  -- What a sign-in said of the name besides the whole of it.
  ADD COLUMN given_name text,
  ADD COLUMN family_name text;
ALTER TABLE scim_group
  ADD COLUMN shares_name boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION scim_document(i identity) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('active', i.active) || coalesce(i.scim, jsonb_strip_nulls(jsonb_build_object(
  'schemas', jsonb_build_array('urn:ietf:params:scim:schemas:core:2.0:User'),
  'userName', i.username,
  'externalId', i.subject,
  'displayName', i.name,
  'name', CASE WHEN coalesce(i.given_name, i.family_name) IS NOT NULL
    THEN jsonb_build_object('givenName', i.given_name, 'familyName', i.family_name) END,
  'emails', CASE WHEN i.email IS NOT NULL
    THEN jsonb_build_array(jsonb_build_object('value', i.email, 'type', 'work', 'primary', true)) END)));
