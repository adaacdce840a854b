import { GROUP_PRIORITY, MANY_PRIORITY, type ErrorCode, type Retries } from '@foyer/shared';
import type { Database } from '../database/database.ts';
import { run, setStatement, type SqlValue } from '../database/statement.ts';
import { openRequests } from './open-requests.ts';
import { mayBeRetried } from './unsettled.ts';

/** A failed request that is the newest of its person or group, which has not been brought in step since. */
export interface DeadLetter {
  readonly requestId: string;
  readonly identityId: string | null;
  readonly groupId: string | null;
  /** For a group, its name. */
  readonly username: string;
  /** Empty for a group. */
  readonly subject: string;
  readonly active: boolean;
  readonly code: ErrorCode;
  readonly detail: string | null;
  readonly failedAt: Date;
  readonly attempts: number;
}

export interface DeadLetterCount {
  readonly code: ErrorCode;
  readonly count: number;
  /** How many of these are people that Okta deactivated and who have no Box user, nor an unsettled create: they are not retried. */
  readonly deactivated: number;
  readonly oldest: Date;
  readonly newest: Date;
}

interface Position {
  readonly at: Date;
  readonly id: string;
}

const PAGE = 500;

const dead = `FROM provisioning_request r
  LEFT JOIN identity i ON i.id = r.identity_id
  LEFT JOIN box_account a ON a.identity_id = i.id
  LEFT JOIN scim_group g ON g.id = r.group_id
  WHERE r.tenant_id = $tenant::uuid AND r.status = 'failed' AND r.error_code IS NOT NULL
    AND coalesce(a.applied_generation, g.applied_generation) IS DISTINCT FROM coalesce(i.generation, g.generation)
    AND NOT (i.merged_into IS NOT NULL AND a.identity_id IS NULL)
    AND NOT EXISTS (
      SELECT FROM provisioning_request n WHERE n.tenant_id = r.tenant_id AND n.identity_id = r.identity_id
        AND (n.created_at, n.id) > (r.created_at, r.id))
    AND NOT EXISTS (
      SELECT FROM provisioning_request n WHERE n.tenant_id = r.tenant_id AND n.group_id = r.group_id
        AND (n.created_at, n.id) > (r.created_at, r.id))`;
/** Okta deactivated the person before there was a Box user, and no create is unsettled, so nothing is left to do. */
const isOver = `(i.id IS NOT NULL AND NOT ${mayBeRetried})`;

/** A retry of the request `p` of the person or group `h`. */
const retry = {
  ...{ tenant: '$tenant::uuid', id: 'h.id', generation: 'h.generation' },
  ...{ cause: "'operator'", retryOf: 'p.id' },
} as const;

const isAfter =
  '($after_at::timestamptz IS NULL OR (r.created_at, r.id) < ($after_at::timestamptz, $after_id::uuid))';
type PageValue = 'tenant' | 'code' | 'after_at' | 'after_id';

const countDead = setStatement<'tenant'>(
  'dead-counts',
  `SELECT r.error_code AS code, count(*)::int AS count, (count(*) FILTER (WHERE ${isOver}))::int AS deactivated,
     min(r.finished_at) AS oldest, max(r.finished_at) AS newest ${dead} GROUP BY r.error_code ORDER BY 2 DESC, 1`,
);

const listDead = setStatement<PageValue | 'limit'>(
  'dead-list',
  `SELECT r.id AS "requestId", r.identity_id AS "identityId", r.group_id AS "groupId",
     coalesce(i.username, g.display_name) AS username, coalesce(i.subject, '') AS subject, NOT ${isOver} AS active,
     r.error_code AS code,
     r.error_detail AS detail, r.finished_at AS "failedAt", r.attempts, r.created_at AS at
   ${dead} AND ($code::text IS NULL OR r.error_code = $code::text) AND ${isAfter}
   ORDER BY r.created_at DESC, r.id DESC LIMIT $limit`,
);

/**
 * Locks the identities in the order of their ids, so that two concurrent retries wait for each other instead of
 * deadlocking. An identity that was admitted meanwhile has an open request, and the index allows only one.
 */
