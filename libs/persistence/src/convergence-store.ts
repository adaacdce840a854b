import {
  openStatuses,
  statusesBefore,
  type RequestCause,
  type RequestOutcome,
  type RequestStatus,
  type TimelineEvent,
} from '@foyer/shared';
import {
  boxDisplayName,
  LeaseLost,
  type BoxAccount,
  type BoxApp,
  type ConvergenceStore,
  type LastCreate,
  type Lease,
  type RequestError,
  type SaveResult,
  type TakeResult,
} from '@foyer/provisioning';
import type { Database } from './database.ts';
import { isBoundTo } from './box-app.ts';
import { Prisma } from './generated/client.ts';
import * as missing from './missing-account.ts';
import { noteWait } from './wait-note.ts';

interface TakenRow {
  identity_id: string;
  subject: string;
  username: string;
  name: string;
  active: boolean;
  generation: number;
  attempts: number;
  failures: number;
  effect: RequestOutcome | null;
  box_user_id: string | null;
  box_name: string | null;
  box_status: 'active' | 'inactive' | null;
  box_missing: boolean;
  cause: RequestCause;
  applied_generation: number | null;
  create_id: bigint | null;
  create_result: 'ok' | 'refused' | 'failed' | 'ambiguous' | null;
  create_status: number | null;
}

