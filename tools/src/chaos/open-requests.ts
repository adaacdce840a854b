import type { Person } from '@foyer/shared';
import { EPOCH } from './clock.ts';
import type { World } from './world.ts';

/** When the next open request is due, on the schedule's clock; null when none is open. */
export async function nextDue({ house, tenantId }: World): Promise<number | null> {
  const [row] = await house.admin.query<{ due: number | null }>(
    'SELECT (extract(epoch FROM min(due_at)) * 1000)::float8 AS due FROM provisioning_request WHERE tenant_id = $1',
    [tenantId],
  );
  return row?.due == null ? null : row.due - EPOCH;
}

export interface FailedRequest extends Person {
  readonly id: string;
  /** Whether a directory pushed the person or the group. */
  readonly isPushed: boolean;
}

/** The first failed request whose state is not in Box, and that no later request replaces; undefined for none. */
export async function failedRequest({ house, tenantId }: World): Promise<FailedRequest | undefined> {
  const [first] = await house.admin.query<FailedRequest>(
    `SELECT r.id, i.issuer, i.subject, i.username, i.email, i.name, i.scim IS NOT NULL OR r.group_id IS NOT NULL AS "isPushed"
     FROM provisioning_request r LEFT JOIN identity i ON i.id = r.identity_id
     LEFT JOIN box_account a ON a.identity_id = i.id LEFT JOIN scim_group g ON g.id = r.group_id
     WHERE r.tenant_id = $1 AND r.status = 'failed'
       AND coalesce(a.applied_generation, g.applied_generation) IS DISTINCT FROM coalesce(i.generation, g.generation)
       AND NOT EXISTS (SELECT FROM provisioning_request other
         WHERE (other.identity_id = r.identity_id OR other.group_id = r.group_id)
           AND (other.due_at IS NOT NULL OR (other.created_at, other.finished_at) > (r.created_at, r.finished_at)))
     ORDER BY i.subject, r.created_at, r.id`,
    [tenantId],
  );
  return first;
}
