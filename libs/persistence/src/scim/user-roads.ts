import { requestFor, type MadeRequest } from '../new-request.ts';
import type { Transaction } from '../transaction.ts';
import { taken } from './taken.ts';
import { isNameKey } from './user-names.ts';

/**
 * Who somebody is that a directory pushes. Whoever comes back is the person that they were; and what ends with 409 is found by
 * the look-up of the same user name, or the directory would go round for ever.
 */

interface Candidate {
  readonly id: string;
  readonly isManaged: boolean;
  readonly isDeleted: boolean;
  readonly active: boolean;
  readonly isSubject: boolean;
  readonly isNamed: boolean;
}

/**
 * The person that a create is about, held: known by sign-in only, deleted before, or switched off and called otherwise since.
 * Null: nobody, they are new. Throws ScimError 409 when somebody has the user name, or an active person the external id.
 */
export async function findReturning(
  tx: Transaction,
  tenantId: string,
  issuer: string,
  { userName, externalId }: { readonly userName: string; readonly externalId: string | null },
): Promise<string | null> {
  const candidates = await tx.$queryRawUnsafe<Candidate[]>(
    `SELECT i.id, i.scim IS NOT NULL AS "isManaged", i.scim_deleted_at IS NOT NULL AS "isDeleted", i.active,
       coalesce(i.issuer = $2 AND i.subject = $3, false) AS "isSubject", scim_user_name(i.username) = scim_user_name($4) AS "isNamed"
     FROM identity i
     WHERE i.tenant_id = $1::uuid
       AND ((i.issuer = $2 AND i.subject = $3) OR (scim_user_name(i.username) = scim_user_name($4) AND ${isNameKey('i')}))
     ORDER BY i.scim_deleted_at DESC NULLS LAST, i.id FOR NO KEY UPDATE OF i`,
    tenantId,
    issuer,
    externalId,
    userName,
  );
  const known = candidates.find(({ isSubject }) => isSubject);
  if (candidates.some(({ isSubject, isDeleted }) => !isSubject && !isDeleted)) throw taken(['userName']);
  // The newest of those who were deleted under this name.
  if (known === undefined) return candidates[0]?.id ?? null;
  const isBack = !known.isManaged || known.isDeleted || (!known.active && !known.isNamed);
  if (isBack) return known.id;
  throw taken(known.isNamed ? ['userName', 'externalId'] : ['externalId']);
}

/**
 * Before a person takes a subject: whoever has it, and is no resource that a client sees as its own, gives way. They are switched
 * off under a stand-in; their Box user, external id changed and content kept, is left for an operator. Gives their request.
 */
export async function makeWay(
  tx: Transaction,
  tenantId: string,
  id: string,
  subject: string,
): Promise<MadeRequest[]> {
  const gone = await tx.$queryRaw<{ id: string; generation: number }[]>`
    UPDATE identity SET subject = 'scim:' || gen_random_uuid(), active = false, username_source = 'claimed',
      generation = generation + 1, updated_at = clock_timestamp()
    WHERE tenant_id = ${tenantId}::uuid AND subject = ${subject} AND id <> ${id}::uuid
      AND issuer = (SELECT issuer FROM identity WHERE id = ${id}::uuid)
      AND (scim IS NULL OR scim_deleted_at IS NOT NULL)
    RETURNING id, generation`;
  const requests: MadeRequest[] = [];
  for (const { id: identityId, generation } of gone)
    requests.push(await requestFor(tx, tenantId, { identityId, generation }, 'scim'));
  return requests;
}

/** A name that SCIM gives is nobody else's: what a sign-in or a machine said of it finds nobody any more. */
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