/** Longest wait before a busy identity is looked at again: somebody may be waiting at a screen. */
const BUSY_RETRY_MS = 300;

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
    // Two statements on purpose: the second reads what a worker that just gave the lease back has written.
    // FOR SHARE: whoever moves the tenant to another Box app waits for this lease, and this sees what they committed.
    const [leased] = await this.database.prisma.$queryRaw<
      { identity_id: string; lease_token: bigint | null; wait_ms: number | null; ours: boolean }[]
    >`
      WITH wanted AS (
        SELECT r.identity_id, ${isBoundTo(this.boxApp)} AS ours
        FROM provisioning_request r JOIN tenant t ON t.id = r.tenant_id
        WHERE r.id = ${requestId}::uuid AND r.tenant_id = ${this.tenantId}::uuid
          AND r.status = ANY(${[...openStatuses]}::text[])
        FOR SHARE OF t
      ), leased AS (
        UPDATE identity i SET lease_token = i.lease_token + 1, lease_expires_at = ${this.leaseEnd()}
        FROM wanted w
        WHERE w.ours AND i.id = w.identity_id AND (i.lease_expires_at IS NULL OR i.lease_expires_at <= clock_timestamp())
        RETURNING i.id, i.lease_token
      )
      SELECT w.identity_id, w.ours, l.lease_token,
        (extract(epoch FROM i.lease_expires_at - clock_timestamp()) * 1000)::float8 AS wait_ms
      FROM wanted w JOIN identity i ON i.id = w.identity_id LEFT JOIN leased l ON true`;
    if (!leased) return { kind: 'over' };
    if (!leased.ours) return { kind: 'held' };
    if (leased.lease_token === null) {
      return {
        kind: 'busy',
        retryInMs: Math.ceil(Math.min(BUSY_RETRY_MS, Math.max(1, leased.wait_ms ?? 1))),
      };
    }
    const lease: Lease = { requestId, identityId: leased.identity_id, token: leased.lease_token };
    const row = await this.start(lease);
    if (row !== undefined)
      return {
        kind: 'taken',
        taken: { ...toTaken(lease, row), mayRecreate: this.recreateDeleted && row.cause === 'sign-in' },
      };
    await this.release(lease);
    return { kind: 'over' };
  }

  noteWait(requestId: string, waitMs: number): Promise<void> {
    return noteWait(this.database, this.tenantId, { requestId, waitMs });
  }

  async saveAccount(lease: Lease, account: BoxAccount, effect: RequestOutcome | null): Promise<SaveResult> {
    const event = effect === null ? undefined : effectEvent[effect];
    try {
      await this.fenced(
        lease,
        Prisma.sql`saved AS (
            INSERT INTO box_account AS a (identity_id, tenant_id, box_user_id, name, status, applied_generation)
            SELECT id, ${this.tenantId}::uuid, ${account.boxUserId}, ${account.name}, ${account.status}, ${account.appliedGeneration}
            FROM fence
            ON CONFLICT (identity_id) DO UPDATE SET box_user_id = excluded.box_user_id, name = excluded.name,
              status = excluded.status, applied_generation = excluded.applied_generation, updated_at = clock_timestamp()
          ), noted AS (
            UPDATE provisioning_request r SET effect = ${effect}, version = r.version + 1
            FROM fence, provisioning_request before
            WHERE r.id = ${lease.requestId}::uuid AND before.id = r.id
            RETURNING r.id, before.effect IS DISTINCT FROM ${effect} AS is_news
          ), told AS (
            INSERT INTO request_event (request_id, event, detail)
            SELECT id, ${event ?? null}, ${`Box user ${account.boxUserId}`} FROM noted
            WHERE is_news AND ${event ?? null}::text IS NOT NULL
          )`,
      );
      return 'saved';
    } catch (error) {
      if (isViolationOf(error, 'box_account_box_user')) return 'belongs-to-another';
      throw error;
    }
  }

  async markMissing(lease: Lease, boxUserId: string): Promise<void> {
    await this.fenced(lease, missing.markMissing(lease, boxUserId));
  }

  async restoreAccount(lease: Lease, account: BoxAccount): Promise<void> {
    await this.fenced(lease, missing.restoreAccount(lease, account));
  }

  async forgetAccount(lease: Lease, boxUserId: string): Promise<void> {
    const until = Prisma.sql`${this.leaseEnd()}, ${missing.createsSettled}`;
    await this.fenced(lease, missing.forgetAccount(lease, boxUserId), until);
  }

  async succeed(lease: Lease, outcome: RequestOutcome): Promise<void> {
    await this.end(
      lease,
      'succeeded',
      outcome,
      Prisma.sql`outcome = ${outcome}, effect = ${outcome}, error_code = NULL,
      error_detail = NULL, finished_at = clock_timestamp(), due_at = NULL, next_attempt_at = NULL`,
    );
  }

  async fail(lease: Lease, error: RequestError): Promise<void> {
    await this.end(
      lease,
      'failed',
      error.code,
      Prisma.sql`error_code = ${error.code}, error_detail = ${error.detail},
      failures = failures + 1, finished_at = clock_timestamp(), due_at = NULL, next_attempt_at = NULL`,
    );
  }

  async retry(lease: Lease, error: RequestError, delayMs: number, counted: boolean): Promise<void> {
    const next = Prisma.sql`clock_timestamp() + ${delayMs} * interval '1 millisecond'`;
    const detail = `${error.code}: again in ${(delayMs / 1000).toFixed(1)} s`;
    await this.end(
      lease,
      'retrying',
      detail,
      Prisma.sql`error_code = ${error.code}, error_detail = ${error.detail},
      failures = failures + ${counted ? 1 : 0}, next_attempt_at = ${next},
      due_at = ${next} + ${this.relayGraceMs} * interval '1 millisecond'`,
    );
  }

  async handBack(lease: Lease): Promise<void> {
    await this.end(lease, 'queued', null, Prisma.sql`due_at = clock_timestamp()`);
  }

  private async start(lease: Lease): Promise<TakenRow | undefined> {
    const [row] = await this.database.prisma.$queryRaw<TakenRow[]>`
      WITH before AS (
        SELECT status FROM provisioning_request WHERE id = ${lease.requestId}::uuid
      ), started AS (
        UPDATE provisioning_request r SET status = 'running', attempts = r.attempts + 1, next_attempt_at = NULL,
          started_at = coalesce(r.started_at, clock_timestamp()), version = r.version + 1,
          due_at = i.lease_expires_at + interval '1 second'
        FROM identity i
        WHERE r.id = ${lease.requestId}::uuid AND r.status = ANY(${statusesBefore('running')}::text[])
          AND i.id = r.identity_id AND i.lease_token = ${lease.token}
        RETURNING r.*
      ), noted AS (
        INSERT INTO request_event (request_id, event)
        SELECT s.id, CASE b.status WHEN 'running' THEN 'taken-over' ELSE 'started' END FROM started s, before b
      )
      SELECT s.identity_id, i.subject, i.username, i.name, i.active, i.generation, s.attempts, s.failures, s.effect,
        s.cause, a.box_user_id, a.name AS box_name, a.status AS box_status, a.applied_generation,
        a.missing_since IS NOT NULL AS box_missing,
        c.id AS create_id, c.result AS create_result, c.status AS create_status
      FROM started s
      JOIN identity i ON i.id = s.identity_id
      LEFT JOIN box_account a ON a.identity_id = i.id
      LEFT JOIN LATERAL (
        SELECT call.id, o.result, o.status FROM api_call call LEFT JOIN api_call_outcome o ON o.call_id = call.id
        WHERE call.identity_id = s.identity_id AND call.operation = 'create_user' AND call.id > i.creates_after
        ORDER BY (o.result IS NULL OR o.result IN ('ok', 'ambiguous')) DESC, call.id DESC LIMIT 1
      ) c ON a.identity_id IS NULL`;
    return row;
  }

  /** Ends this worker's turn: the request's new status, its line in the timeline, and the lease given back, at once. */
  private async end(
    lease: Lease,
    status: RequestStatus,
    detail: string | null,
    set: Prisma.Sql,
  ): Promise<void> {
    const event: TimelineEvent =
      status === 'retrying'
        ? 'retry-scheduled'
        : status === 'queued'
          ? 'handed-back'
          : (status as TimelineEvent);
    await this.fenced(
      lease,
      Prisma.sql`ended AS (
          UPDATE provisioning_request r SET status = ${status}, version = r.version + 1, ${set}
          FROM fence
          WHERE r.id = ${lease.requestId}::uuid AND r.status = ANY(${statusesBefore(status)}::text[])
          RETURNING r.id
        ), told AS (
          INSERT INTO request_event (request_id, event, detail) SELECT id, ${event}, ${detail} FROM ended
        )`,
      Prisma.sql`NULL`,
    );
  }

  /** Runs `work`, which reads the row `fence`, only while the lease is held; `until` is the lease's new end. */
  private async fenced(lease: Lease, work: Prisma.Sql, until: Prisma.Sql = this.leaseEnd()): Promise<void> {
    const rows = await this.database.prisma.$queryRaw<unknown[]>`
      WITH fence AS (
        UPDATE identity SET lease_expires_at = ${until}
        WHERE id = ${lease.identityId}::uuid AND tenant_id = ${this.tenantId}::uuid
          AND lease_token = ${lease.token} AND lease_expires_at > clock_timestamp()
        RETURNING id
      ), ${work}
      SELECT 1 FROM fence`;
    if (rows.length === 0)
      throw new LeaseLost(`Lease ${lease.token} of identity ${lease.identityId} has passed on.`);
  }

  private async release(lease: Lease): Promise<void> {
    await this.database.prisma.$executeRaw`
      UPDATE identity SET lease_expires_at = NULL WHERE id = ${lease.identityId}::uuid AND lease_token = ${lease.token}`;
  }

  private leaseEnd(): Prisma.Sql {
    return Prisma.sql`clock_timestamp() + ${this.leaseMs} * interval '1 millisecond'`;
  }
}

