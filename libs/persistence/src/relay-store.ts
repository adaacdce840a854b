import { openStatuses } from '@foyer/shared';
import type { Database } from './database.ts';

export interface DueRequest {
  readonly id: string;
  readonly priority: number;
}

/** How often at most an open request is put into the queue again: a long backlog must not be re-added every few seconds. */
const LONGEST_LOOK_MS = 60_000;

/** The outbox side of the request table. */
export class RelayStore {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly graceMs: number;

  constructor(database: Database, tenantId: string, graceMs: number) {
    this.database = database;
    this.tenantId = tenantId;
    this.graceMs = graceMs;
  }

  /**
   * Open requests whose time to be looked at has come, oldest first, each to one caller only. Their next look is after
   * as long as they have waited already (at least the grace, at most a minute), should the queue lose them.
   */
  async due(limit: number): Promise<DueRequest[]> {
    return this.database.prisma.$queryRaw<DueRequest[]>`
      UPDATE provisioning_request r SET due_at = clock_timestamp() + least(
          greatest(clock_timestamp() - r.created_at, ${this.graceMs} * interval '1 millisecond'),
          ${LONGEST_LOOK_MS} * interval '1 millisecond')
      FROM (
        SELECT id FROM provisioning_request
        WHERE tenant_id = ${this.tenantId}::uuid AND due_at <= clock_timestamp()
        ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      ) due
      WHERE r.id = due.id RETURNING r.id, r.priority::int`;
  }

  /** Open requests by status, and the age of the oldest in seconds, for the metrics. */
  async backlog(): Promise<{ status: string; count: number; oldestSeconds: number }[]> {
    return this.database.prisma.$queryRaw<{ status: string; count: number; oldestSeconds: number }[]>`
      SELECT status, count(*)::int AS count,
        extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS "oldestSeconds"
      FROM provisioning_request
      WHERE tenant_id = ${this.tenantId}::uuid AND status = ANY(${[...openStatuses]}::text[]) GROUP BY status`;
  }
}
