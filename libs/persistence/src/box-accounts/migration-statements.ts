import { GROUP_PRIORITY, MANY_PRIORITY, priorityOf } from '@foyer/shared';
import { setStatement, statement } from '../database/statement.ts';
import { isOpen, openOrFollow, openRequests, requestColumns } from '../requests/open-requests.ts';
import { isBound, type BoundValue } from './box-app.ts';
import { createsSettled, keepAsFormer } from './missing-account.ts';

/** The statements of the operators' decisions about Box apps and deleted users. Those about everybody are sets. */

export const countAll = setStatement<'tenant'>(
  'box-app-counts',
  `SELECT
     (SELECT count(*)::int FROM box_account WHERE tenant_id = $tenant::uuid) AS accounts,
     (SELECT count(*)::int FROM box_account WHERE tenant_id = $tenant::uuid AND missing_since IS NOT NULL) AS missing,
     (SELECT count(*)::int FROM former_box_account WHERE tenant_id = $tenant::uuid) AS former,
     (SELECT count(*)::int FROM identity WHERE tenant_id = $tenant::uuid AND active) AS "activeIdentities",
     (SELECT count(*)::int FROM provisioning_request r WHERE r.tenant_id = $tenant::uuid AND ${isOpen('r')})
       AS "openRequests"`,
);

export const countAccounts = setStatement<'tenant'>(
  'box-app-accounts',
  'SELECT count(*)::int AS accounts FROM box_account WHERE tenant_id = $tenant::uuid',
);

/** Until the end of the transaction. */
export const limitTime = statement<'limit'>(
  'box-app-time',
  `SELECT set_config('statement_timeout', $limit, true)`,
);

/** Prevents new leases until the transaction ends. No row: the tenant is bound to another app. */
export const holdTenant = statement<'tenant' | BoundValue>(
  'box-app-hold',
  `SELECT t.id FROM tenant t WHERE t.id = $tenant::uuid AND ${isBound} FOR NO KEY UPDATE`,
);

/** No row: the tenant is bound to another app than `$client` and `$enterprise`. */
export const rebindTenant = statement<'tenant' | 'to_client' | 'to_enterprise' | BoundValue>(
  'box-app-rebind',
  `UPDATE tenant t SET box_client_id = $to_client, box_enterprise_id = $to_enterprise, box_bound_at = clock_timestamp()
   WHERE t.id = $tenant::uuid AND ${isBound} RETURNING t.id`,
);

const leaseRevoked = 'lease_token = lease_token + 1, lease_expires_at = NULL';

export const revokeLeases = setStatement<'tenant'>(
  'box-app-revoke',
  `UPDATE identity SET ${leaseRevoked} WHERE tenant_id = $tenant::uuid AND lease_expires_at IS NOT NULL`,
);

/** Revokes the leases, too. */
export const settleCreates = setStatement<'tenant'>(
  'box-app-settle',
  `UPDATE identity SET ${leaseRevoked}, ${createsSettled} WHERE tenant_id = $tenant::uuid`,
);

export const revokeGroupLeases = setStatement<'tenant'>(
  'box-app-revoke-groups',
  `UPDATE scim_group SET ${leaseRevoked} WHERE tenant_id = $tenant::uuid AND lease_expires_at IS NOT NULL`,
);

export const removeAccounts = setStatement<'tenant'>(
  'box-app-remove',
  `WITH removed AS (DELETE FROM box_account WHERE tenant_id = $tenant::uuid RETURNING *),
   ${keepAsFormer('app-changed', 'removed')}
   SELECT count(*)::int AS moved FROM kept`,
);

export const forgetEffects = setStatement<'tenant'>(
  'box-app-forget-effects',
  `UPDATE provisioning_request r SET effect = NULL
   WHERE r.tenant_id = $tenant::uuid AND ${isOpen('r')} AND r.effect IS NOT NULL`,
);

/** Makes every open request due now for the relay. */
export const promoteRequests = setStatement<'tenant'>(
  'box-app-promote',
  `UPDATE provisioning_request r SET due_at = clock_timestamp() WHERE r.tenant_id = $tenant::uuid AND ${isOpen('r')}`,
);

export const forgetGroups = setStatement<'tenant'>(
  'box-app-forget-groups',
  `UPDATE scim_group SET box_group_id = NULL, box_name = NULL, is_surveyed = true, begun_name = NULL,
     applied_generation = 0
   WHERE tenant_id = $tenant::uuid`,
);

export const forgetLeavers = setStatement<'tenant'>(
  'box-app-forget-leavers',
  'DELETE FROM scim_group_member WHERE tenant_id = $tenant::uuid AND NOT is_wanted',
);

export const forgetMembers = setStatement<'tenant'>(
  'box-app-forget-members',
  `UPDATE scim_group_member SET box_membership_id = NULL, box_user_id = NULL, is_unsettled = false, trouble = NULL
   WHERE tenant_id = $tenant::uuid`,
);

const byOperator = { tenant: '$tenant::uuid', cause: "'operator'" } as const;

export const requestEverybody = setStatement<'tenant'>(
  'box-app-request-everybody',
  `WITH ${openRequests({
    ...{ ...byOperator, of: 'identity', priority: MANY_PRIORITY },
    from: 'identity WHERE tenant_id = $tenant::uuid AND active',
  })} SELECT count(*)::int AS requested FROM request`,
);

export const requestGroups = setStatement<'tenant'>(
  'box-app-request-groups',
  `WITH ${openRequests({
    ...{ ...byOperator, of: 'group', priority: GROUP_PRIORITY },
    from: 'scim_group WHERE tenant_id = $tenant::uuid AND deleted_at IS NULL',
  })} SELECT FROM request`,
);

/** As `settleCreates`, for one person. */
export const settleCreate = statement<'tenant' | 'id'>(
  'recreate-settle',
  `UPDATE identity SET ${leaseRevoked}, ${createsSettled} WHERE tenant_id = $tenant::uuid AND id = $id::uuid`,
);

/** No row: the person has another account, or none. */
export const removeAccount = statement<'tenant' | 'id' | 'box_user'>(
  'recreate-remove',
  `WITH removed AS (
     DELETE FROM box_account WHERE tenant_id = $tenant::uuid AND identity_id = $id::uuid AND box_user_id = $box_user
     RETURNING *
   ), ${keepAsFormer('deleted', 'removed')}
   SELECT identity_id FROM kept`,
);

/** Whoever works on the open request starts over. */
export const renewRequest = statement<'tenant' | 'id'>(
  'recreate-renew-request',
  `UPDATE provisioning_request r SET due_at = clock_timestamp(), effect = NULL FROM identity i
   WHERE i.tenant_id = $tenant::uuid AND i.id = $id::uuid AND r.tenant_id = i.tenant_id AND r.identity_id = i.id
     AND r.generation = i.generation AND ${isOpen('r')}`,
);

export const requestOne = statement<'tenant' | 'id'>(
  'recreate-request',
  `WITH about AS (SELECT id, generation FROM identity WHERE tenant_id = $tenant::uuid AND id = $id::uuid),
   ${openOrFollow('about', { ...byOperator, of: 'identity', priority: priorityOf.operator })}
   SELECT ${requestColumns} FROM request`,
);
