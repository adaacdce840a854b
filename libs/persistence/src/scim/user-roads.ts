import { decideReturning, type Candidate, type ReturningDecision } from '@foyer/directory';
import { requestFor, type OpenedRequest } from '../requests/new-request.ts';
import type { Transaction } from '../database/transaction.ts';
import { isLinkOf } from '../identities/links.ts';
import { isNameKey } from './user-names.ts';

/** The identity that a create means, whose row is locked; see `decideReturning`. */
export async function findReturning(
  tx: Transaction,
  tenantId: string,
  issuer: string,
  { userName, externalId }: { readonly userName: string; readonly externalId: string | null },
): Promise<ReturningDecision> {
  return decideReturning(
    await tx.$queryRawUnsafe<Candidate[]>(candidatesSql, tenantId, issuer, externalId, userName),
  );
}

/** To whom the external id leads. */
const linked = `SELECT l.identity_id FROM identity_link l
    WHERE ${isLinkOf({ tenant: '$1::uuid', directory: '$2', subject: '$3' })}`;

/** $1 tenant, $2 issuer, $3 external id, $4 user name. */
const candidatesSql = `SELECT i.id, i.scim IS NOT NULL AS "isManaged", i.scim_deleted_at IS NOT NULL AS "isDeleted", i.active,
i.id IN (${linked}) AS "isLinked", i.id IN (${linked} AND l.rule = 'operator_merge') AS "isMerged",
    coalesce(i.issuer = $2 AND i.subject = $3, false) AS "isSubject",
    scim_user_name(i.username) = scim_user_name($4) AND ${isNameKey('i')} AS "isNamed"
  FROM identity i
  WHERE i.tenant_id = $1::uuid AND i.merged_into IS NULL AND (i.id IN (${linked})
    OR (scim_user_name(i.username) = scim_user_name($4) AND ${isNameKey('i')}))
  ORDER BY i.scim_deleted_at DESC NULLS LAST, i.id FOR NO KEY UPDATE OF i`;

/**
 * Frees a subject before a person gets it: an identity that has it, and is not a visible SCIM resource, is deactivated
 * under a stand-in subject. Its Box user keeps its external id and its content, and is left for an operator. Returns
 * the requests for that.
 */
export async function makeWay(
  tx: Transaction,
  tenantId: string,
  id: string,
  subject: string,
): Promise<OpenedRequest[]> {
  const gone = await tx.$queryRaw<{ id: string; generation: number }[]>`
    UPDATE identity SET subject = 'scim:' || gen_random_uuid(), active = false, username_source = 'claimed',
      generation = generation + 1, updated_at = clock_timestamp()
    WHERE tenant_id = ${tenantId}::uuid AND subject = ${subject} AND id <> ${id}::uuid
      AND issuer = (SELECT issuer FROM identity WHERE id = ${id}::uuid)
      AND (scim IS NULL OR scim_deleted_at IS NOT NULL)
    RETURNING id, generation`;
  const requests: OpenedRequest[] = [];
  for (const { id: identityId, generation } of gone)
    requests.push(await requestFor(tx, tenantId, { identityId, generation }, 'scim'));
  return requests;
}

/** A name given by SCIM belongs to that person only: other identities can no longer be found by it. */
export async function claimName(
  tx: Transaction,
  tenantId: string,
  id: string,
  userName: string,
): Promise<void> {
  await tx.$executeRaw`
    UPDATE identity SET username_source = 'claimed'
    WHERE tenant_id = ${tenantId}::uuid AND scim_user_name(username) = scim_user_name(${userName}::text) AND id <> ${id}::uuid
      AND scim IS NULL AND username_source <> 'claimed'`;
}
