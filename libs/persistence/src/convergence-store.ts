import type { RequestOutcome, TimelineEvent } from '@foyer/shared';
import {
  LeaseLost,
  type BoxAccount,
  type BoxApp,
  type ConvergenceStore,
  type Lease,
  type RequestError,
  type SaveResult,
  type TakeResult,
} from '@foyer/provisioning';
import pg from 'pg';
import * as statements from './convergence-statements.ts';
import type { Database } from './database.ts';
import { run, type SqlValue, type Statement } from './statement.ts';
import { toTaken, toUnread, type LeaseRow, type TakenRow } from './taking.ts';
import { noteWait } from './wait-note.ts';

/** Longest wait before a busy identity is looked at again: somebody may be waiting at a screen. */
const BUSY_RETRY_MS = 300;
/** How often in a row a take starts anew because the identity changed under it. */
const TAKES = 5;

const effectEvent: Partial<Record<RequestOutcome, TimelineEvent>> = {
  created: 'box-user-created',
  adopted: 'box-user-adopted',
  updated: 'box-user-updated',
  deactivated: 'box-user-updated',
  reactivated: 'box-user-updated',
};

export interface ConvergenceStoreOptions {
  readonly leaseMs: number;
  readonly relayGraceMs: number;
  /** The Box app that this worker's calls are made with. Without one, only a tenant that is bound to none is served. */
  readonly boxApp?: BoxApp;
  /** Whether a sign-in has a deleted Box user made again; `never` when left out. */
  readonly recreateDeleted?: 'on-sign-in' | 'never';
}

/** The worker's side of the database; see `ConvergenceStore` for what each method promises. */
export class PrismaConvergenceStore implements ConvergenceStore {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly leaseMs: number;
  private readonly relayGraceMs: number;
  private readonly boxApp: BoxApp | null;
  private readonly recreateDeleted: boolean;

  constructor(database: Database, tenantId: string, options: ConvergenceStoreOptions) {
    this.database = database;
    this.tenantId = tenantId;
    this.leaseMs = options.leaseMs;
    this.relayGraceMs = options.relayGraceMs;
    this.boxApp = options.boxApp ?? null;
    this.recreateDeleted = options.recreateDeleted === 'on-sign-in';
  }

  async take(requestId: string): Promise<TakeResult> {
    const read = (lease: Lease, row: TakenRow): TakeResult => {
      try {
        return { kind: 'taken', taken: toTaken(lease, row, this.recreateDeleted) };
      } catch (error) {
        return { kind: 'unreadable', unread: toUnread(lease, row), error };
      }
    };
    try {
      return await this.takeBy(statements.take, requestId, read);
    } catch (error) {
      if (!isAboutData(error)) throw error;
      return this.takeBy(statements.takeUnread, requestId, (lease, row: LeaseRow) => ({
        ...{ kind: 'unreadable', unread: toUnread(lease, row), error },
      }));
    }
  }

  private async takeBy<R extends LeaseRow>(
    statement: typeof statements.take,
    requestId: string,
    read: (lease: Lease, row: R) => TakeResult,
  ): Promise<TakeResult> {
    for (let takes = 1; takes <= TAKES; takes++) {
      const [row] = await run<R>(this.database, statement, {
        request: requestId,
        tenant: this.tenantId,
        box_client: this.boxApp?.clientId ?? null,
        box_enterprise: this.boxApp?.enterpriseId ?? null,
        lease_ms: this.leaseMs,
      });
      if (!row) return { kind: 'over' };
      if (!row.ours) return { kind: 'held' };
      if (row.lease_token !== null) {
        const lease: Lease = { requestId, identityId: row.identity_id, token: BigInt(row.lease_token) };
        if (row.is_started) return read(lease, row);
        await this.release(lease);
        return { kind: 'over' };
      }
      if (!row.is_free) {
        const waitMs = Math.max(1, row.wait_ms ?? 1);
        return { kind: 'busy', retryInMs: Math.ceil(Math.min(BUSY_RETRY_MS, waitMs)) };
      }
    }
    return { kind: 'busy', retryInMs: 1 };
  }

  noteWait(requestId: string, waitMs: number): Promise<void> {
    return noteWait(this.database, this.tenantId, { requestId, waitMs });
  }

  async saveAccount(
    lease: Lease,
    account: BoxAccount,
    effect: RequestOutcome | null,
    outcome?: RequestOutcome,
  ): Promise<SaveResult> {
    const values = {
      ...accountValues(account),
      effect,
      event: (effect && effectEvent[effect]) ?? null,
      detail: `Box user ${account.boxUserId}`,
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
    const detail = `Box user ${boxUserId} is gone`;
    return this.fenced(lease, statements.noteMissing, { box_user: boxUserId, detail });
  }

  restoreAccount(lease: Lease, account: BoxAccount): Promise<void> {
    const detail = `Box user ${account.boxUserId} is back`;
    return this.fenced(lease, statements.restore, { ...accountValues(account), detail });
  }

  forgetAccount(lease: Lease, boxUserId: string): Promise<void> {
    const detail = `Box user ${boxUserId} was deleted; a new one is made`;
    return this.fenced(lease, statements.forget, { box_user: boxUserId, detail });
  }

  succeed(lease: Lease, outcome: RequestOutcome): Promise<void> {
    return this.fenced(lease, statements.succeed, { outcome });
  }

  fail(lease: Lease, error: RequestError): Promise<void> {
    return this.fenced(lease, statements.fail, { code: error.code, error_detail: error.detail });
  }

  retry(lease: Lease, error: RequestError, delayMs: number, counted: boolean): Promise<void> {
    return this.fenced(lease, statements.retry, {
      code: error.code,
      error_detail: error.detail,
      detail: `${error.code}: again in ${(delayMs / 1000).toFixed(1)} s`,
      counted: counted ? 1 : 0,
      delay_ms: delayMs,
      grace_ms: this.relayGraceMs,
    });
  }

  handBack(lease: Lease): Promise<void> {
    return this.fenced(lease, statements.handBack, {});
  }

  /** Runs a statement that does nothing unless the lease is held. */
  private async fenced<P extends string>(
    lease: Lease,
    statement: Statement<P | Given>,
    values: Readonly<Record<Exclude<P, Given>, SqlValue>>,
  ): Promise<void> {
    const given: Record<Given, SqlValue> = {
      identity: lease.identityId,
      request: lease.requestId,
      tenant: this.tenantId,
      token: lease.token,
      lease_ms: this.leaseMs,
    };
    const held = await run<{ held: number }>(this.database, statement, { ...given, ...values });
    if (held.length === 0)
      throw new LeaseLost(`Lease ${lease.token} of identity ${lease.identityId} has passed on.`);
  }

  private async release({ identityId, token }: Lease): Promise<void> {
    await run(this.database, statements.release, { identity: identityId, token });
  }
}

/** The parameters that every fenced statement gets by itself; not each has all of them. */
type Given = 'identity' | 'request' | 'tenant' | 'token' | 'lease_ms';

const accountValues = ({ boxUserId, name, status, appliedGeneration }: BoxAccount) => ({
  box_user: boxUserId,
  name,
  status,
  generation: appliedGeneration,
});

/** SQLSTATE classes that speak of what is stored (data, integrity, a trigger of ours, corruption), not of the server's state. */
const aboutData = new Set(['22', '23', 'P0', 'XX']);

const isAboutData = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && aboutData.has(error.code?.slice(0, 2) ?? '');

const UNIQUE_VIOLATION = '23505';

function isViolationOf(error: unknown, constraint: string): boolean {
  return (
    error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION && error.constraint === constraint
  );
}
