import type { BoxApp, CallIntent } from '@foyer/provisioning';
import { GROUP_PRIORITY, MANY_PRIORITY, openStatuses, priorityOf } from '@foyer/shared';
import { isBoundTo } from './box-app.ts';
import { PrismaCallLog } from '../call-log/call-log.ts';
import type { Database } from '../database/database.ts';
import { Prisma } from '../generated/client.ts';
import { createsSettled, keepAsFormer } from './missing-account.ts';
import { run, statement } from '../database/statement.ts';
import { transaction, type Transaction } from '../database/transaction.ts';
import {
  isOpen,
  openOrFollow,
  openRequests,
  requestColumns,
  type RequestRow,
} from '../requests/open-requests.ts';

export interface BoxAppCounts {
  /** Mapped Box users, including those known to be missing. */
  readonly accounts: number;
  readonly missing: number;
  readonly former: number;
  readonly activeIdentities: number;
  readonly openRequests: number;
}

/** `changed-meanwhile`: the tenant's binding has changed since the operator read it; nothing was done. */
export type MoveResult<T> = ({ readonly kind: 'done' } & T) | { readonly kind: 'changed-meanwhile' };

export type Recreation =
  | { readonly kind: 'requested'; readonly requestId: string }
  /** The mapping has changed since, or the tenant's accounts belong to another Box app; nothing was done. */
  | { readonly kind: 'changed-meanwhile' };

/**
 * A move changes every identity of the tenant in one transaction, so it gets more time than other statements, in
 * milliseconds.
 */
const MOVE_LIMIT_MS = 15 * 60_000;

/**
 * The operators' decisions about Box apps and deleted users. Each is one transaction with its line in the audit log,
 * and revokes the lease of every running attempt, because everything that its worker has read is out of date.
 */
export class BoxAppMigration {
  private readonly database: Database;
  private readonly tenantId: string;

  /** `database`: one whose `silenceMs` allows for statements over all identities of the tenant. */
  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  async counts(): Promise<BoxAppCounts> {
    const [row] = await this.database.prisma.$queryRaw<[BoxAppCounts]>`
      SELECT
        (SELECT count(*)::int FROM box_account WHERE tenant_id = ${this.tenantId}::uuid) AS accounts,
        (SELECT count(*)::int FROM box_account WHERE tenant_id = ${this.tenantId}::uuid AND missing_since IS NOT NULL) AS missing,
        (SELECT count(*)::int FROM former_box_account WHERE tenant_id = ${this.tenantId}::uuid) AS former,
        (SELECT count(*)::int FROM identity WHERE tenant_id = ${this.tenantId}::uuid AND active) AS "activeIdentities",
        (SELECT count(*)::int FROM provisioning_request WHERE tenant_id = ${this.tenantId}::uuid
          AND status = ANY(${[...openStatuses]}::text[])) AS "openRequests"`;
    return row;
  }

  /**
   * The accounts stay as they are, and belong to `to` from now on. `checked`: what was checked before, for the audit
   * log.
   */
  async accept(
    from: BoxApp,
    to: BoxApp,
    actor: string,
    checked: Readonly<Record<string, unknown>>,
  ): Promise<MoveResult<{ readonly accounts: number }>> {
    return this.move(async (tx) => {
      if (!(await this.rebind(tx, from, to))) return { kind: 'changed-meanwhile' };
      await this.fenceOut(tx, Prisma.empty);
      await this.promote(tx);
      const [row] = await tx.$queryRaw<[{ accounts: number }]>`
        SELECT count(*)::int AS accounts FROM box_account WHERE tenant_id = ${this.tenantId}::uuid`;
      await this.record(tx, 'accept_box_app', actor, { from: { ...from }, to: { ...to }, ...checked });
      return { kind: 'done', ...row };
    });
  }

