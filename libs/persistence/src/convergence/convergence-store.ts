import type { RequestOutcome, TimelineEvent } from '@foyer/shared';
import type { BoxAccount, ConvergenceStore, Lease, SaveResult, Taken } from '@foyer/provisioning';
import * as statements from './convergence-statements.ts';
import type { Database } from '../database/database.ts';
import { toTaken, type TakenRow } from './taking.ts';
import { isViolationOf, LeasedStore, type AttemptStoreOptions } from './attempt-store.ts';

const effectEvent: Partial<Record<RequestOutcome, TimelineEvent>> = {
  created: 'box-user-created',
  adopted: 'box-user-adopted',
  updated: 'box-user-updated',
  deactivated: 'box-user-updated',
  reactivated: 'box-user-updated',
  kept: 'box-user-kept',
};

export interface ConvergenceStoreOptions extends AttemptStoreOptions {
  /** Whether a sign-in recreates a deleted Box user; default `never`. */
  readonly recreateDeleted?: 'on-sign-in' | 'never';
}

/** A worker's database operations for people; `ConvergenceStore` describes each method. */
export class PrismaConvergenceStore extends LeasedStore<Taken, TakenRow> implements ConvergenceStore {
  protected readonly statements = statements.attempts;
  private readonly recreateDeleted: boolean;

  constructor(database: Database, tenantId: string, options: ConvergenceStoreOptions) {
    super(database, tenantId, options);
    this.recreateDeleted = options.recreateDeleted === 'on-sign-in';
  }

  protected leaseOf({ holder_id: identityId }: TakenRow, requestId: string, token: bigint): Lease {
    return { identityId, requestId, token };
  }

  protected read(lease: Lease, row: TakenRow): Taken {
    return toTaken(lease, row, this.recreateDeleted);
  }

  async saveAccount(
    lease: Lease,
    account: BoxAccount,
    effect: RequestOutcome | null,
    outcome?: RequestOutcome,
    why?: string,
  ): Promise<SaveResult> {
    const values = {
      ...accountValues(account),
      external_id: account.externalId ?? null,
      profile: JSON.stringify(account.profile ?? {}),
      effect,
      event: (effect && effectEvent[effect]) ?? null,
      detail: `Box user ${account.boxUserId}${why === undefined ? '' : `, because ${why}`}`,
    };
    try {
      if (outcome === undefined) await this.fenced(lease, statements.save, values);
      else await this.fenced(lease, statements.saveAndSucceed, { ...values, outcome });
      return 'saved';
    } catch (error) {
      if (isViolationOf(error, 'box_account_box_user')) return 'belongs-to-another';
      throw error;
    }
  }

  markMissing(lease: Lease, boxUserId: string): Promise<void> {
    const detail = `Box user ${boxUserId} no longer exists`;
    return this.fenced(lease, statements.noteMissing, { box_user: boxUserId, detail });
  }

  restoreAccount(lease: Lease, account: BoxAccount): Promise<void> {
    const detail = `Box user ${account.boxUserId} exists again`;
    return this.fenced(lease, statements.restore, { ...accountValues(account), detail });
  }

  forgetAccount(lease: Lease, boxUserId: string): Promise<void> {
    const detail = `Box user ${boxUserId} was deleted`;
    return this.fenced(lease, statements.forget, { box_user: boxUserId, detail });
  }
}

const accountValues = ({ boxUserId, name, status, appliedGeneration }: BoxAccount) => ({
  box_user: boxUserId,
  name,
  status,
  generation: appliedGeneration,
});
