import type { BoxAccount, Lease } from '@foyer/provisioning';
import { Prisma } from './generated/client.ts';

/** The work of three fenced statements about a Box user that is gone; each reads the row `fence`. */

/** A line in the request's timeline, for each row of `source`. */
const told = (lease: Lease, source: Prisma.Sql, event: string, detail: string): Prisma.Sql => Prisma.sql`
  noted AS (
    UPDATE provisioning_request r SET version = r.version + 1 FROM ${source} s
    WHERE r.id = ${lease.requestId}::uuid RETURNING r.id
  ), told AS (INSERT INTO request_event (request_id, event, detail) SELECT id, ${event}, ${detail} FROM noted)`;

export const markMissing = (lease: Lease, boxUserId: string): Prisma.Sql => Prisma.sql`
  marked AS (
    UPDATE box_account a SET missing_since = clock_timestamp() FROM fence
    WHERE a.identity_id = fence.id AND a.box_user_id = ${boxUserId} AND a.missing_since IS NULL
    RETURNING a.identity_id
  ), ${told(lease, Prisma.sql`marked`, 'box-user-missing', `Box user ${boxUserId} is gone`)}`;

export const restoreAccount = (lease: Lease, account: BoxAccount): Prisma.Sql => Prisma.sql`
  restored AS (
    UPDATE box_account a SET missing_since = NULL, name = ${account.name}, status = ${account.status},
      applied_generation = ${account.appliedGeneration}, updated_at = clock_timestamp()
    FROM fence WHERE a.identity_id = fence.id AND a.box_user_id = ${account.boxUserId}
    RETURNING a.identity_id
  ), ${told(lease, Prisma.sql`restored`, 'box-user-restored', `Box user ${account.boxUserId} is back`)}`;

export const forgetAccount = (lease: Lease, boxUserId: string): Prisma.Sql => Prisma.sql`
  given_up AS (
    DELETE FROM box_account a USING fence WHERE a.identity_id = fence.id AND a.box_user_id = ${boxUserId} RETURNING a.*
  ), ${keepAsFormer('deleted', Prisma.sql`given_up`)},
  ${told(lease, Prisma.sql`given_up`, 'box-user-given-up', `Box user ${boxUserId} was deleted; a new one is made`)}`;

/** Keeps removed rows of box_account as former ones, with the app that they belonged to. */
export const keepAsFormer = (
  reason: 'app-changed' | 'deleted',
  removed: Prisma.Sql,
): Prisma.Sql => Prisma.sql`
  kept AS (
    INSERT INTO former_box_account
      (tenant_id, identity_id, box_user_id, name, status, box_client_id, box_enterprise_id, reason, mapped_at)
    SELECT a.tenant_id, a.identity_id, a.box_user_id, a.name, a.status, t.box_client_id, t.box_enterprise_id,
      ${reason}, a.created_at
    FROM ${removed} a JOIN tenant t ON t.id = a.tenant_id
    RETURNING identity_id
  )`;

/** Sets `creates_after` past every create so far: none of them says anything of the next account. */
export const createsSettled = Prisma.sql`creates_after = greatest(identity.creates_after, (
  SELECT max(c.id) FROM api_call c WHERE c.identity_id = identity.id AND c.operation = 'create_user'))`;