  /** The accounts become former ones, and every active identity gets a request that creates it in the app `to`. */
  async migrate(
    from: BoxApp,
    to: BoxApp,
    actor: string,
  ): Promise<MoveResult<{ readonly moved: number; readonly requested: number }>> {
    return this.move(async (tx) => {
      const { tenantId } = this;
      // Before the binding changes, because a former account is stored with the app that it belonged to.
      if (!(await this.hold(tx, from))) return { kind: 'changed-meanwhile' };
      // In the same lock order as workers: the identity, its account, its request.
      await this.fenceOut(tx, Prisma.raw(`, ${createsSettled}`));
      const [removed] = await tx.$queryRaw<[{ moved: number }]>`
        WITH removed AS (DELETE FROM box_account WHERE tenant_id = ${tenantId}::uuid RETURNING *),
        ${Prisma.raw(keepAsFormer('app-changed', 'removed'))}
        SELECT count(*)::int AS moved FROM kept`;
      await this.rebind(tx, from, to);
      // Groups belong to the enterprise: another app of the same enterprise still has them, and only their members
      // change.
      if (from.enterpriseId !== to.enterpriseId) await this.forgetGroups(tx);
      await tx.$executeRaw`
        UPDATE provisioning_request SET effect = NULL
        WHERE tenant_id = ${tenantId}::uuid AND status = ANY(${[...openStatuses]}::text[]) AND effect IS NOT NULL`;
      await this.promote(tx);
      const [requests] = await run<{ requested: number }>({ tx }, requestEverybody, { tenant: tenantId });
      const done = { moved: removed.moved, requested: requests!.requested };
      await this.record(tx, 'migrate_box_app', actor, { from: { ...from }, to: { ...to }, ...done });
      return { kind: 'done', ...done };
    });
  }

  /** Recreates the deleted Box user of one person: the mapping becomes a former one, and a request is opened. */
  async recreate(
    { identityId, boxUserId }: { readonly identityId: string; readonly boxUserId: string },
    boxApp: BoxApp,
    actor: string,
  ): Promise<Recreation> {
    return this.move(async (tx) => {
      const { tenantId } = this;
      if (!(await this.hold(tx, boxApp))) return { kind: 'changed-meanwhile' };
      await this.fenceOut(tx, Prisma.raw(`, ${createsSettled}`), identityId);
      const [removed] = await tx.$queryRaw<{ identity_id: string }[]>`
        WITH removed AS (
          DELETE FROM box_account WHERE tenant_id = ${tenantId}::uuid AND identity_id = ${identityId}::uuid
            AND box_user_id = ${boxUserId} RETURNING *
        ), ${Prisma.raw(keepAsFormer('deleted', 'removed'))}
        SELECT identity_id FROM kept`;
      if (!removed) return { kind: 'changed-meanwhile' };
      await run({ tx }, renewRequest, { tenant: tenantId, id: identityId });
      const [opened] = await run<RequestRow>({ tx }, requestOne, { tenant: tenantId, id: identityId });
      await this.record(tx, 'recreate_box_user', actor, { boxUserId }, identityId);
      return { kind: 'requested', requestId: opened!.requestId };
    });
  }