function toTaken(lease: Lease, row: TakenRow) {
  const account: BoxAccount | null =
    row.box_user_id === null
      ? null
      : {
          boxUserId: row.box_user_id,
          name: row.box_name!,
          status: row.box_status!,
          appliedGeneration: row.applied_generation!,
          ...(row.box_missing && { isMissing: true }),
        };
  return {
    lease,
    desired: {
      identityId: row.identity_id,
      externalId: row.subject,
      name: boxDisplayName(row),
      active: row.active,
      generation: row.generation,
    },
    account,
    lastCreate: toLastCreate(row),
    attempts: row.attempts,
    failures: row.failures,
    effect: row.effect,
  };
}

/** What the call log says of the create that counts; see `LastCreate`. One that is known to have worked, but whose mapping
 * is not there, is as unsettled as one without an outcome: Box is asked. */
function toLastCreate(row: TakenRow): LastCreate | null {
  if (row.create_id === null) return null;
  if (row.create_result === 'refused') return row.create_status === 409 ? 'conflict' : 'refused';
  return row.create_result === 'failed' ? 'refused' : 'unsettled';
}

/** Prisma tells the constraint of a raw statement only in the driver's own error. */
export function isViolationOf(error: unknown, constraint: string): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  return JSON.stringify([error.message, error.meta]).includes(constraint);
}
