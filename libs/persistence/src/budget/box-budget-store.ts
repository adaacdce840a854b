import {
  LONGEST_PAUSE_MS,
  urgencies,
  type BucketLimits,
  type BudgetAnswer,
  type BudgetStore,
  type PerUrgency,
} from '@foyer/provisioning';
import type { Database } from '../database/database.ts';

/** A service account: a Box app in an enterprise. */
export interface BoxServiceAccount {
  readonly clientId: string;
  readonly enterpriseId: string;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_UNTOLD_MS = 60_000;
const FORGOTTEN_AFTER_MS = 60_000;

/**
 * The row, locked, with the current time of the database. `now` is read after the lock is acquired, so that two waiting
 * statements do not both count the same time. A pause from before a clock was set back is limited too.
 */
const seen = `seen AS (
    SELECT level, refilled_at, refusals, paused_until FROM box_budget WHERE client_id = $1 AND enterprise_id = $2 FOR UPDATE
  ), clocked AS MATERIALIZED (
    SELECT level, refilled_at, refusals, clock_timestamp() AS now, paused_until FROM seen
  ), known AS (
    SELECT level, refilled_at, refusals, now, CASE WHEN paused_until IS NOT NULL
      THEN least(paused_until, now + ${LONGEST_PAUSE_MS} * interval '1 millisecond') END AS paused_until FROM clocked
  )`;

/** From $3: capacity, calls per ms; then the wanted number and the floor for each urgency, the most urgent first. */
const askText = `
  WITH ${seen}, filled AS (
    SELECT now, paused_until, coalesce(greatest(0, extract(epoch FROM paused_until - now) * 1000), 0)::float8 AS paused_ms,
      least($3::float8, level
        + greatest(0, extract(epoch FROM now - greatest(refilled_at, paused_until)) * 1000)::float8 * $4::float8) AS level
    FROM known
  ), first AS (
    SELECT *, CASE WHEN paused_ms > 0 THEN 0 ELSE least($5::int, greatest(0, floor(level - $6::float8))) END AS a FROM filled
  ), second AS (
    SELECT *, CASE WHEN paused_ms > 0 THEN 0 ELSE least($7::int, greatest(0, floor(level - a - $8::float8))) END AS b FROM first
  ), third AS MATERIALIZED (
    SELECT *, CASE WHEN paused_ms > 0 THEN 0 ELSE least($9::int, greatest(0, floor(level - a - b - $10::float8))) END AS c
    FROM second
  )
  UPDATE box_budget t SET level = third.level - a - b - c, refilled_at = now, paused_until = third.paused_until
  FROM third WHERE t.client_id = $1 AND t.enterprise_id = $2
  RETURNING a, b, c, t.level, paused_ms`;

/**
 * $3: Box's Retry-After in ms, or null. A 429 that arrives during a pause was sent before it, so it does not extend it.
 */
const refuseText = `
  WITH ${seen}, counted AS (
    SELECT now, paused_until, CASE
        WHEN $3::float8 IS NOT NULL OR paused_until > now THEN refusals
        WHEN paused_until > now - ${FORGOTTEN_AFTER_MS} * interval '1 millisecond' THEN least(refusals, 30) + 1
        ELSE 1 END AS refusals
    FROM known
  ), paused AS MATERIALIZED (
    SELECT now, refusals, CASE
        WHEN $3::float8 IS NULL AND paused_until > now THEN paused_until
        ELSE greatest(paused_until, now + interval '1 millisecond' * least(${LONGEST_PAUSE_MS},
          coalesce($3::float8, least(${LONGEST_UNTOLD_MS}, ${FIRST_PAUSE_MS} * 2.0 ^ (refusals - 1))))) END AS paused_until
    FROM counted
  )
  UPDATE box_budget t SET level = 0, refilled_at = now, paused_until = paused.paused_until, refusals = paused.refusals
  FROM paused WHERE t.client_id = $1 AND t.enterprise_id = $2
  RETURNING greatest(0, extract(epoch FROM t.paused_until - now) * 1000)::float8 AS paused_ms`;

const lookText = `
  SELECT least($3::float8, level + greatest(0, extract(epoch FROM clock_timestamp() - greatest(refilled_at, paused_until))
      * 1000)::float8 * $4::float8) AS level,
    coalesce(greatest(0, extract(epoch FROM paused_until - clock_timestamp()) * 1000), 0)::float8 AS paused_ms
  FROM box_budget WHERE client_id = $1 AND enterprise_id = $2`;

interface AskRow {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly level: number;
  readonly paused_ms: number;
}

/**
 * The bucket of one service account as a row of PostgreSQL; one statement per ask. Without Prisma, because every call
 * waits for it.
 */
export class BoxBudgetStore implements BudgetStore {
  private readonly database: Database;
  private readonly account: BoxServiceAccount;
  private readonly limits: BucketLimits;

  /** `limits` should be the same in every process, because each refills the bucket by its own. */
  constructor(database: Database, account: BoxServiceAccount, limits: BucketLimits) {
    this.database = database;
    this.account = account;
    this.limits = limits;
  }

  async ask(wanted: PerUrgency<number>): Promise<BudgetAnswer> {
    const { capacity, perMs, floors } = this.limits;
    const perUrgency = urgencies.flatMap((urgency) => [wanted[urgency], floors[urgency]]);
    const row = await this.update<AskRow>('box-budget-ask', askText, [capacity, perMs, ...perUrgency]);
    return {
      granted: { 'sign-in': Number(row.a), soon: Number(row.b), bulk: Number(row.c) },
      level: row.level,
      pausedMs: row.paused_ms,
    };
  }

  async refuse(retryAfterMs: number | undefined): Promise<number> {
    const values = [retryAfterMs ?? null];
    return (await this.update<{ paused_ms: number }>('box-budget-refuse', refuseText, values)).paused_ms;
  }

  async look(): Promise<{ level: number; pausedMs: number }> {
    const { capacity, perMs } = this.limits;
    const [row] = await this.query<{ level: number; paused_ms: number }>('box-budget-look', lookText, [
      capacity,
      perMs,
    ]);
    return row ? { level: row.level, pausedMs: row.paused_ms } : { level: 0, pausedMs: 0 };
  }

  /**
   * Inserts the row when it is missing: at the very first call, and after a crash of PostgreSQL emptied the unlogged
   * table.
   */
  private async update<R extends object>(name: string, text: string, values: unknown[]): Promise<R> {
    const [row] = await this.query<R>(name, text, values);
    if (row) return row;
    await this.query(
      'box-budget-make',
      'INSERT INTO box_budget (client_id, enterprise_id) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      [],
    );
    const [made] = await this.query<R>(name, text, values);
    if (!made) throw new Error('The row of the rate limiter was deleted twice at the same time.');
    return made;
  }

  private async query<R extends object>(name: string, text: string, values: unknown[]): Promise<R[]> {
    const { clientId, enterpriseId } = this.account;
    const all = [clientId, enterpriseId, ...values];
    return (await this.database.pool.query<R>({ name, text, values: all })).rows;
  }
}
