import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { oneTurn } from './scheduler.ts';

/** The simulation's own way to the database, past every boundary. Survives restarts of the server. */
export class Admin {
  readonly #url: string;
  #client: pg.Client | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(url: string) {
    this.#url = url;
  }

  /** One after the other, whoever asks. */
  query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    const answer = this.#last.then(() => this.#ask<R>(text, values));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Ends a backend and waits until it is gone, with all that it had not committed. */
  async terminate(pid: number): Promise<void> {
    // With a time limit PostgreSQL itself would look every 100 ms only.
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

/** Up to ten seconds' patience: a server that was restarted takes a moment. */
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
