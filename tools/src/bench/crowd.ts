import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Database, Intake, openDatabase, openTenant } from '@foyer/persistence';
import { median } from './measure.ts';

/** The number of concurrent calls to the intake. */
const DOORS = 10;
const LOOK_EVERY_MS = 50;
/**
 * Holds back every new open request of the background lane. In the insert itself, because on a slow machine a relay
 * takes a request before a later statement could hold it back.
 */
const HOLD = `
  CREATE OR REPLACE FUNCTION bench_hold() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.due_at := NEW.due_at + interval '1 day';
    RETURN NEW;
  END $$;
  CREATE OR REPLACE TRIGGER bench_hold BEFORE INSERT ON provisioning_request
    FOR EACH ROW WHEN (NEW.cause = 'batch') EXECUTE FUNCTION bench_hold()`;

/** The results of a crowd, by the database's clock. */
export interface Drained {
  readonly people: number;
  /** From the first start of work to the last end. */
  readonly seconds: number;
  /** People a second. */
  readonly rate: number;
}

/**
 * Many new people of one tenant: admitted through the intake store, held back, and released all at once. From `open` on,
 * no process of that database works on a new batch request that is not released.
 */
export class Crowd {
  readonly #database: Database;
  readonly #intake: Intake;
  readonly #tenantId: string;
  #held: string[] = [];

  private constructor(database: Database, tenantId: string) {
    this.#database = database;
    this.#tenantId = tenantId;
    this.#intake = new Intake(database, tenantId);
  }

  static async open(databaseUrl: string, tenant = 'default'): Promise<Crowd> {
    const database = openDatabase({ url: databaseUrl, poolSize: DOORS });
    await database.pool.query(HOLD);
    return new Crowd(database, await openTenant(database, tenant));
  }

  /**
   * Admits `count` new people, on whom no worker works before `release`. Returns the median time of one, in
   * milliseconds.
   */
  async admit(count: number): Promise<number> {
    const spent: number[] = [];
    let open = count;
    const door = async (): Promise<void> => {
      while (open-- > 0) {
        const began = performance.now();
        this.#held.push(await this.#one());
        spent.push(performance.now() - began);
      }
    };
    await Promise.all(Array.from({ length: DOORS }, door));
    return median(spent);
  }

  async #one(): Promise<string> {
    const subject = `bench-${randomUUID()}`;
    const username = `${subject}@example.com`;
    const person = {
      issuer: 'https://example.okta.com',
      subject,
      username,
      email: username,
      name: 'Bench Person',
    };
    const admission = await this.#intake.admit(person, 'batch');
    if (admission.kind !== 'requested') throw new Error(`A new person was not admitted: ${admission.kind}.`);
    return admission.requestId;
  }

  /** Makes every held request due. Returns their ids. */
  async letGo(): Promise<readonly string[]> {
    const ids = this.#held;
    this.#held = [];
    const { pool } = this.#database;
    // The tables grew from nothing: without this the planner would guess, differently each time.
    await pool.query(
      'ANALYZE identity, box_account, provisioning_request, request_event, api_call, api_call_outcome',
    );
    await pool.query(
      'UPDATE provisioning_request SET due_at = clock_timestamp() WHERE id = ANY($1::uuid[])',
      [ids],
    );
    return ids;
  }

  /** Releases every held request, and waits like `done`. */
  async release(): Promise<Drained> {
    return this.done(await this.letGo());
  }

  /** Waits until all of these are done. Throws when one does not succeed in time. */
  async done(ids: readonly string[], withinMs = 600_000): Promise<Drained> {
    const { pool } = this.#database;
    await this.#untilDone(withinMs);
    const { rows } = await pool.query<{ people: number; seconds: number }>(
      `SELECT count(*) FILTER (WHERE status = 'succeeded')::int AS people,
         extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
       FROM provisioning_request WHERE id = ANY($1::uuid[])`,
      [ids],
    );
    const { people, seconds } = rows[0]!;
    if (people !== ids.length) throw new Error(`Of ${ids.length} people only ${people} ended well.`);
    return { people, seconds, rate: people / seconds };
  }

  async #untilDone(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    for (;;) {
      const { rows } = await this.#database.pool.query<{ open: boolean }>(
        'SELECT EXISTS (SELECT FROM provisioning_request WHERE tenant_id = $1 AND due_at IS NOT NULL) AS open',
        [this.#tenantId],
      );
      if (!rows[0]!.open) return;
      if (performance.now() > until) throw new Error(`Not all people were done within ${withinMs / 1000} s.`);
      await pause(LOOK_EVERY_MS);
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
