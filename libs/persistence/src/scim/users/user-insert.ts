import type { Document } from '@foyer/scim';
import { priorityOf } from '@foyer/shared';
import { recordable } from '../../call-log/call-log.ts';
import { isLinkOf, linkMade } from '../../identities/links.ts';
import type { SqlValue } from '../../database/statement.ts';
import { openRequests, scimOpening } from '../../requests/open-requests.ts';
import { isNameKey } from './user-names.ts';
import type { ScimUser, Written } from './user.ts';

export interface NewRow {
  readonly id: string;
  readonly requestId: string;
  readonly createdAt: Date;
}

/**
 * Handles most creates in one round trip: inserts nothing and returns no row when a person has or had the userName or
 * the external id, or when groups wait for that external id.
 */
const insertUserSql = (more: string) => `WITH made AS (
    INSERT INTO identity (tenant_id, issuer, subject, username, email, name, active, scim, box_profile)
    SELECT $tenant::uuid, $issuer::text, $subject::text, $username::text, $email::text, $name::text, $active::int = 1,
      $document::jsonb, $profile::jsonb
    WHERE NOT EXISTS (
        SELECT FROM identity i WHERE i.tenant_id = $tenant::uuid AND ${isNameKey('i')}
          AND scim_user_name(i.username) = scim_user_name($username::text))
      AND NOT EXISTS (SELECT FROM identity_link l
        WHERE ${isLinkOf({ tenant: '$tenant::uuid', directory: '$issuer::text', subject: '$subject::text' })})
      AND NOT EXISTS (
        SELECT FROM scim_group_member m WHERE m.tenant_id = $tenant::uuid AND m.identity_id IS NULL
          AND m.value = $external_id::text)
    ON CONFLICT DO NOTHING RETURNING id, tenant_id, issuer, subject, generation, created_at
  ), ${linkMade('same_subject', '$by::text', { mayMove: false })}, ${openRequests({ ...scimOpening, from: 'made' })}${more}
  SELECT made.id, made.created_at AS "createdAt", request.id AS "requestId" FROM made, request`;
type NewUserValue =
  | 'tenant'
  | 'issuer'
  | 'subject'
  | 'external_id'
  | 'username'
  | 'email'
  | 'name'
  | 'active'
  | 'document'
  | 'profile'
  | 'by'
  | 'grace_ms';
export type NewUserValues = Readonly<Record<NewUserValue, SqlValue>>;
export const insertUser = recordable<NewUserValue>('insert-user', insertUserSql, {
  ...{ from: 'made, request', request: 'request.id', identity: 'made.id' },
});

export const toNewUser = ({ id, requestId, createdAt }: NewRow, document: Document): Written<ScimUser> => ({
  resource: {
    ...{ id, document: { active: true, ...document }, generation: 1, createdAt, updatedAt: createdAt },
    ...{ groups: [], boxUserId: null, inStep: false, requestId, isManaged: true },
  },
  requests: [{ requestId, job: 'converge', priority: priorityOf.scim, isNew: true, wasPromoted: false }],
});
