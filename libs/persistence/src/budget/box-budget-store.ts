import {
  LONGEST_PAUSE_MS,
  type BucketLimits,
  type BudgetAnswer,
  type BudgetStore,
  type PerUrgency,
} from '@foyer/provisioning';
import type { Database } from '../database/database.ts';
import { run, statement, type SqlValue, type Statement } from '../database/statement.ts';

/** A service account: a Box app in an enterprise. */
export interface BoxServiceAccount {
  readonly clientId: string;
  readonly enterpriseId: string;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_UNTOLD_MS = 60_000;
const FORGOTTEN_AFTER_MS = 60_000;

type AccountValue = 'client' | 'enterprise';
const isTheAccount = (row = 'box_budget'): string =>
  `${row}.client_id = $client::text AND ${row}.enterprise_id = $enterprise::text`;

/**
 * The row, locked, with the current time of the database. `now` is read after the lock is acquired, so that two waiting
 * statements do not both count the same time. A pause from before a clock was set back is limited too.
 */
const seen = `seen AS (
    SELECT level, refilled_at, refusals, paused_until FROM box_budget WHERE ${isTheAccount()} FOR UPDATE
  ), clocked AS MATERIALIZED (
    SELECT level, refilled_at, refusals, clock_timestamp() AS now, paused_until FROM seen
  ), known AS (
    SELECT level, refilled_at, refusals, now, CASE WHEN paused_until IS NOT NULL
      THEN least(paused_until, now + ${LONGEST_PAUSE_MS} * interval '1 millisecond') END AS paused_until FROM clocked
  )`;

type BucketValue = 'capacity' | 'per_ms';
/** The wanted number and the floor of each urgency, the most urgent first. */
type AskValue = 'first' | 'first_floor' | 'second' | 'second_floor' | 'third' | 'third_floor';
const ask = statement<AccountValue | BucketValue | AskValue>(
  'box-budget-ask',
  `WITH ${seen}, filled AS (
    SELECT now, paused_until, coalesce(greatest(0, extract(epoch FROM paused_until - now) * 1000), 0)::float8 AS paused_ms,
      least($capacity::float8, level
        + greatest(0, extract(epoch FROM now - greatest(refilled_at, paused_until)) * 1000)::float8 * $per_ms::float8) AS level
    FROM known
  ), first AS (
    SELECT *, CASE WHEN paused_ms > 0 THEN 0 ELSE least($first::int, greatest(0, floor(level - $first_floor::float8))) END AS a FROM filled
  ), second AS (
    SELECT *, CASE WHEN paused_ms > 0 THEN 0 ELSE least($second::int, greatest(0, floor(level - a - $second_floor::float8))) END AS b FROM first
  ), third AS MATERIALIZED (
    SELECT *, CASE WHEN paused_ms > 0 THEN 0 ELSE least($third::int, greatest(0, floor(level - a - b - $third_floor::float8))) END AS c
    FROM second
  )
  UPDATE box_budget t SET level = third.level - a - b - c, refilled_at = now, paused_until = third.paused_until
  FROM third WHERE ${isTheAccount('t')}
  RETURNING a, b, c, t.level, paused_ms`,
);

/**
 * `retry_after`: Box's Retry-After in ms, or null. A 429 that arrives during a pause was sent before it, so it does not extend it.
 */
const refuse = statement<AccountValue | 'retry_after'>(
  'box-budget-refuse',
  `WITH ${seen}, counted AS (
    SELECT now, paused_until, CASE
        WHEN $retry_after::float8 IS NOT NULL OR paused_until > now THEN refusals
        WHEN paused_until > now - ${FORGOTTEN_AFTER_MS} * interval '1 millisecond' THEN least(refusals, 30) + 1
        ELSE 1 END AS refusals
    FROM known
  ), paused AS MATERIALIZED (
    SELECT now, refusals, CASE
        WHEN $retry_after::float8 IS NULL AND paused_until > now THEN paused_until
        ELSE greatest(paused_until, now + interval '1 millisecond' * least(${LONGEST_PAUSE_MS},
          coalesce($retry_after::float8, least(${LONGEST_UNTOLD_MS}, ${FIRST_PAUSE_MS} * 2.0 ^ (refusals - 1))))) END AS paused_until
    FROM counted
  )
  UPDATE box_budget t SET level = 0, refilled_at = now, paused_until = paused.paused_until, refusals = paused.refusals
  FROM paused WHERE ${isTheAccount('t')}
  RETURNING greatest(0, extract(epoch FROM t.paused_until - now) * 1000)::float8 AS paused_ms`,
);

const look = statement<AccountValue | BucketValue>(
  'box-budget-look',
  `SELECT least($capacity::float8, level + greatest(0, extract(epoch FROM clock_timestamp() - greatest(refilled_at, paused_until))
      * 1000)::float8 * $per_ms::float8) AS level,
    coalesce(greatest(0, extract(epoch FROM paused_until - clock_timestamp()) * 1000), 0)::float8 AS paused_ms
  FROM box_budget WHERE ${isTheAccount()}`,
);

const make = statement<AccountValue>(
  'box-budget-make',
  'INSERT INTO box_budget (client_id, enterprise_id) VALUES ($client, $enterprise) ON CONFLICT DO NOTHING',
);

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
    const row = await this.update<AskRow, BucketValue | AskValue>(ask, {
      ...{ capacity, per_ms: perMs },
      ...{ first: wanted['sign-in'], first_floor: floors['sign-in'] },
      ...{ second: wanted.soon, second_floor: floors.soon },
      ...{ third: wanted.bulk, third_floor: floors.bulk },
    });
    return {
      granted: { 'sign-in': Number(row.a), soon: Number(row.b), bulk: Number(row.c) },
      level: row.level,
      pausedMs: row.paused_ms,
    };
  }

  async refuse(retryAfterMs: number | undefined): Promise<number> {
    const values = { retry_after: retryAfterMs ?? null };
    return (await this.update<{ paused_ms: number }, 'retry_after'>(refuse, values)).paused_ms;
  }

  async look(): Promise<{ level: number; pausedMs: number }> {
    const { capacity, perMs } = this.limits;
    const [row] = await run<{ level: number; paused_ms: number }>(this.database, look, {
      ...{ ...this.values, capacity, per_ms: perMs },
    });
    return row ? { level: row.level, pausedMs: row.paused_ms } : { level: 0, pausedMs: 0 };
  }

  /**
   * Inserts the row when it is missing: at the very first call, and after a crash of PostgreSQL emptied the unlogged
   * table.
   */
  private async update<R extends object, P extends string>(
    change: Statement<AccountValue | P>,
    given: Readonly<Record<P, SqlValue>>,
  ): Promise<R> {
    const values = { ...given, ...this.values };
    const [row] = await run<R>(this.database, change, values);
    if (row) return row;
    await run(this.database, make, this.values);
    const [made] = await run<R>(this.database, change, values);
    if (!made) throw new Error('The row of the rate limiter was deleted twice at the same time.');
    return made;
  }

  private get values(): Record<AccountValue, SqlValue> {
    return { client: this.account.clientId, enterprise: this.account.enterpriseId };
  }
}
