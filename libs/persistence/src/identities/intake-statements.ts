import { hasOpenCreate } from '../requests/unsettled.ts';
import { isByMerge, isLinkOf, linkMade } from './links.ts';
import { betterSource, sourceUnlessTaken, type NameSources } from './name-sources.ts';

/** The statements of the intake. */

/** What the intake reads of an identity. */
export interface IdentityRow {
  id: string;
  name: string;
  username: string;
  email: string | null;
  active: boolean;
  generation: number;
  box_user_id: string | null;
  applied_generation: number | null;
  missing: boolean;
  managed: boolean;
  session_epoch: number;
  given_name: string | null;
  family_name: string | null;
  username_source: NameSources['username'];
  email_source: NameSources['email'];
  is_namesake_off: boolean;
  is_doubtful: boolean;
}

/**
 * The person to whom an id leads. $1 tenant, $2 issuer, $3 subject, $4 user name. `is_doubtful`: SCIM manages the person
 * under another id, and this one comes with another user name: the directory may have given the name to somebody else. Of a
 * merged person, each id is theirs by any name.
 */
export const find = `SELECT i.id, i.name, i.username, i.email, i.active, i.generation, i.session_epoch, a.box_user_id,
    a.applied_generation, a.missing_since IS NOT NULL AS missing, i.scim IS NOT NULL AS managed, i.given_name,
    i.family_name, i.username_source, i.email_source,
    i.scim IS NULL AND EXISTS (
      SELECT FROM identity o WHERE o.tenant_id = i.tenant_id AND NOT o.active AND o.merged_into IS NULL AND o.id <> i.id
        AND scim_user_name(o.username) = scim_user_name($4::text)) AS is_namesake_off,
    i.scim IS NOT NULL AND i.subject <> l.subject AND scim_user_name(i.username) <> scim_user_name($4::text)
      AND l.rule <> 'operator_merge' AND NOT ${isByMerge('i', 'i.subject')} AS is_doubtful
  FROM identity_link l JOIN identity i ON i.id = l.identity_id LEFT JOIN box_account a ON a.identity_id = i.id
  WHERE ${isLinkOf({ tenant: '$1::uuid', directory: '$2', subject: '$3' })}`;

/** $1 identity. Whether Box has, may have or should have a user of this identity; locks the identity's row. */
export const retried = `SELECT i.active OR a.identity_id IS NOT NULL OR ${hasOpenCreate} AS "mayHave", i.generation
  FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id WHERE i.id = $1::uuid FOR NO KEY UPDATE OF i`;

const mayChange = '(i.active AND i.scim IS NULL)';
const sourceOf = (name: 'username' | 'email'): string =>
  `CASE WHEN NOT ${mayChange} THEN i.${name}_source WHEN i.${name} IS DISTINCT FROM said.${name} THEN said.${name}_source
    ELSE ${betterSource(`i.${name}_source`, `said.${name}_source`)} END`;
const isChanged = `${mayChange} AND (i.username, i.email, i.name) IS DISTINCT FROM (said.username, said.email, said.name)`;

/**
 * $1 tenant, $2 issuer, $3 subject, $4 user name, $5 e-mail, $6 name, $7 and $8 the sources of user name and e-mail, $9
 * and $10 given and family name, $11 by whose word.
 */
const said = `said AS (
    SELECT $2::text AS issuer, $3::text AS subject, $4::text AS username, $5::text AS email, $6::text AS name,
      ${sourceUnlessTaken('$7', { tenant: '$1::uuid', subject: '$3', username: '$4' })} AS username_source,
      $8::text AS email_source, $9::text AS given_name, $10::text AS family_name)`;

const insertSaid = `INSERT INTO identity (tenant_id, issuer, subject, username, email, name, username_source, email_source,
      given_name, family_name)
    SELECT $1::uuid, said.* FROM said`;

/**
 * Writes the person to whom the id leads, or a new one under it. Returns no row when another transaction has just made
 * that person: the next statement sees them.
 */
export const writeSaid = `WITH ${said}, known AS (
    SELECT l.identity_id AS id FROM identity_link l
    WHERE ${isLinkOf({ tenant: '$1::uuid', directory: '$2', subject: '$3' })}
  ), changed AS (
    UPDATE identity i SET
      username = CASE WHEN ${mayChange} THEN said.username ELSE i.username END,
      email = CASE WHEN ${mayChange} THEN said.email ELSE i.email END,
      name = CASE WHEN ${mayChange} THEN said.name ELSE i.name END,
      username_source = ${sourceOf('username')},
      email_source = ${sourceOf('email')},
      given_name = coalesce(said.given_name, i.given_name),
      family_name = coalesce(said.family_name, i.family_name),
      generation = i.generation + CASE WHEN ${isChanged} THEN 1 ELSE 0 END,
      updated_at = CASE WHEN ${isChanged} THEN clock_timestamp() ELSE i.updated_at END
    FROM known, said WHERE i.tenant_id = $1::uuid AND i.id = known.id
    RETURNING i.id
  ), made AS (
    ${insertSaid} WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (tenant_id, issuer, subject) DO NOTHING RETURNING id, tenant_id, issuer, subject
  ), ${linkMade(`'same_subject'`, '$11', { mayMove: false })}
  SELECT id FROM changed UNION ALL SELECT id FROM made`;

/** A new person, to whom the id leads from now on: an operator said that it is not the other's. */
export const splitOff = `WITH ${said}, made AS (
    ${insertSaid} RETURNING id, tenant_id, issuer, subject
  ), ${linkMade(`'operator_release'`, '$11', { mayMove: true })}
  SELECT id FROM made`;
