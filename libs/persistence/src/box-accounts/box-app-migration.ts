import type { BoxApp, CallIntent } from '@foyer/provisioning';
import { PrismaCallLog } from '../call-log/call-log.ts';
import type { Database } from '../database/database.ts';
import { run } from '../database/statement.ts';
import { transaction, type Transaction } from '../database/transaction.ts';
import type { RequestRow } from '../requests/open-requests.ts';
import { boundValues } from './box-app.ts';
import * as sql from './migration-statements.ts';

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
    const [row] = await run<BoxAppCounts>(this.database, sql.countAll, { tenant: this.tenantId });
    return row!;
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
      const tenant = this.tenantId;
      await run({ tx }, sql.revokeLeases, { tenant });
      await run({ tx }, sql.revokeGroupLeases, { tenant });
      await run({ tx }, sql.promoteRequests, { tenant });
      const [row] = await run<{ accounts: number }>({ tx }, sql.countAccounts, { tenant });
      await this.record(tx, 'accept_box_app', actor, { from: { ...from }, to: { ...to }, ...checked });
      return { kind: 'done', accounts: row!.accounts };
    });
  }

  /** The accounts become former ones, and every active identity gets a request that creates it in the app `to`. */
  async migrate(
    from: BoxApp,
    to: BoxApp,
    actor: string,
  ): Promise<MoveResult<{ readonly moved: number; readonly requested: number }>> {
    return this.move(async (tx) => {
      const tenant = this.tenantId;
      // Before the binding changes, because a former account is stored with the app that it belonged to.
      if (!(await this.hold(tx, from))) return { kind: 'changed-meanwhile' };
      // In the same lock order as workers: the identity, its account, its request.
      await run({ tx }, sql.settleCreates, { tenant });
      await run({ tx }, sql.revokeGroupLeases, { tenant });
      const [removed] = await run<{ moved: number }>({ tx }, sql.removeAccounts, { tenant });
      await this.rebind(tx, from, to);
      // Groups belong to the enterprise: another app of the same enterprise still has them, and only their members
      // change.
      if (from.enterpriseId !== to.enterpriseId) await this.forgetGroups(tx);
      await run({ tx }, sql.forgetEffects, { tenant });
      await run({ tx }, sql.promoteRequests, { tenant });
      const [requests] = await run<{ requested: number }>({ tx }, sql.requestEverybody, { tenant });
      const done = { moved: removed!.moved, requested: requests!.requested };
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
      const about = { tenant: this.tenantId, id: identityId };
      if (!(await this.hold(tx, boxApp))) return { kind: 'changed-meanwhile' };
      await run({ tx }, sql.settleCreate, about);
      const removed = await run({ tx }, sql.removeAccount, { ...about, box_user: boxUserId });
      if (removed.length === 0) return { kind: 'changed-meanwhile' };
      await run({ tx }, sql.renewRequest, about);
      const [opened] = await run<RequestRow>({ tx }, sql.requestOne, about);
      await this.record(tx, 'recreate_box_user', actor, { boxUserId }, identityId);
      return { kind: 'requested', requestId: opened!.requestId };
    });
  }

  private move<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return transaction(
      this.database,
      async (tx) => {
        await run({ tx }, sql.limitTime, { limit: String(MOVE_LIMIT_MS) });
        return work(tx);
      },
      { timeout: MOVE_LIMIT_MS, maxWait: 10_000 },
    );
  }

  /** Prevents new leases until the transaction ends. False when the tenant is bound to another app. */
  private async hold(tx: Transaction, app: BoxApp): Promise<boolean> {
    const held = await run({ tx }, sql.holdTenant, { tenant: this.tenantId, ...boundValues(app) });
    return held.length > 0;
  }

  private async rebind(tx: Transaction, from: BoxApp, to: BoxApp): Promise<boolean> {
    const bound = await run({ tx }, sql.rebindTenant, {
      ...{ tenant: this.tenantId, to_client: to.clientId, to_enterprise: to.enterpriseId },
      ...boundValues(from),
    });
    return bound.length > 0;
  }

  /** Another enterprise has none of the groups: each group that should exist gets a request that creates it. */
  private async forgetGroups(tx: Transaction): Promise<void> {
    const tenant = this.tenantId;
    await run({ tx }, sql.forgetGroups, { tenant });
    await run({ tx }, sql.forgetLeavers, { tenant });
    await run({ tx }, sql.forgetMembers, { tenant });
    await run({ tx }, sql.requestGroups, { tenant });
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
