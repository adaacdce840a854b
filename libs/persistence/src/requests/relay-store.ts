import type { DueRequest, Outbox } from '@foyer/provisioning';
import { BACKGROUND_FROM, type Lane } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import { run, statement } from '../database/statement.ts';
import { isOpen } from './open-requests.ts';

/**
 * The longest time until an open request is relayed again. The time grows with the request's age up to this, so that a
 * long backlog is not added again every few seconds.
 */
const LONGEST_LOOK_MS = 60_000;

/**
 * `early_ms`: how much before their due time requests are taken while the queue is unavailable, because the grace was
 * only its time to deliver them. A running request is not taken before its lease has expired. Reads in the order of the
 * index (tenant, priority, due_at), so that it touches no more rows than it returns, however many wait; returned oldest
 * first. Each request is due again after as long as it has waited already (at least the grace, at most a minute), in
 * case the queue loses it.
 */
const dueOf = (lane: Lane) =>
  statement<'tenant' | 'limit' | 'grace_ms' | 'early_ms'>(
    `relay-due-${lane}`,
    `WITH relayed AS (
    UPDATE provisioning_request r SET due_at = clock_timestamp() + least(
        greatest(clock_timestamp() - r.created_at, ($grace_ms::float8 + $early_ms::float8) * interval '1 millisecond'),
        ${LONGEST_LOOK_MS} * interval '1 millisecond')
    FROM (
      SELECT id FROM provisioning_request
      WHERE tenant_id = $tenant::uuid AND priority ${lane === 'interactive' ? '<' : '>='} ${BACKGROUND_FROM}
        AND due_at <= statement_timestamp() + $early_ms::float8 * interval '1 millisecond'
        AND (status <> 'running' OR due_at <= statement_timestamp())
      ORDER BY priority, due_at LIMIT $limit FOR UPDATE SKIP LOCKED
    ) due
    WHERE r.id = due.id RETURNING r.id, r.priority, r.created_at, r.group_id
  )
  SELECT id, priority::int, CASE WHEN group_id IS NULL THEN 'converge' ELSE 'converge-group' END AS job
  FROM relayed ORDER BY priority, created_at, id`,
  );

export const dueRequests = { interactive: dueOf('interactive'), background: dueOf('background') } as const;

const backlog = statement<'tenant'>(
  'relay-backlog',
  `SELECT r.status, count(*)::int AS count,
     extract(epoch FROM clock_timestamp() - min(r.created_at))::float8 AS "oldestSeconds"
   FROM provisioning_request r WHERE r.tenant_id = $tenant::uuid AND ${isOpen('r')} GROUP BY r.status`,
);

/** The request table used as an outbox. */
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
    return run(this.database, dueRequests[lane], {
      ...{ tenant: this.tenantId, limit, grace_ms: this.graceMs },
      early_ms: isQueueAway ? this.graceMs : 0,
    });
  }

  /** Open requests by status, and the age of the oldest in seconds, for the metrics. */
  async backlog(): Promise<{ status: string; count: number; oldestSeconds: number }[]> {
    return run(this.database, backlog, { tenant: this.tenantId });
  }
}
