import { decideReturning, type Candidate, type ReturningDecision } from '@foyer/directory';
import { requestFor, type OpenedRequest } from '../../requests/new-request.ts';
import { run, statement } from '../../database/statement.ts';
import type { Transaction } from '../../database/transaction.ts';
import { isLinkOf, ruleText } from '../../identities/links.ts';
import { isNameKey } from './user-names.ts';

/** To whom the external id leads. */
const linked = `SELECT l.identity_id FROM identity_link l
    WHERE ${isLinkOf({ tenant: '$tenant::uuid', directory: '$issuer::text', subject: '$external_id::text' })}`;

const findCandidates = statement<'tenant' | 'issuer' | 'external_id' | 'user_name'>(
  'find-returning',
  `SELECT i.id, i.scim IS NOT NULL AS "isManaged", i.scim_deleted_at IS NOT NULL AS "isDeleted", i.active,
    i.id IN (${linked}) AS "isLinked", i.id IN (${linked} AND l.rule = ${ruleText('operator_merge')}) AS "isMerged",
    coalesce(i.issuer = $issuer::text AND i.subject = $external_id::text, false) AS "isSubject",
    scim_user_name(i.username) = scim_user_name($user_name::text) AND ${isNameKey('i')} AS "isNamed"
  FROM identity i
  WHERE i.tenant_id = $tenant::uuid AND i.merged_into IS NULL AND (i.id IN (${linked})
    OR (scim_user_name(i.username) = scim_user_name($user_name::text) AND ${isNameKey('i')}))
  ORDER BY i.scim_deleted_at DESC NULLS LAST, i.id FOR NO KEY UPDATE OF i`,
);

/** The identity that a create means, whose row is locked; see `decideReturning`. */
export async function findReturning(
  tx: Transaction,
  tenantId: string,
  issuer: string,
  { userName, externalId }: { readonly userName: string; readonly externalId: string | null },
): Promise<ReturningDecision> {
  const values = { tenant: tenantId, issuer, external_id: externalId, user_name: userName };
  return decideReturning(await run<Candidate>({ tx }, findCandidates, values));
}

const freeSubject = statement<'tenant' | 'id' | 'subject'>(
  'free-subject',
  `UPDATE identity SET subject = 'scim:' || gen_random_uuid(), active = false, username_source = 'claimed',
     generation = generation + 1, updated_at = clock_timestamp()
   WHERE tenant_id = $tenant::uuid AND subject = $subject::text AND id <> $id::uuid
     AND issuer = (SELECT issuer FROM identity WHERE id = $id::uuid)
     AND (scim IS NULL OR scim_deleted_at IS NOT NULL)
   RETURNING id, generation`,
);

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
  const gone = await run<{ id: string; generation: number }>({ tx }, freeSubject, {
    ...{ tenant: tenantId, id, subject },
  });
  const requests: OpenedRequest[] = [];
  for (const { id: identityId, generation } of gone)
    requests.push(await requestFor(tx, tenantId, { identityId, generation }, 'scim'));
  return requests;
}

const claim = statement<'tenant' | 'id' | 'user_name'>(
  'claim-name',
  `UPDATE identity SET username_source = 'claimed'
   WHERE tenant_id = $tenant::uuid AND scim_user_name(username) = scim_user_name($user_name::text) AND id <> $id::uuid
     AND scim IS NULL AND username_source <> 'claimed'`,
);

/** A name given by SCIM belongs to that person only: other identities can no longer be found by it. */
export async function claimName(
  tx: Transaction,
  tenantId: string,
  id: string,
  userName: string,
): Promise<void> {
  await run({ tx }, claim, { tenant: tenantId, id, user_name: userName });
}