  private move<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return transaction(
      this.database,
      async (tx) => {
        await tx.$executeRaw`SELECT set_config('statement_timeout', ${String(MOVE_LIMIT_MS)}, true)`;
        return work(tx);
      },
      { timeout: MOVE_LIMIT_MS, maxWait: 10_000 },
    );
  }

  /** Prevents new leases until the transaction ends. False when the tenant is bound to another app. */
  private async hold(tx: Transaction, app: BoxApp): Promise<boolean> {
    const rows = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM tenant t WHERE t.id = ${this.tenantId}::uuid AND ${isBoundTo(app)} FOR NO KEY UPDATE`;
    return rows.length > 0;
  }

  private async rebind(tx: Transaction, from: BoxApp, to: BoxApp): Promise<boolean> {
    const changed = await tx.$executeRaw`
      UPDATE tenant t SET box_client_id = ${to.clientId}, box_enterprise_id = ${to.enterpriseId},
        box_bound_at = clock_timestamp()
      WHERE t.id = ${this.tenantId}::uuid AND ${isBoundTo(from)}`;
    return changed > 0;
  }

  /** Revokes every lease: the next write of its worker is refused. */
  private async fenceOut(tx: Transaction, also: Prisma.Sql, identityId: string | null = null): Promise<void> {
    const everybody = also === Prisma.empty ? Prisma.sql`lease_expires_at IS NOT NULL` : Prisma.sql`true`;
    await tx.$executeRaw`
      UPDATE identity SET lease_token = lease_token + 1, lease_expires_at = NULL ${also}
      WHERE tenant_id = ${this.tenantId}::uuid AND (${identityId}::uuid IS NULL OR id = ${identityId}::uuid)
        AND ${everybody}`;
    if (identityId !== null) return;
    await tx.$executeRaw`
      UPDATE scim_group SET lease_token = lease_token + 1, lease_expires_at = NULL
      WHERE tenant_id = ${this.tenantId}::uuid AND lease_expires_at IS NOT NULL`;
  }

  /** Another enterprise has none of the groups: each group that should exist gets a request that creates it. */
  private async forgetGroups(tx: Transaction): Promise<void> {
    const { tenantId } = this;
    await tx.$executeRaw`
      UPDATE scim_group SET box_group_id = NULL, box_name = NULL, is_surveyed = true, begun_name = NULL,
        applied_generation = 0
      WHERE tenant_id = ${tenantId}::uuid`;
    await tx.$executeRaw`DELETE FROM scim_group_member WHERE tenant_id = ${tenantId}::uuid AND NOT is_wanted`;
    await tx.$executeRaw`
      UPDATE scim_group_member SET box_membership_id = NULL, box_user_id = NULL, is_unsettled = false, trouble = NULL
      WHERE tenant_id = ${tenantId}::uuid`;
    await run({ tx }, requestGroups, { tenant: tenantId });
  }

  /** Makes every open request due now for the relay. */
  private async promote(tx: Transaction): Promise<void> {
    await tx.$executeRaw`
      UPDATE provisioning_request SET due_at = clock_timestamp()
      WHERE tenant_id = ${this.tenantId}::uuid AND status = ANY(${[...openStatuses]}::text[])`;
  }

  private async record(
    tx: Transaction,
    operation: string,
    actor: string,
    parameters: CallIntent['parameters'],
    identityId: string | null = null,
  ): Promise<void> {
    await new PrismaCallLog({ tx }, this.tenantId, 0).record(
      { requestId: null, identityId, lease: null },
      {
        direction: 'in',
        system: 'foyer',
        operation,
        method: 'CLI',
        path: 'npm run foyer',
        actor,
        parameters,
      },
      { result: 'ok', status: null, error: null, answer: null, durationMs: 0 },
    );
  }
}

const byOperator = { tenant: '$tenant::uuid', cause: "'operator'" } as const;

const requestEverybody = statement<'tenant'>(
  'migrate-request-everybody',
  `WITH ${openRequests({
    ...{ ...byOperator, of: 'identity', priority: MANY_PRIORITY },
    from: 'identity WHERE tenant_id = $tenant::uuid AND active',
  })} SELECT count(*)::int AS requested FROM request`,
);

const requestGroups = statement<'tenant'>(
  'migrate-request-groups',
  `WITH ${openRequests({
    ...{ ...byOperator, of: 'group', priority: GROUP_PRIORITY },
    from: 'scim_group WHERE tenant_id = $tenant::uuid AND deleted_at IS NULL',
  })} SELECT FROM request`,
);

/** Whoever works on the open request starts over. */
const renewRequest = statement<'tenant' | 'id'>(
  'recreate-renew-request',
  `UPDATE provisioning_request r SET due_at = clock_timestamp(), effect = NULL FROM identity i
   WHERE i.tenant_id = $tenant::uuid AND i.id = $id::uuid AND r.tenant_id = i.tenant_id AND r.identity_id = i.id
     AND r.generation = i.generation AND ${isOpen('r')}`,
);

const requestOne = statement<'tenant' | 'id'>(
  'recreate-request',
  `WITH about AS (SELECT id, generation FROM identity WHERE tenant_id = $tenant::uuid AND id = $id::uuid),
   ${openOrFollow('about', { ...byOperator, of: 'identity', priority: priorityOf.operator })}
   SELECT ${requestColumns} FROM request`,
);
