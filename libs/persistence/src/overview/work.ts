import { BACKGROUND_FROM, openStatuses, type RequestStatus } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import { run, statement, wordList } from '../database/statement.ts';

/** The open requests of one status. */
export interface WaitingWork {
  readonly status: RequestStatus;
  readonly count: number;
  /** How many of these belong to people who wait at a page. */
  readonly interactive: number;
  readonly groups: number;
  readonly oldestSeconds: number;
}

export interface EndedWork {
  readonly minutes: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly boxCalls: number;
}

/** A request that is tried next, and when. */
export interface NextAttempt {
  readonly requestId: string;
  readonly about: string;
  readonly code: string | null;
  readonly attempts: number;
  readonly inSeconds: number;
}

export interface OpenBatch {
  readonly id: string;
  readonly lines: number;
  readonly refused: number;
  readonly open: number;
  readonly isRead: boolean;
}

export interface WorkOverview {
  readonly people: {
    readonly total: number;
    readonly active: number;
    readonly withBoxUser: number;
    /** Deleted by a SCIM client, but not in Box: see the outcome `kept`. */
    readonly kept: number;
  };
  readonly groups: { readonly total: number; readonly waitingMembers: number };
  readonly waiting: readonly WaitingWork[];
  readonly ended: readonly EndedWork[];
  readonly next: readonly NextAttempt[];
  readonly batches: readonly OpenBatch[];
  readonly audit: { readonly sealedSecondsAgo: number | null; readonly blocks: number };
  readonly verifiedAt: Date | null;
}

const NEXT_SHOWN = 5;
const open = wordList(openStatuses);

const countPeople = statement<'tenant'>(
  'overview-people',
  `SELECT count(*)::int AS total, (count(*) FILTER (WHERE i.active))::int AS active, count(a.identity_id)::int AS "withBoxUser",
     (count(a.identity_id) FILTER (WHERE i.is_removed AND a.applied_generation = i.generation))::int AS kept
   FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id WHERE i.tenant_id = $tenant::uuid`,
);
const countGroups = statement<'tenant'>(
  'overview-groups',
  `SELECT (SELECT count(*)::int FROM scim_group WHERE tenant_id = $tenant::uuid AND deleted_at IS NULL) AS total,
     (SELECT count(*)::int FROM scim_group_member m
      WHERE m.tenant_id = $tenant::uuid AND m.is_wanted AND m.box_membership_id IS NULL) AS "waitingMembers"`,
);
const waiting = statement<'tenant'>(
  'overview-waiting',
  `SELECT status, count(*)::int AS count, (count(*) FILTER (WHERE priority < ${BACKGROUND_FROM}))::int AS interactive,
     count(group_id)::int AS groups, extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS "oldestSeconds"
   FROM provisioning_request WHERE tenant_id = $tenant::uuid AND status IN (${open})
   GROUP BY status ORDER BY status`,
);
const ended = statement<'tenant'>(
  'overview-ended',
  `SELECT m.minutes, e.succeeded, e.failed, c.calls AS "boxCalls"
   FROM (VALUES (5), (60)) AS m (minutes)
   CROSS JOIN LATERAL (
     SELECT (count(*) FILTER (WHERE status = 'succeeded'))::int AS succeeded,
       (count(*) FILTER (WHERE status = 'failed'))::int AS failed
     FROM provisioning_request
     WHERE tenant_id = $tenant::uuid AND finished_at > clock_timestamp() - make_interval(mins => m.minutes)) e
   CROSS JOIN LATERAL (
     SELECT count(*)::int AS calls FROM api_call
     WHERE tenant_id = $tenant::uuid AND direction = 'out' AND system = 'box'
       AND at > clock_timestamp() - make_interval(mins => m.minutes)) c
   ORDER BY m.minutes`,
);
const next = statement<'tenant'>(
  'overview-next',
  `SELECT r.id AS "requestId", coalesce(i.username, g.display_name) AS about, r.error_code AS code, r.attempts,
     greatest(0, extract(epoch FROM r.next_attempt_at - clock_timestamp()))::float8 AS "inSeconds"
   FROM provisioning_request r LEFT JOIN identity i ON i.id = r.identity_id LEFT JOIN scim_group g ON g.id = r.group_id
   WHERE r.tenant_id = $tenant::uuid AND r.status = 'retrying' AND r.next_attempt_at IS NOT NULL
   ORDER BY r.next_attempt_at, r.id LIMIT ${NEXT_SHOWN}`,
);
const batches = statement<'tenant'>(
  'overview-batches',
  `SELECT b.id, b.lines, b.refused, b.received_at IS NOT NULL AS "isRead", o.open
   FROM provisioning_batch b CROSS JOIN LATERAL (
     SELECT count(*)::int AS open FROM provisioning_batch_line l JOIN provisioning_request r ON r.id = l.request_id
     WHERE l.batch_id = b.id AND r.status IN (${open})) o
   WHERE b.tenant_id = $tenant::uuid AND b.settled IS NULL AND b.stopped_line IS NULL
     AND b.created_at > clock_timestamp() - interval '7 days' AND (b.received_at IS NULL OR o.open > 0)
   ORDER BY b.created_at DESC, b.id LIMIT 20`,
);
const audit = statement<'tenant'>(
  'overview-audit',
  `SELECT coalesce(max(seq) + 1, 0)::int AS blocks,
     extract(epoch FROM clock_timestamp() - max(sealed_at))::float8 AS "sealedSecondsAgo"
   FROM audit_block WHERE tenant_id = $tenant::uuid`,
);
const verified = statement<'tenant'>(
  'overview-verified',
  'SELECT max(finished_at) AS "verifiedAt" FROM verify_run WHERE tenant_id = $tenant::uuid',
);

/** The state of a tenant's work: what waits, what ended lately, what is tried next. Writes nothing. */
export async function workOverview(database: Database, tenantId: string): Promise<WorkOverview> {
  const tenant = { tenant: tenantId };
  const one = async <R extends object>(given: typeof countPeople): Promise<R> =>
    (await run<R, 'tenant'>(database, given, tenant))[0]!;
  return {
    people: await one(countPeople),
    groups: await one(countGroups),
    waiting: await run(database, waiting, tenant),
    ended: await run(database, ended, tenant),
    next: await run(database, next, tenant),
    batches: await run(database, batches, tenant),
    audit: await one(audit),
    verifiedAt: (await one<{ verifiedAt: Date | null }>(verified)).verifiedAt,
  };
}
