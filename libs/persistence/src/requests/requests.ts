import {
  docsOf,
  errorCatalog,
  isFinal,
  type ErrorCode,
  type Page,
  type ProvisioningRequest,
  type ProvisioningRequestSummary,
  type RequestCause,
  type RequestListQuery,
  type RequestOutcome,
  type RequestStatus,
  type TimelineEvent,
} from '@foyer/shared';
import type { TenantBoxApp } from '../box-accounts/box-app.ts';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';
import type { Prisma } from '../generated/client.ts';
import type { About } from './new-request.ts';
import { after, decodeCursor, toPage } from '../database/paging.ts';

/** Which requests may be read: all, or those of one identity. */
export interface Scope {
  readonly identityId?: string;
}

/**
 * What polling needs first: cheap to read, and enough for an ETag. The version of an open request that is held, because
 * the configured Box app is another one, is negative: its response then says why it is held.
 */
export interface RequestVersion {
  readonly version: number;
  readonly status: RequestStatus;
  readonly nextAttemptAt: Date | null;
  readonly identityId: string | null;
}

const account = {
  identity: { select: { boxAccount: { select: { boxUserId: true } } } },
  group: { select: { boxGroupId: true } },
} as const;
type Row = Prisma.ProvisioningRequestGetPayload<{ include: typeof account }>;
type RowWithEvents = Prisma.ProvisioningRequestGetPayload<{ include: typeof account & { events: true } }>;

const newestFirst = [{ createdAt: 'desc' as const }, { id: 'desc' as const }];

/** Not by Prisma: polls are the most frequent requests, and building this query would take half of their time. */
const readVersion = statement<'request' | 'tenant' | 'identity'>(
  'request-version',
  `SELECT version, status, next_attempt_at AS "nextAttemptAt", identity_id AS "identityId" FROM provisioning_request
   WHERE id = $request::uuid AND tenant_id = $tenant::uuid
     AND ($identity::uuid IS NULL OR identity_id = $identity::uuid)`,
);

/** Reads requests for the API. */
export class Requests {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly boxApp: Pick<TenantBoxApp, 'state'> | null;

  /** With `boxApp`, open requests say why they wait while the configured Box app is not the accounts' own. */
  constructor(database: Database, tenantId: string, boxApp: Pick<TenantBoxApp, 'state'> | null = null) {
    this.database = database;
    this.tenantId = tenantId;
    this.boxApp = boxApp;
  }

  /** Null when it does not exist, or is outside the scope. */
  async version(id: string, { identityId }: Scope): Promise<RequestVersion | null> {
    const values = { request: id, tenant: this.tenantId, identity: identityId ?? null };
    const [row] = await run<RequestVersion>(this.database, readVersion, values);
    if (!row) return null;
    return (await this.isHeld()) && !isFinal(row.status)
      ? { ...row, version: heldVersion(row.version) }
      : row;
  }

  /** The request with its version from the same snapshot. */
  async find(id: string, scope: Scope): Promise<{ version: number; request: ProvisioningRequest } | null> {
    const row = await this.database.prisma.provisioningRequest.findFirst({
      where: { id, tenantId: this.tenantId, ...scope },
      include: { ...account, events: { orderBy: { id: 'asc' } } },
    });
    if (row === null) return null;
    const isHeld = await this.isHeld();
    const request = toRequest(row, isHeld);
    const version = isHeld && !isFinal(request.status) ? heldVersion(row.version) : row.version;
    return { version, request };
  }

  async newest(about: About): Promise<ProvisioningRequest | null> {
    const row = await this.database.prisma.provisioningRequest.findFirst({
      where: { tenantId: this.tenantId, ...about },
      orderBy: newestFirst,
      include: { ...account, events: { orderBy: { id: 'asc' } } },
    });
    return row && toRequest(row, await this.isHeld());
  }

  async list({ cursor, limit, ...filter }: RequestListQuery): Promise<Page<ProvisioningRequestSummary>> {
    const rows = await this.database.prisma.provisioningRequest.findMany({
      where: {
        tenantId: this.tenantId,
        ...filter,
        ...after(decodeCursor(cursor, 'uuid'), 'createdAt', String),
      },
      orderBy: newestFirst,
      take: limit + 1,
      include: account,
    });
    const isHeld = await this.isHeld();
    return toPage(
      rows,
      limit,
      (row) => ({ at: row.createdAt, id: row.id }),
      (row) => toSummary(row, isHeld),
    );
  }

  private async isHeld(): Promise<boolean> {
    return (await this.boxApp?.state())?.differs ?? false;
  }
}

const instant = (date: Date | null): string | null => date?.toISOString() ?? null;

const heldVersion = (version: number): number => -1 - version;

const toError = (code: ErrorCode, detail: string | null) => ({
  code,
  title: errorCatalog[code].title,
  detail,
  docs: docsOf(code),
});

function toSummary(row: Row, isHeld: boolean): ProvisioningRequestSummary {
  const code = row.errorCode as ErrorCode | null;
  const waitsInVain = isHeld && !isFinal(row.status as RequestStatus);
  return {
    id: row.id,
    identityId: row.identityId,
    groupId: row.groupId,
    cause: row.cause as RequestCause,
    status: row.status as RequestStatus,
    outcome: row.outcome as RequestOutcome | null,
    boxUserId: row.identity?.boxAccount?.boxUserId ?? null,
    boxGroupId: row.group?.boxGroupId ?? null,
    attempts: row.attempts,
    createdAt: row.createdAt.toISOString(),
    startedAt: instant(row.startedAt),
    finishedAt: instant(row.finishedAt),
    nextAttemptAt: instant(row.nextAttemptAt),
    retryOf: row.retryOf,
    error: waitsInVain ? toError('box_app_changed', null) : code && toError(code, row.errorDetail),
  };
}

const toRequest = (row: RowWithEvents, isHeld: boolean): ProvisioningRequest => ({
  ...toSummary(row, isHeld),
  timeline: row.events.map(({ at, event, detail }) => ({
    at: at.toISOString(),
    event: event as TimelineEvent,
    detail,
  })),
});
