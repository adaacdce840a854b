import type { DueRequest, Outbox } from '@foyer/provisioning';
import { BACKGROUND_FROM, openStatuses, type Lane } from '@foyer/shared';
import type { Database } from './database.ts';

/** How often at most an open request is put into the queue again: a long backlog must not be re-added every few seconds. */
const LONGEST_LOOK_MS = 60_000;

/**
 * $1 tenant, $2 limit, $3 grace in milliseconds, $4 how much earlier than due they are taken, for a queue that is away: the
 * grace was its time to give them to somebody. A request that runs is somebody's until its lease is over. Reads in the order of the index (tenant, priority, due_at), so that it
 * touches no more rows than it gives, however many wait. Their next look is after as long as they have waited already (at
 * least the grace, at most a minute), should the queue lose them.
 */
export const dueStatement = (lane: Lane): string => `
  WITH relayed AS (
    UPDATE provisioning_request r SET due_at = clock_timestamp() + least(
        greatest(clock_timestamp() - r.created_at, ($3::float8 + $4::float8) * interval '1 millisecond'),
        ${LONGEST_LOOK_MS} * interval '1 millisecond')
    FROM (
      SELECT id FROM provisioning_request
      WHERE tenant_id = $1 AND priority ${lane === 'interactive' ? '<' : '>='} ${BACKGROUND_FROM}
        AND due_at <= statement_timestamp() + $4::float8 * interval '1 millisecond'
        AND (status <> 'running' OR due_at <= statement_timestamp())
      ORDER BY priority, due_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) due
    WHERE r.id = due.id RETURNING r.id, r.priority, r.created_at, r.group_id
  )
  SELECT id, priority::int, CASE WHEN group_id IS NULL THEN 'converge' ELSE 'converge-group' END AS job
  FROM relayed ORDER BY priority, created_at`;

/** The outbox side of the request table. */
export class RelayStore implements Outbox {
  private readonly database: Database;
  private readonly tenantId: string;
  private readonly graceMs: number;

  constructor(database: Database, tenantId: string, graceMs: number) {
    this.database = database;
    this.tenantId = tenantId;
    this.graceMs = graceMs;
  }

  /** As `Outbox.due`. */
  async due(lane: Lane, limit: number, isQueueAway = false): Promise<DueRequest[]> {
    const { rows } = await this.database.pool.query<DueRequest>({
      name: `relay-due-2-${lane}`,
      text: dueStatement(lane),
      values: [this.tenantId, limit, this.graceMs, isQueueAway ? this.graceMs : 0],
    });
    return rows;
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
