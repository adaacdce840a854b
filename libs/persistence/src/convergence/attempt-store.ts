import type { RequestOutcome } from '@foyer/shared';
import {
  LeaseLost,
  type BoxApp,
  type GroupLease,
  type Lease,
  type RequestError,
  type TakeResult,
  type AttemptStore,
  type Unread,
} from '@foyer/provisioning';
import pg from 'pg';
import type { Database } from '../database/database.ts';
import { run, type SqlValue, type Statement } from '../database/statement.ts';
import { toUnread, type LeaseRow } from './taking.ts';
import type { endings, Taking } from './attempt-statements.ts';
import { noteWait } from '../requests/wait-note.ts';

/** The longest wait before a busy row is tried again, because a person may be waiting at a screen. */
const BUSY_RETRY_MS = 300;
/** How often a take is repeated when the row changed during it. */
const TAKES = 5;

export interface AttemptStoreOptions {
  readonly leaseMs: number;
  readonly relayGraceMs: number;
  /** The Box app of this worker's calls. Without one, only a tenant that is bound to none is served. */
  readonly boxApp?: BoxApp;
}

type AnyLease = Lease | GroupLease;
type Endings = ReturnType<typeof endings>;

const holderOf = (lease: AnyLease): string => ('groupId' in lease ? lease.groupId : lease.identityId);

/** What the stores for people and for groups share; `AttemptStore` describes each method. */
export abstract class LeasedStore<T extends Unread<AnyLease>, R extends LeaseRow> implements AttemptStore<T> {
  protected readonly database: Database;
  protected readonly tenantId: string;
  private readonly options: AttemptStoreOptions;

  constructor(database: Database, tenantId: string, options: AttemptStoreOptions) {
    this.database = database;
    this.tenantId = tenantId;
    this.options = options;
  }

  protected abstract readonly statements: Endings & { readonly take: Statement<Taking> };
  protected abstract leaseOf(row: R, requestId: string, token: bigint): T['lease'];
  /** Throws when the stored data is invalid. */
  protected abstract read(lease: T['lease'], row: R): T;

  async take(requestId: string): Promise<TakeResult<T>> {
    const read = (lease: T['lease'], row: R): TakeResult<T> => {
      try {
        return { kind: 'taken', taken: this.read(lease, row) };
      } catch (error) {
        return { kind: 'unreadable', unread: toUnread(lease, row), error };
      }
    };
    try {
      return await this.takeBy(this.statements.take, requestId, read);
    } catch (error) {
      if (!isAboutData(error)) throw error;
      return this.takeBy(this.statements.takeUnread, requestId, (lease, row) => ({
        ...{ kind: 'unreadable', unread: toUnread(lease, row), error },
      }));
    }
  }

  private async takeBy(
    statement: Statement<Taking>,
    requestId: string,
    read: (lease: T['lease'], row: R) => TakeResult<T>,
  ): Promise<TakeResult<T>> {
    const { boxApp, leaseMs } = this.options;
    for (let takes = 1; takes <= TAKES; takes++) {
      const [row] = await run<R>(this.database, statement, {
        request: requestId,
        tenant: this.tenantId,
        box_client: boxApp?.clientId ?? null,
        box_enterprise: boxApp?.enterpriseId ?? null,
        lease_ms: leaseMs,
      });
      if (!row) return { kind: 'over' };
      if (!row.ours) return { kind: 'held' };
      if (row.lease_token !== null) {
        const lease = this.leaseOf(row, requestId, BigInt(row.lease_token));
        if (row.is_started) return read(lease, row);
        await run(this.database, this.statements.release, { holder: row.holder_id, token: lease.token });
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

  succeed(lease: T['lease'], outcome: RequestOutcome): Promise<void> {
    return this.fenced(lease, this.statements.succeed, { outcome });
  }

  fail(lease: T['lease'], error: RequestError): Promise<void> {
    return this.fenced(lease, this.statements.fail, { code: error.code, error_detail: error.detail });
  }

  retry(lease: T['lease'], error: RequestError, delayMs: number, failures: number): Promise<void> {
    return this.fenced(lease, this.statements.retry, {
      code: error.code,
      error_detail: error.detail,
      detail: `${error.code}: next attempt in ${(delayMs / 1000).toFixed(1)} s`,
      failures,
      delay_ms: delayMs,
      grace_ms: this.options.relayGraceMs,
    });
  }

  handBack(lease: T['lease'], failures: number): Promise<void> {
    return this.fenced(lease, this.statements.handBack, { failures });
  }

  /** Runs a statement that does nothing unless the lease is held. Throws LeaseLost when it is not. */
  protected async fenced<P extends string>(
    lease: T['lease'],
    statement: Statement<P | Given>,
    values: Readonly<Record<Exclude<P, Given>, SqlValue>>,
  ): Promise<void> {
    await this.fencedRows(lease, statement, values);
  }

  /** As `fenced`, and returns the rows, at least one. */
  protected async fencedRows<P extends string, Row extends object>(
    lease: T['lease'],
    statement: Statement<P | Given>,
    values: Readonly<Record<Exclude<P, Given>, SqlValue>>,
  ): Promise<Row[]> {
    const given: Record<Given, SqlValue> = {
      holder: holderOf(lease),
      request: lease.requestId,
      tenant: this.tenantId,
      token: lease.token,
      lease_ms: this.options.leaseMs,
    };
    const rows = await run<Row>(this.database, statement, { ...given, ...values });
    if (rows.length === 0)
      throw new LeaseLost(`Another worker has taken over lease ${lease.token} of ${holderOf(lease)}.`);
    return rows;
  }
}

/** The parameters that every fenced statement gets automatically; not each uses all of them. */
type Given = 'holder' | 'request' | 'tenant' | 'token' | 'lease_ms';

/**
 * SQLSTATE classes about the stored data (data, integrity, one of our triggers, corruption), not about the server's
 * state.
 */
const aboutData = new Set(['22', '23', 'P0', 'XX']);

const isAboutData = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && aboutData.has(error.code?.slice(0, 2) ?? '');

const UNIQUE_VIOLATION = '23505';

export function isViolationOf(error: unknown, constraint: string): boolean {
  return (
    error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION && error.constraint === constraint
  );
}
