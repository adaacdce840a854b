import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { oneTurn } from './scheduler.ts';

/** The simulation's own connection to the database, without boundaries. Survives restarts of the server. */
export class Admin {
  readonly #url: string;
  #client: pg.Client | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(url: string) {
    this.#url = url;
  }

  /** Statements run one after the other, whichever caller sends them. */
  query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    const answer = this.#last.then(() => this.#ask<R>(text, values));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Terminates a backend and waits until it is gone, with everything that it had not committed. */
  async terminate(pid: number): Promise<void> {
    // With a timeout PostgreSQL itself would check only every 100 ms.
    await this.query('SELECT pg_terminate_backend($1)', [pid]);
    while ((await this.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).length > 0)
      await oneTurn();
  }

  /** Whether that backend waits for a lock that another one holds. */
  async isBlocked(pid: number): Promise<boolean> {
    const [row] = await this.query<{ blocked: boolean }>(
      'SELECT cardinality(pg_blocking_pids($1)) > 0 AS blocked',
      [pid],
    );
    return row?.blocked ?? false;
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  async #ask<R extends object>(text: string, values: unknown[]): Promise<R[]> {
    this.#client ??= await connect(this.#url);
    return (await this.#client.query<R & pg.QueryResultRow>(text, values)).rows;
  }
}

/** Waits up to ten seconds: a restarted server takes a moment. */
async function connect(url: string): Promise<pg.Client> {
  for (let tries = 1; ; tries++) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (tries === 100) throw error;
      await pause(100);
    }
  }
}