const retryDead = setStatement<PageValue>(
  'dead-retry',
  `WITH page AS (
     SELECT r.id, r.identity_id, r.group_id, r.created_at ${dead} AND r.error_code = $code::text AND ${isAfter}
     ORDER BY r.created_at DESC, r.id DESC LIMIT ${PAGE}
   ), held AS (
     SELECT i.id, NOT ${isOver} AS active, i.generation
     FROM identity i LEFT JOIN box_account a ON a.identity_id = i.id
     WHERE i.id IN (SELECT identity_id FROM page) ORDER BY i.id FOR NO KEY UPDATE OF i
   ), held_groups AS (
     SELECT g.id, g.generation FROM scim_group g WHERE g.id IN (SELECT group_id FROM page)
     ORDER BY g.id FOR NO KEY UPDATE
   ), ${openRequests({
     ...{ of: 'group', from: 'held_groups h JOIN page p ON p.group_id = h.id', priority: GROUP_PRIORITY },
     ...{ ...retry, as: 'made_for_groups' },
   })}, ${openRequests({
     ...{ of: 'identity', from: 'held h JOIN page p ON p.identity_id = h.id WHERE h.active' },
     ...{ ...retry, priority: MANY_PRIORITY, as: 'made' },
   })}
   SELECT (SELECT count(*)::int FROM page) AS seen, (SELECT count(*)::int FROM made) + (SELECT count(*)::int FROM made_for_groups) AS retried,
     (SELECT count(*)::int FROM held WHERE NOT active) AS deactivated,
     last.created_at AS "lastAt", last.id AS "lastId"
   FROM (SELECT 1) one LEFT JOIN (SELECT * FROM page ORDER BY created_at, id LIMIT 1) last ON true`,
);

/** Dead letters: failed requests that nothing has resolved since. */
export class DeadLetters {
  private readonly database: Database;
  private readonly tenantId: string;

  constructor(database: Database, tenantId: string) {
    this.database = database;
    this.tenantId = tenantId;
  }

  async counts(): Promise<DeadLetterCount[]> {
    return run(this.database, countDead, { tenant: this.tenantId });
  }

  /** The newest first, after `after`; for one code or for all. */
  async list(
    code: ErrorCode | null,
    { after, limit }: { after: Position | null; limit: number },
  ): Promise<{ letters: DeadLetter[]; next: Position | null }> {
    const rows = await run<DeadLetter & { at: Date }>(this.database, listDead, {
      ...this.page(code, after),
      limit,
    });
    const last = rows.at(-1);
    const next = rows.length === limit && last ? { at: last.at, id: last.requestId } : null;
    return { letters: rows.map(({ at: _at, ...letter }) => letter), next };
  }

  /**
   * Opens a new request for every dead letter of a code, page by page, each page in its own transaction. Interrupted or
   * run twice, it opens none twice, because a request with a newer one is not a dead letter. `onPage` receives the
   * counts so far; returning `stop` ends the run.
   */
  async retryAll(
    code: ErrorCode,
    onPage: (sofar: Retries) => 'go-on' | 'stop' = () => 'go-on',
  ): Promise<Retries> {
    let sofar: Retries = { retried: 0, deactivated: 0 };
    let after: Position | null = null;
    for (;;) {
      const page: RetriedPage = await this.retryPage(code, after);
      sofar = {
        retried: sofar.retried + page.retried,
        deactivated: sofar.deactivated + page.deactivated,
      };
      if (onPage(sofar) === 'stop' || page.last === null || page.seen < PAGE) return sofar;
      after = page.last;
    }
  }

  private async retryPage(code: ErrorCode, after: Position | null): Promise<RetriedPage> {
    const [row] = await run<RetriedPage & { lastAt: Date | null; lastId: string | null }>(
      this.database,
      retryDead,
      this.page(code, after),
    );
    const { seen, retried, deactivated, lastAt, lastId } = row!;
    return { seen, retried, deactivated, last: lastAt && lastId ? { at: lastAt, id: lastId } : null };
  }

  private page(code: ErrorCode | null, after: Position | null): Record<PageValue, SqlValue> {
    return { tenant: this.tenantId, code, after_at: after?.at ?? null, after_id: after?.id ?? null };
  }
}

interface RetriedPage extends Retries {
  readonly seen: number;
  readonly last: Position | null;
}
