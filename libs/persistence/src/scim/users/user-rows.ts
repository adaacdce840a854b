import { STAND_IN, type Document } from '@foyer/scim';
import { isInStep } from '../../box-accounts/in-step.ts';
import { statement } from '../../database/statement.ts';
import type { Listed } from '../listing.ts';
import { isEmailClaimed, userPlaces } from '../places.ts';
import type { ReadUser, ScimUser } from './user.ts';
import { shownName } from './user-names.ts';

/** How people are read as SCIM Users. */

export const columns = `i.id, scim_document(i) AS document, ${shownName('i')} AS username, i.subject,
  ${isEmailClaimed('i')} AS "isEmailClaimed", i.scim IS NOT NULL AS "isManaged", i.active, i.generation,
  i.created_at AS "createdAt", i.updated_at AS "updatedAt", a.box_user_id AS "boxUserId",
  ${isInStep('i', 'a')} AS "inStep",
  (SELECT r.id FROM provisioning_request r WHERE r.tenant_id = i.tenant_id AND r.identity_id = i.id
   ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS "requestId",
  coalesce((SELECT jsonb_agg(jsonb_build_object('value', g.id, 'display', g.display_name) ORDER BY g.created_at, g.id)
   FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id
   WHERE m.identity_id = i.id AND m.is_wanted AND g.deleted_at IS NULL), '[]') AS groups`;

export const listed: Listed = {
  from: 'identity i LEFT JOIN box_account a ON a.identity_id = i.id',
  row: 'i',
  where: (tenant) => `i.tenant_id = ${tenant} AND i.scim_deleted_at IS NULL AND i.merged_into IS NULL`,
  places: userPlaces,
  lookUps: ['userName', 'externalId'],
};

const one = `SELECT ${columns} FROM ${listed.from} WHERE ${listed.where('$tenant::uuid')} AND i.id = $id::uuid`;
export const readUser = statement<'tenant' | 'id'>('scim-user', one);

export interface Row extends ScimUser {
  readonly username: string;
  readonly subject: string;
  readonly active: boolean;
  readonly isEmailClaimed: boolean;
}

export function toUser({ username, subject, active, isEmailClaimed: isHidden, ...row }: Row): ScimUser {
  const document = isHidden ? withoutEmails(row.document) : row.document;
  return { ...row, document: shownUser(document, { username, subject, active }) };
}

export const toReadUser = (row: Row): ReadUser => ({
  user: toUser(row),
  stored: row.document,
  username: row.username,
  subject: row.subject,
  isManaged: row.isManaged,
});

/** A stored document with what the columns have of it; a stand-in is not shown. */
export function shownUser(
  { externalId: _, ...document }: Document,
  { username, subject, active }: Pick<Row, 'username' | 'subject' | 'active'>,
): Document {
  const externalId = subject.startsWith(STAND_IN) ? {} : { externalId: subject };
  return { ...document, userName: username, ...externalId, active };
}

const withoutEmails = ({ emails: _claimed, ...document }: Document): Document => document;
